"""What the layers below the entrance tell it about the request that they work for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Room(Protocol):
    """Where a request has its place."""

    def leave(self, ticket: "Ticket") -> None:
        """Take the place back."""

    def come_back(self, ticket: "Ticket") -> None:
        """Give a place again, though there may be none."""

    def end(self, ticket: "Ticket") -> None:
        """Forget the request: it has no place and no deadline any more."""


class Ticket:
    """One request that is being served.

    `since`: when its time began to run, by `time.perf_counter`. `is_outside`: it waits for its
    client, so its time stands still.
    `stores`: a commit was begun on its behalf, so nobody may say that nothing was done.
    """

    __slots__ = ("has_place", "is_cut", "is_outside", "room", "since", "stores", "task")

    def __init__(self, room: Room, task: asyncio.Task[object], since: float) -> None:
        """`task` serves the request and nothing else."""
        self.room = room
        self.task = task
        self.since = since
        self.has_place = False
        self.is_cut = False
        self.is_outside = False
        self.stores = False


TICKET: ContextVar[Ticket | None] = ContextVar("TICKET", default=None)
CONNECTIONS: ContextVar[int] = ContextVar("CONNECTIONS", default=0)
"""How many connections to the database this task holds."""


class HeldConnectionError(RuntimeError):
    """A task waits for something slow while rows may be locked and others wait for a connection."""


def storing() -> None:
    """Say that a commit begins: from here on the outcome of the request may be unknown."""
    ticket = TICKET.get()
    if ticket is not None:
        ticket.stores = True


@contextmanager
def waiting_elsewhere() -> Iterator[None]:
    """Leave one's place to others for a wait that is bounded elsewhere and burdens nobody here.

    All that hashes a password or calls another machine waits in here. Raises `HeldConnectionError`
    inside a transaction: it is a mistake in the program.
    """
    if CONNECTIONS.get() > 0:
        raise HeldConnectionError("it waits elsewhere and holds a database connection")
    ticket = TICKET.get()
    if ticket is None or not ticket.has_place:
        yield
        return
    ticket.room.leave(ticket)
    try:
        yield
    finally:
        ticket.room.come_back(ticket)
