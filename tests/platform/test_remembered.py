"""What an address asks for is read once, and means the same as if it were read each time."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response

from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.http.remembered import (
    LONGEST_ADDRESS,
    MOST_REMEMBERED,
    Reading,
    Readings,
)
from tests.api import START, Api, Person, document_of_all

NOT_ASKED = {"/metrics", "/health/ready", "/openapi.json", "/docs/openapi.json"}
"""They change, or take long to make."""
OF_EACH = 7
ODD = (
    "",
    "0",
    "-1",
    "21",
    "x" * 201,
    "%00",
    "%ff",
    "+",
    "a%0Ab",
    "true",
    "2027-02-30",
    "2027-03-01T09:00:00",
    "DE",
)
NOTHING = "01890000-0000-7000-8000-000000000000"
OF_NOTHING = (
    "rule_id",
    "exception_id",
    "invitation_id",
    "user_id",
    "time_off_id",
    "closure_id",
    "endpoint_id",
    "feed_id",
    "payment_id",
    "receipt_id",
    "file_id",
    "matter_id",
    "reference",
    "deed",
    "room_id",
    "guest_id",
)
MARKS = {"x-request-id", "date"}


def reading_operations(api: Api) -> Iterator[tuple[str, list[str]]]:
    """Each path whose address is remembered, and the names of its parameters."""
    for route in api.app.router.routes:
        if not isinstance(route, GuardedRoute):
            # A socket has no address to remember.
            continue
        if route.inputs is not None and route.path not in NOT_ASKED:
            about = document_of_all()["paths"].get(route.path, {}).get("get", {})
            yield route.path, [p["name"] for p in about.get("parameters", ()) if p["in"] == "query"]


async def a_place(api: Api) -> tuple[dict[str, str], list[Person | None]]:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    service = await api.service(clinic, doctor_ids=[doctor["id"]])
    slots = await api.slots(doctor, 3)
    patient = await api.patient()
    booked = await api.book(slots[0], patient, service_id=service["id"])
    known = dict.fromkeys(OF_NOTHING, NOTHING) | {
        "clinic_id": clinic["id"],
        "doctor_id": doctor["id"],
        "service_id": service["id"],
        "slot_id": slots[1]["id"],
        "booking_id": booked.json()["id"],
        "patient_id": str(patient.patient_id),
        "token": api.container.notifications.links().link(patient.patient_id)[-44:],
        "slug": clinic["slug"],
        "kind": "reminder",
        "external_id": "pms-10442",
        "specialty": "Cardiology",
        "language": "de",
        "mode": "in_person",
        "q": "Example",
        "status": "confirmed",
        "order": "-starts_at",
        "exclude_my_conflicts": "true",
        "per_doctor": "2",
        "limit": "3",
        "code": "not_found",
        "version": "none",
        "folder": "call",
        "name": "none.js",
        "date": f"{START:%Y-%m-%d}",
        "from": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "to": f"{START:%Y-%m-%d}",
        "after": f"{START:%Y-%m-%dT%H:%M:%S%%2B00:00}",
    }
    return known, [None, patient, await api.receptionist(clinic["id"]), api.admin]


def some_query(chance: random.Random, names: list[str], known: dict[str, str]) -> str:
    """Mostly as it should be, sometimes not."""
    chosen = chance.sample(names, min(len(names), chance.randrange(4)))
    pairs = [
        f"{name}={chance.choice(ODD) if chance.random() < 0.3 else known.get(name, 'x')}"
        for name in chosen
    ]
    if pairs and chance.random() < 0.1:
        pairs.append(chance.choice(pairs))
    if chance.random() < 0.05:
        pairs.append("unknown=1")
    return "&".join(pairs)


def told(answer: Response) -> Any:
    mark = answer.headers["x-request-id"]
    head = [(name, value) for name, value in answer.headers.multi_items() if name not in MARKS]
    return answer.status_code, head, answer.text.replace(mark, "")


async def test_who_asks_again_is_told_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    known, callers = await a_place(api)
    chance = random.Random(7)
    again = list[dict[str, Any]]()
    as_it_is, find = GuardedRoute.again, Readings.find

    async def watched(route: GuardedRoute, scope: Any, receive: Any, reading: Reading) -> Any:
        before = deepcopy(reading.values)
        try:
            return await as_it_is(route, scope, receive, reading)
        finally:
            again.append(reading.values)
            assert reading.values == before, "an endpoint has changed what it was given"

    monkeypatch.setattr(GuardedRoute, "again", watched)
    for path, names in list(reading_operations(api)):
        address = path.format_map({name: quote(value) for name, value in known.items()})
        queries = {"", *(some_query(chance, names, known) for _ in range(OF_EACH if names else 0))}
        for query in sorted(queries):
            for caller in callers if len(query) % 3 else callers[:1]:
                target = f"{address}?{query}" if query else address
                first = await api.send("GET", target, caller)
                seen = len(again)
                second = await api.send("GET", target, caller)
                was_read = len(again) > seen
                monkeypatch.setattr(Readings, "find", lambda *_: None)
                fresh = await api.send("GET", target, caller)
                monkeypatch.setattr(Readings, "find", find)
                assert told(first) == told(second) == told(fresh), target
                assert was_read or first.status_code >= 400, target
    assert len(again) > 150


async def test_another_caller_is_not_taken_for_the_last_one(api: Api) -> None:
    slot = await api.slot()
    one, other = await api.patient(), await api.patient()
    booked = await api.book(slot, one)
    assert booked.status_code == 201
    for _ in range(2):
        assert len((await api.get("/v1/bookings", one)).json()["items"]) == 1
        assert (await api.get("/v1/bookings", other)).json()["items"] == []
        assert (await api.get("/v1/bookings")).status_code == 401
        mine = await api.get(f"/v1/bookings/{booked.json()['id']}", one)
        assert mine.status_code == 200
        assert (await api.get(f"/v1/bookings/{booked.json()['id']}", other)).status_code == 404


def test_only_the_last_addresses_are_remembered_and_only_short_ones() -> None:
    readings, reading = Readings(), Reading(None, {}, {})

    def scope(path: str, query: bytes = b"") -> dict[str, Any]:
        return {"path": path, "query_string": query}

    readings.note(scope("/first"), reading)
    readings.note(scope("/second"), reading)
    for number in range(MOST_REMEMBERED - 2):
        readings.note(scope(f"/{number}"), reading)
    assert readings.find(scope("/first")) is reading
    readings.note(scope("/one/more"), reading)
    assert readings.find(scope("/second")) is None
    assert readings.find(scope("/first")) is reading

    readings.note(scope("/", b"x" * LONGEST_ADDRESS), reading)
    assert readings.find(scope("/", b"x" * LONGEST_ADDRESS)) is None
    readings.note(scope("/", b"x" * (LONGEST_ADDRESS - 1)), reading)
    assert readings.find(scope("/", b"x" * (LONGEST_ADDRESS - 1))) is reading
