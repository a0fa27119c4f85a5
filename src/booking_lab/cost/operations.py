"""What is counted: the requests of a page on its way to a booking, and those of a clinic's desk."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg

from booking_lab.bench.plan import BOOK_FROM, DAYS_READ, READ_FROM, Plan
from booking_lab.bench.requests import Callers, Row, request_of
from booking_lab.cost.served import STOPPED
from booking_system.identity.adapters.tokens import SignedAccessTokens

ROWS = Plan(rounds=1, doctors=8, days=42, appointments=200)
WRITES = 48
"""So many requests are there of each operation that writes: each is sent once."""

SEARCHES = 60
"""More than are made of one operation that reads."""

ORDERS = """SELECT o.slot_id, o.service_id, o.user_id, o.session_id, s.doctor_id
 FROM bench.orders o JOIN time_slots s ON s.id = o.slot_id
 WHERE o.kind = $1 ORDER BY o.n LIMIT $2"""
EARLIER = """SELECT s.id FROM (SELECT s.id, row_number() OVER (PARTITION BY s.doctor_id
   ORDER BY s.starts_at) AS n, s.doctor_id
  FROM time_slots s, bench.size WHERE s.starts_at < first_day + $1 * interval '1 day') s
 WHERE s.doctor_id = $2 AND s.n = $3"""
DOCTORS = """SELECT d.id, d.clinic_id, first_day + $1::int * interval '1 day' AS since,
 first_day + $2::int * interval '1 day' AS until, first_day + $3::int * interval '1 day' AS busy
 FROM bench.size, doctors d ORDER BY d.id"""
DESK = """INSERT INTO role_grants (id, user_id, role, clinic_id, created_at)
 SELECT uuidv7(), p.user_id, 'receptionist', c.id, now()
 FROM (SELECT id FROM clinics ORDER BY id LIMIT 1) c,
  (SELECT user_id FROM bench.people ORDER BY n DESC LIMIT 1) p RETURNING user_id"""
SESSION = "SELECT session_id FROM bench.people WHERE user_id = $1"


class Requests:
    """Bytes to send, made out of the rows that the bench seeds."""

    def __init__(self, connection: asyncpg.Connection, tokens: SignedAccessTokens) -> None:
        """`tokens` signs as the API does that shall be asked."""
        self._connection = connection
        self._callers = Callers(tokens, STOPPED)

    async def by_operation(self) -> dict[str, list[bytes]]:
        """Return requests for each operation, by its name in the ledger, in the order to send."""
        orders = await self._connection.fetch(ORDERS, "http", 3 * WRITES)
        plain, keyed, held = (orders[n * WRITES : (n + 1) * WRITES] for n in range(3))
        places = await self._connection.fetch(DOCTORS, READ_FROM, READ_FROM + DAYS_READ, BOOK_FROM)
        first = places[0]
        week = f"/v1/slots?{urlencode(_week(first) | {'doctor_id': str(first['id'])})}"
        clinic = {"clinic_id": str(first["clinic_id"])}
        desk = await self._desk()
        day = f"/v1/clinics/{first['clinic_id']}/day?date={first['busy']:%Y-%m-%d}"
        return {
            "me": [self._get("/v1/me", one) for one in orders],
            "slots, kept": [self._get(week)],
            "slots, new": [self._get(path) for path in _weeks(first)],
            "slots, from now": [self._get(f"/v1/slots?doctor_id={first['id']}")],
            "slots, next": [self._get(f"/v1/slots/next?{urlencode(clinic)}")],
            "slots, calendar": [
                self._get(f"/v1/slots/calendar?{urlencode(clinic | _month(first))}")
            ],
            "clinics": [self._get("/v1/clinics")],
            "doctors": [self._get(f"/v1/doctors?{urlencode(clinic)}")],
            "services": [self._get(f"/v1/clinics/{first['clinic_id']}/services")],
            "booking": [self._booking(one) for one in plain],
            "booking, with a key": [self._booking(one, key=str(n)) for n, one in enumerate(keyed)],
            "hold": [self._hold(one) for one in held],
            "my bookings": [self._get("/v1/bookings", plain[0])],
            "day of a clinic": [self._get(day, desk)],
        }

    async def to_move(self, orders: list[Row], bookings: list[str]) -> list[bytes]:
        """Return requests that move each booking to a slot of the same doctor that is free."""
        return [
            self._post(
                f"/v1/bookings/{booking}/reschedule",
                {"time_slot_id": str(await self._earlier(order, n))},
                order,
            )
            for n, (order, booking) in enumerate(zip(orders, bookings, strict=True), 1)
        ]

    async def orders(self) -> list[Row]:
        """Return the rows behind the requests called booking."""
        found: list[Row] = await self._connection.fetch(ORDERS, "http", WRITES)
        return found

    def to_cancel(self, orders: list[Row], bookings: list[str]) -> list[bytes]:
        """Return requests that cancel each booking."""
        return [
            self._post(f"/v1/bookings/{booking}/cancel", {}, order)
            for order, booking in zip(orders, bookings, strict=True)
        ]

    async def _earlier(self, order: Row, place: int) -> object:
        return await self._connection.fetchval(EARLIER, READ_FROM, order["doctor_id"], place)

    async def _desk(self) -> Row:
        user_id = await self._connection.fetchval(DESK)
        session_id = await self._connection.fetchval(SESSION, user_id)
        return {"user_id": user_id, "session_id": session_id}

    def _booking(self, order: Row, key: str | None = None) -> bytes:
        wish = {
            "time_slot_id": str(order["slot_id"]),
            "service_id": str(order["service_id"]),
            "reason": "First visit",
        }
        return self._post("/v1/bookings", wish, order, key=key)

    def _hold(self, order: Row) -> bytes:
        wish = {"time_slot_id": str(order["slot_id"]), "service_id": str(order["service_id"])}
        return self._post("/v1/holds", wish, order)

    def _get(self, path: str, by: Row | None = None) -> bytes:
        return request_of("GET", path, None if by is None else self._callers.token(by))

    def _post(self, path: str, body: Any, by: Row, key: str | None = None) -> bytes:
        return request_of("POST", path, self._callers.token(by), json.dumps(body).encode(), key=key)


def _week(row: Row) -> dict[str, str]:
    since, until = (f"{row[name]:%Y-%m-%dT%H:%M:%SZ}" for name in ("since", "until"))
    return {"from": since, "to": until, "limit": "200"}


def _month(row: Row) -> dict[str, str]:
    return {"from": f"{row['since']:%Y-%m-%d}", "to": f"{row['busy']:%Y-%m-%d}"}


def _weeks(place: Row) -> Iterator[str]:
    """Each search once, so none is kept from before, and all find the same slots."""
    for seconds in range(SEARCHES):
        until = place["until"] + timedelta(seconds=seconds)
        wish = _week({**place, "until": until}) | {"doctor_id": str(place["id"]), "limit": "100"}
        yield f"/v1/slots?{urlencode(wish)}"
