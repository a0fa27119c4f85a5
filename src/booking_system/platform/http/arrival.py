"""Waiting for what a client has yet to send, without keeping anybody else out meanwhile."""

from time import perf_counter

from starlette.types import Message, Receive

from booking_system.platform.http.entrance import RETRY_AFTER_SECONDS, Entrance
from booking_system.platform.http.waiting import Begun, begin
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.ticket import Ticket


async def received(receive: Receive, entrance: Entrance, ticket: Ticket) -> Message:
    """Return what the client has sent.

    Where it is not here yet, the request gives its place to others and its time stands still; once
    all is here it needs a place anew. Raises `Overloaded` where there is none.
    """
    message = begin(receive())
    if isinstance(message, Begun):
        if ticket.has_place:
            entrance.leave(ticket)
            ticket.is_outside = True
        message = await message
    elif ticket.has_place:
        return message
    if not ticket.is_outside or message.get("more_body"):
        return message
    ticket.is_outside = False
    ticket.since = perf_counter()
    if message["type"] == "http.request" and not await entrance.enter(ticket):
        raise Overloaded(retry_after=RETRY_AFTER_SECONDS)
    return message
