"""What holds when a walk is over: one question has one answer, and hours come back whole."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from booking_system.scheduling.domain.availability import Hours
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period
from tests.api import Person, code_of
from tests.walk.place import Made, Place
from tests.walk.steps import MINUTE

LIVE = """SELECT id::text, doctor_id::text, starts_at, ends_at, rule_id, closed_because,
 appointment_id, hold_id,
 EXISTS (SELECT FROM doctors d WHERE d.id = doctor_id AND d.deleted_at IS NOT NULL) AS is_gone
 FROM time_slots WHERE clinic_id = $1 AND deleted_at IS NULL ORDER BY starts_at, id"""
HELD = "SELECT hold_id FROM time_slots WHERE clinic_id = $1 AND held_until > now()"
DELETED_BY_HAND = """SELECT s.starts_at, s.ends_at FROM time_slots s
 JOIN availability_rules r ON r.id = s.rule_id AND r.deleted_at IS NULL
 WHERE s.doctor_id = $1 AND s.deleted_at IS NOT NULL"""
TIMES = """SELECT doctor_id, patient_id, doctor_time, patient_time FROM appointments
 WHERE clinic_id = $1 AND status <> 'cancelled'"""

LEFT_BEHIND = """SELECT s.id, s.starts_at, s.closed_because FROM time_slots s
 JOIN doctors d ON d.id = s.doctor_id AND d.deleted_at IS NULL
 WHERE s.clinic_id = $1 AND s.deleted_at IS NULL AND s.outside_availability
 AND s.appointment_id IS NULL AND coalesce(s.held_until <= now(), true)
 AND s.closed_because <> 'by_hand'"""

LONGEST_HORIZON = 30 * 1440 * MINUTE


async def calendars_are_planned(place: Place) -> None:
    """Have the background done what it was asked for."""
    worker = place.api.container.scheduling.calendar_worker()
    while await worker.once():
        pass


async def nothing_is_sold_twice(place: Place) -> None:
    rows = await place.sql(TIMES, UUID(place.clinic["id"]))
    for whose in ("doctor", "patient"):
        taken: dict[Any, list[tuple[datetime, datetime]]] = {}
        for row in rows:
            times = [(one.lower, one.upper) for one in row[f"{whose}_time"]]
            taken.setdefault(row[f"{whose}_id"], []).extend(times)
        for times in taken.values():
            times.sort()
            assert all(one[1] <= other[0] for one, other in pairwise(times)), whose
    slots: dict[str, list[Period]] = {}
    for row in await place.sql(LIVE, UUID(place.clinic["id"])):
        slots.setdefault(row["doctor_id"], []).append(_period(row))
    for own in slots.values():
        assert not any(one.overlaps(other) for one, other in pairwise(own)), "one of many slots"


async def nothing_is_left_behind(place: Place) -> None:
    """What no hours want any more is there for somebody, or was closed by hand."""
    left = [dict(row) for row in await place.sql(LEFT_BEHIND, UUID(place.clinic["id"]))]
    assert left == [], left


async def one_question_has_one_answer(place: Place, stranger: Person) -> None:
    """A slot is listed, counted, said to be bookable and booked, or none of these."""
    for service in place.services:
        listed = await place.open_slots(service_id=service)
        ids = {slot["id"] for slot in listed}
        for row in await place.sql(LIVE, UUID(place.clinic["id"])):
            params = {"service_id": service, "patient_id": str(stranger.patient_id)}
            told = await place.api.get(f"/v1/slots/{row['id']}/explain", stranger, **params)
            if row["is_gone"]:
                assert told.status_code == 404
                assert row["id"] not in ids
                continue
            said = told.json()
            assert said["bookable"] == (row["id"] in ids), (service, dict(row), said)
        counted = await _counted(place, service)
        found = Counter(slot["local_starts_at"][:10] for slot in listed)
        assert counted == {day: many for day, many in found.items() if many}, service
        for slot in place.dice.sample(listed, min(len(listed), 5)):
            await _book_and_cancel(place, stranger, slot, service)
        assert {slot["id"] for slot in await place.open_slots(service_id=service)} == ids


async def _counted(place: Place, service: str) -> dict[str, int]:
    """By local day."""
    params = {one: text[:10] for one, text in place.period.items()}
    wanted = {"clinic_id": place.clinic["id"], "service_id": service}
    answer = await place.api.get("/v1/slots/calendar", **wanted, **params)
    assert answer.is_success, answer.text
    days = answer.json()["days"]
    return {day["date"]: day["open_slots"] for day in days if day["open_slots"]}


async def _book_and_cancel(place: Place, who: Person, slot: Made, service: str) -> None:
    body = {"time_slot_id": slot["id"], "service_id": service}
    answer = await place.api.post("/v1/bookings", body, who)
    assert code_of(answer) == (201, None), (slot, answer.text)
    booked = answer.json()
    assert booked["ends_at"] == slot["service"]["ends_at"]
    gone = await place.api.post(f"/v1/bookings/{booked['id']}/cancel", by=who)
    assert code_of(gone) == (200, None)


async def what_is_open_can_be_held(place: Place) -> int:
    """Hold a slot for each service that has one, for patients who have nothing yet."""
    held = 0
    for service in place.services:
        found = await place.open_slots(service_id=service)
        if not found:
            continue
        who, slot = await place.api.patient(), place.dice.choice(found)
        body = {"time_slot_id": slot["id"], "service_id": service}
        answer = await place.post("hold", "/v1/holds", body, who)
        assert code_of(answer) == (201, None), answer.text
        place.holds[answer.json()["id"]] = (who, service)
        held += 1
    return held


async def every_hold_in_force_converts(place: Place) -> int:
    """The patient's own other appointment is the only thing that may stand in the way."""
    converted = 0
    for hold_id, (who, service) in place.holds.items():
        shown = await place.api.get(f"/v1/holds/{hold_id}", who)
        if not shown.is_success:
            continue
        # Held before it was said what for: then a service has to fit, as for anybody.
        if service is None:
            continue
        body = {
            "time_slot_id": shown.json()["time_slot_id"],
            "service_id": service,
            "hold_id": hold_id,
        }
        answer = await place.api.post("/v1/bookings", body, who)
        if code_of(answer) == (409, "patient_overlap"):
            continue
        assert code_of(answer) == (201, None), (shown.json(), answer.text)
        assert answer.json()["time_slot_ids"] == shown.json()["time_slot_ids"]
        converted += 1
    return converted


async def give_everything_back(place: Place) -> None:
    """Cancel all, release all, end all that closes anything."""
    for doctor in place.doctors:
        await place.post("restoring", f"/v1/doctors/{doctor['id']}/restore", None, place.desk)
    for hold_id, (who, _) in place.holds.items():
        await place.send("let go", "DELETE", f"/v1/holds/{hold_id}", by=who)
    left = await place.sql(HELD, UUID(place.clinic["id"]))
    assert left == [], "whatever is held is known to its holder"
    for booking in await place.bookings():
        path = f"/v1/bookings/{booking['id']}/cancel"
        answer = await place.post("cancel", path, None, place.desk)
        assert answer.is_success, answer.text
    closures = f"/v1/clinics/{place.clinic['id']}/closures"
    gone = [f"{closures}/{one['id']}" for one in await place.items(closures)]
    for doctor in place.doctors:
        found = await place.items(f"/v1/doctors/{doctor['id']}/time-off")
        gone += [f"/v1/time-off/{one['id']}" for one in found]
        found = await place.items(f"/v1/doctors/{doctor['id']}/availability-exceptions")
        gone += [f"/v1/availability-exceptions/{one['id']}" for one in found]
    for path in gone:
        answer = await place.send("end", "DELETE", path)
        assert answer.is_success, answer.text
    for row in await place.sql(LIVE, UUID(place.clinic["id"])):
        if row["closed_because"] == "by_hand":
            await _reopen(place, row["id"])


async def _reopen(place: Place, slot_id: str) -> None:
    """What no hours want any more cannot be reopened: deleting it gives its time back to them."""
    answer = await place.post("reopen slot", f"/v1/slots/{slot_id}/reopen", None, place.desk)
    if not answer.is_success:
        answer = await place.send("delete slot", "DELETE", f"/v1/slots/{slot_id}")
        assert answer.is_success, answer.text


async def the_hours_are_whole(place: Place) -> None:
    """What is open is what the rules want, but for times deleted by hand, and slots by hand.

    Behind a horizon that came nearer, nothing else is open, but not all: what somebody had there
    stayed when they let go of it, and other free slots may have gone with a change of the hours.
    """
    clinic = (await place.api.get(f"/v1/clinics/{place.clinic['id']}")).json()
    now = datetime.now(UTC)
    until = now + clinic["policy"]["horizon_days"] * 1440 * MINUTE
    rows = await place.sql(LIVE, UUID(place.clinic["id"]))
    for doctor in place.doctors:
        own = [row for row in rows if row["doctor_id"] == doctor["id"]]
        left = [dict(row) for row in own if row["closed_because"] is not None or row["hold_id"]]
        assert left == [], f"nothing is closed, held or left over: {left}"
        by_hand = [_period(row) for row in own if row["rule_id"] is None]
        deleted = await place.sql(DELETED_BY_HAND, UUID(doctor["id"]))
        taken = [*by_hand, *(_period(row) for row in deleted)]
        wanted = [
            slot
            for rule in await place.items(f"/v1/doctors/{doctor['id']}/availability")
            for slot in _slots(rule, clinic, now)
            if not any(slot.overlaps(other) for other in taken)
        ]
        there, hours = {_period(row) for row in own}, {*wanted, *by_hand}
        near = {one for one in hours if one.starts_at < until or one in by_hand}
        assert near <= there <= hours, doctor["id"]


def _period(row: Any) -> Period:
    return Period(row["starts_at"], row["ends_at"])


def _slots(rule: Made, clinic: Made, now: datetime) -> Sequence[Period]:
    from booking_system.scheduling.adapters.availability_models import (  # noqa: PLC0415
        AvailabilityIn,
    )

    known = AvailabilityIn.model_fields.keys()
    asked = AvailabilityIn.model_validate({key: rule[key] for key in known if key in rule})
    hours: Hours = asked.hours()
    assert hours.mode is Mode.IN_PERSON
    return list(hours.slots_within(Period(now, now + LONGEST_HORIZON), clinic["time_zone"]))
