"""Waiting for what a client has yet to send, without keeping anybody else out meanwhile."""

from collections.abc import Awaitable, Generator
from time import perf_counter
from types import coroutine
from typing import Any

from starlette.types import Message, Receive

from booking_system.platform.http.entrance import RETRY_AFTER_SECONDS, Entrance
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.ticket import Ticket


async def received(receive: Receive, entrance: Entrance, ticket: Ticket) -> Message:
    """Return what the client has sent.

    Where it is not here yet, the request gives its place to others and its time stands still; once
    all is here it needs a place anew. Raises `Overloaded` where there is none.
    """
    if ticket.has_place:
        message = await _noticed(receive(), entrance, ticket)
        if ticket.has_place:
            return message
    else:
        message = await receive()
    if not ticket.is_outside or message.get("more_body"):
        return message
    ticket.is_outside = False
    ticket.since = perf_counter()
    if message["type"] == "http.request" and not await entrance.enter(ticket):
        raise Overloaded(retry_after=RETRY_AFTER_SECONDS)
    return message


@coroutine
def _noticed(
    message: Awaitable[Message], entrance: Entrance, ticket: Ticket
) -> Generator[Any, Any, Message]:
    """Await the message; leave the place if, and only if, that means to wait.

    Nearly always the message is here: then nothing is given away, and nothing asked for again.
    """
    steps = message.__await__()
    try:
        awaited = steps.send(None)
        entrance.leave(ticket)
        ticket.is_outside = True
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001  (handed on to where it is awaited)
                awaited = steps.throw(error)
            else:
                awaited = steps.send(sent)
    except StopIteration as done:
        result: Message = done.value
        return result
