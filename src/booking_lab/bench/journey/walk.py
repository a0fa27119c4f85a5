"""Walks through all steps on one database: each is measured right behind bare FastAPI."""

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from booking_lab.bench.driver import Target, again_and_again, once
from booking_lab.bench.figures import Sample
from booking_lab.bench.journey.ground import Ground, Row
from booking_lab.bench.journey.plan import JourneyPlan, Step
from booking_lab.bench.plan import BenchProblem
from booking_lab.bench.requests import Callers, request_of

PATHS = {
    Step.CLINICS: "/v1/clinics",
    Step.DOCTORS: "/v1/doctors?clinic_id={clinic_id}",
    Step.SERVICES: "/v1/clinics/{clinic_id}/services",
    Step.CALENDAR: "/v1/slots/calendar?doctor_id={doctor_id}",
    Step.SLOTS: "/v1/slots?doctor_id={doctor_id}",
    Step.NEXT: "/v1/slots/next?clinic_id={clinic_id}",
    Step.HOLD: "/v1/holds",
    Step.BOOK: "/v1/bookings",
    Step.MINE: "/v1/bookings",
}
READ, CREATED = 200, 201
Pair = tuple[Sample, Sample]
"""A step, and bare FastAPI that sends as many bytes."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One database with its API, and bare FastAPI with an answer for each step."""

    plan: JourneyPlan
    api: Target
    bare: Target
    ground: Ground
    callers: Callers

    def once(self, tell: Tell) -> dict[Step, Pair]:
        """Walk through all steps. Raises `BenchProblem`."""
        orders = self.ground.take(self.plan.held)
        known = [_get("/v1/me", self.callers.token(order)) for order in orders]
        once(self.api, known)
        found = {}
        for place, step in enumerate(Step):
            tell(step)
            asked = [_get(f"/{place}")]
            bare = again_and_again(self.bare, asked, seconds=self.plan.seconds)
            found[step] = (self._measured(step, orders), bare)
        return found

    def _measured(self, step: Step, orders: list[Row]) -> Sample:
        if step is Step.HOLD:
            asked = [hold_of(order, self.callers) for order in orders]
            return once(self.api, asked, hoped=CREATED, seconds=self.plan.seconds)
        if step is Step.BOOK:
            holds = asyncio.run(self.ground.holds(orders))
            asked = [
                booking_of(order, holds[order["slot_id"]], self.callers)
                for order in orders
                if order["slot_id"] in holds
            ]
            # All that are held: a hold that is left would count against its patient.
            return once(self.api, asked, hoped=CREATED)
        asked = reads_of(step, self.ground.doctors, orders, self.callers)
        return again_and_again(self.api, asked, seconds=self.plan.seconds)


def reads_of(step: Step, doctors: list[Row], orders: list[Row], callers: Callers) -> list[bytes]:
    """Return the requests of a step that reads, one for each doctor or caller."""
    if step is Step.MINE:
        return [_get(PATHS[step], callers.token(order)) for order in orders]
    return [_get(PATHS[step].format_map(doctor)) for doctor in doctors]


def hold_of(order: Row, callers: Callers) -> bytes:
    """Return the request for a hold."""
    return _post(PATHS[Step.HOLD], _wish(order), callers.token(order))


def booking_of(order: Row, hold_id: object, callers: Callers) -> bytes:
    """Return the request that makes a booking of a hold."""
    wish = {**_wish(order), "hold_id": str(hold_id), "reason": "First visit"}
    return _post(PATHS[Step.BOOK], wish, callers.token(order))


def lengths_of(api: Target, ground: Ground, callers: Callers) -> Mapping[Step, int]:
    """Walk once, slowly: return the length of each answer's body. Raises `BenchProblem`."""
    (order,) = ground.take(1)
    held: dict[str, Any] = {}
    lengths = {}
    for step in Step:
        if step is Step.HOLD:
            request, hoped = hold_of(order, callers), CREATED
        elif step is Step.BOOK:
            request, hoped = booking_of(order, held["id"], callers), CREATED
        else:
            request, hoped = reads_of(step, ground.doctors, [order], callers)[0], READ
        status, body = _answered(api, request)
        if status != hoped:
            raise BenchProblem(f"The journey ended at {step}: {status} {body[:200].decode()}")
        if step is Step.HOLD:
            held = json.loads(body)
        lengths[step] = len(body)
    return lengths


def _answered(api: Target, request: bytes) -> tuple[int, bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    fields = dict(line.split(": ", 1) for line in lines)
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    try:
        connection.request(method, path, body or None, fields)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _wish(order: Row) -> dict[str, str]:
    return {"time_slot_id": str(order["slot_id"]), "service_id": str(order["service_id"])}


def _get(path: str, token: str | None = None) -> bytes:
    return request_of("GET", path, token)


def _post(path: str, wish: dict[str, str], token: str) -> bytes:
    return request_of("POST", path, token, json.dumps(wish).encode())
