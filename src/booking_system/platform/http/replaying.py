"""What a request was answered, as it is stored with its key, and how it is told again."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from fastapi import Request, Response
from starlette.types import Message

from booking_system.platform.http.answers import MakingAnswer
from booking_system.platform.http.budgets import PAID
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import Again
from booking_system.platform.postgres.idempotency import StoredAnswer

REPLAYED = {"Idempotent-Replayed": "true"}


class UnsaidError(Exception):
    """An answer with status 201 does not say what was made: a mistake in the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The status of an answer, the address of what it is about, and the ids of what was made."""

    status: int
    location: str
    made: tuple[UUID, ...]

    @classmethod
    def of(cls, stored: StoredAnswer) -> Self:
        """Read what `to_store` has made."""
        assert stored.answer is not None, "a use case that stores its key shows it by itself"
        status, _, location = stored.answer.partition(" ")
        return cls(status=int(status), location=location, made=stored.resource_ids)

    def to_store(self) -> StoredAnswer:
        """Return it as the row has it: ids, and a text that the database need not understand."""
        return StoredAnswer(answer=f"{self.status} {self.location}", resource_ids=self.made)


def told_by(request: Request, response: Response) -> Told:
    """Return what the answer says. Raises `UnsaidError`."""
    # What acts on a resource stands below it: `/v1/bookings/{id}/cancel`.
    location = response.headers.get("location") or request.url.path.rpartition("/")[0]
    if isinstance(response, MakingAnswer):
        made = tuple(response.made)
    elif response.status_code == 201:
        raise UnsaidError(request.scope["route"].path)
    else:
        made = _named_by_the_path(request)
    return Told(status=response.status_code, location=location, made=made)


async def shown_again(
    request: StrictRequest, stored: StoredAnswer, again: Again | None
) -> Response:
    """Answer as the first request was answered, with the resource as it is shown now.

    Without `again` it is read at its address.
    """
    told = Told.of(stored)
    if told.status == 204:
        return Response(status_code=204, headers=REPLAYED)
    if again is None:
        shown = await _read_again(request, told.location)
    else:
        shown = await again(request, told.made)
    if shown.status_code != 200:
        return shown
    shown.status_code = told.status
    shown.headers.update(REPLAYED)
    if told.status == 201:
        shown.headers["Location"] = told.location
    return shown


def _named_by_the_path(request: Request) -> tuple[UUID, ...]:
    """Return the id of the resource that was acted on: the last one in the path."""
    for value in reversed(request.path_params.values()):
        with suppress(ValueError):
            return (UUID(str(value)),)
    return ()


async def _read_again(request: Request, location: str) -> Response:
    """Read what is at `location` through the application, on behalf of the same caller."""
    scope = {
        **request.scope,
        "method": "GET",
        "path": location,
        "raw_path": location.encode(),
        "query_string": b"",
        PAID: True,
    }
    start: Message = {}
    body = bytearray()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    async def nothing_more() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await request.scope["app"].router(scope, nothing_more, keep)
    response = Response(bytes(body), status_code=start["status"])
    response.raw_headers = [*start["headers"]]
    return response
