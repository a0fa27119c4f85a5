"""The bytes of the requests, made before anything is measured."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import asyncpg

from booking_lab.bench import seed
from booking_lab.bench.plan import BOOK_FROM, DAYS_READ, RACE_FROM, READ_FROM, RIVALS
from booking_system.identity.adapters.tokens import SignedAccessTokens
from booking_system.platform.clock import SystemClock
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import SessionId, UserId

Row = Mapping[str, Any]


class Callers:
    """Signs people in, each once: the API looks once at a token that it has seen."""

    def __init__(
        self,
        tokens: SignedAccessTokens,
        clock: Clock = SystemClock(),  # noqa: B008  (no state)
    ) -> None:
        """`tokens` signs with the key of the API that shall be asked, which has this `clock`."""
        self._tokens, self._clock = tokens, clock
        self._signed: dict[object, str] = {}

    def token(self, caller: Row) -> str:
        """Return the access token of a row's `user_id` and `session_id`."""
        known = self._signed.get(caller["session_id"])
        if known is None:
            user_id, session_id = UserId(caller["user_id"]), SessionId(caller["session_id"])
            known = self._tokens.sign(user_id, session_id, self._clock.now())
            self._signed[caller["session_id"]] = known
        return known


class Wishes:
    """Makes requests out of the seeded rows."""

    def __init__(self, connection: asyncpg.Connection, tokens: SignedAccessTokens) -> None:
        """`tokens` signs with the key of the API that shall be asked."""
        self._connection = connection
        self._callers = Callers(tokens)

    async def to_read(self, since: int = READ_FROM) -> list[bytes]:
        """One request for each doctor: the open slots of the week from this day on."""
        rows = await self._connection.fetch(seed.TO_READ, since, since + DAYS_READ)
        return [_get(f"/v1/slots?{urlencode(_week(row))}") for row in rows]

    async def to_book(self, most: int) -> list[bytes]:
        """Requests that each book another slot, by patients who are never in two places."""
        rows = await self._connection.fetch(seed.TO_BOOK, most)
        return [self._booking(row, row) for row in rows]

    async def to_flood(self) -> list[bytes]:
        """As many as there are, whoever else could have booked them."""
        rows = await self._connection.fetch(seed.TO_FLOOD)
        return [self._booking(row, row) for row in rows]

    async def to_warm_up(self) -> list[bytes]:
        """One cheap request by everybody who is going to book: their token is known then."""
        rows = await self._connection.fetch(seed.CALLERS)
        return [_get("/v1/me", self._callers.token(row)) for row in rows]

    async def to_race(self, races: int) -> tuple[list[bytes], list[Any]]:
        """Requests in groups that want the same slot, and the ids of those slots."""
        slots = await self._connection.fetch(seed.TO_RACE_FOR, races, RACE_FROM, BOOK_FROM)
        rivals = await self._connection.fetch(seed.RIVALS_THERE, RIVALS)
        requests = [self._booking(slot, rival) for slot in slots for rival in rivals]
        return requests, [slot["slot_id"] for slot in slots]

    def _booking(self, slot: Row, caller: Row) -> bytes:
        wish = {
            "time_slot_id": str(slot["slot_id"]),
            "service_id": str(slot["service_id"]),
            "reason": "First visit",
        }
        return request_of(
            "POST", "/v1/bookings", self._callers.token(caller), json.dumps(wish).encode()
        )


def _week(row: Row) -> dict[str, str]:
    since, until = (f"{row[name]:%Y-%m-%dT%H:%M:%SZ}" for name in ("since", "until"))
    return {"doctor_id": str(row["doctor_id"]), "from": since, "to": until, "limit": "200"}


def _get(path: str, token: str | None = None) -> bytes:
    return request_of("GET", path, token)


def request_of(
    method: str, path: str, token: str | None = None, body: bytes = b"", *, key: str | None = None
) -> bytes:
    """Return a whole request; `key` is its `Idempotency-Key`."""
    return "\r\n".join(_head(method, path, token, body, key)).encode() + body


def _head(
    method: str, path: str, token: str | None, body: Sequence[int], key: str | None
) -> Iterator[str]:
    yield f"{method} {path} HTTP/1.1"
    yield "Host: 127.0.0.1"
    yield "Accept: application/json"
    if token is not None:
        yield f"Authorization: Bearer {token}"
    if key is not None:
        yield f"Idempotency-Key: {key}"
    if body:
        yield "Content-Type: application/json"
        yield f"Content-Length: {len(body)}"
    yield "\r\n"
