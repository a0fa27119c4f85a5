"""The steps of a walk: each does one thing that somebody at a clinic does."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.walk.place import FIRST, ZONES, Made, Place, hours, terms

MINUTE = timedelta(minutes=1)
Step = Callable[[Place], Awaitable[None]]


async def a_slot(place: Place, **params: Any) -> Made | None:
    found = await place.open_slots(**params)
    return place.dice.choice(found) if found else None


async def any_slot(place: Place) -> str | None:
    """One of all that there are, whatever its status."""
    rows = await place.sql(
        "SELECT id::text FROM time_slots WHERE clinic_id = $1 AND deleted_at IS NULL ORDER BY id",
        UUID(place.clinic["id"]),
    )
    return place.dice.choice(rows)["id"] if rows else None


async def a_booking(place: Place) -> Made | None:
    found = await place.bookings()
    return place.dice.choice(found) if found else None


async def hold(place: Place) -> None:
    service = place.dice.choice([None, *place.services, *place.services])
    slot = await a_slot(place, **({} if service is None else {"service_id": service}))
    if slot is None:
        return
    who = place.dice.choice(place.patients)
    body = {"time_slot_id": slot["id"], "service_id": service}
    answer = await place.post("hold", "/v1/holds", body, who)
    if answer.is_success:
        place.holds[answer.json()["id"]] = (who, service)


async def book(place: Place) -> None:
    service = place.dice.choice(place.services)
    slot = await a_slot(place, service_id=service)
    if slot is not None:
        body = {"time_slot_id": slot["id"], "service_id": service}
        await place.post("book", "/v1/bookings", body, place.dice.choice(place.patients))


async def book_what_is_held(place: Place) -> None:
    if not place.holds:
        return
    hold_id = place.dice.choice(sorted(place.holds))
    who, service = place.holds[hold_id]
    shown = await place.send("read hold", "GET", f"/v1/holds/{hold_id}", by=who)
    if not shown.is_success:
        place.holds.pop(hold_id, None)
        return
    body = {
        "time_slot_id": shown.json()["time_slot_id"],
        "service_id": service or place.dice.choice(place.services),
        "hold_id": hold_id,
    }
    answer = await place.post("book what is held", "/v1/bookings", body, who)
    if answer.is_success:
        place.holds.pop(hold_id, None)


async def let_go(place: Place) -> None:
    if place.holds:
        hold_id = place.dice.choice(sorted(place.holds))
        who, _ = place.holds.pop(hold_id)
        await place.send("let go", "DELETE", f"/v1/holds/{hold_id}", by=who)


async def overbook(place: Place) -> None:
    slot_id = await any_slot(place)
    if slot_id is None:
        return
    codes = ["slot_already_booked", "slot_unavailable", "slot_held", "patient_overlap"]
    known = await place.items("/v1/patients", clinic_id=place.clinic["id"])
    if known:
        body = {
            "time_slot_id": slot_id,
            "patient_id": place.dice.choice(known)["id"],
            "service_id": place.dice.choice(place.services),
            "override": {"codes": codes, "reason": "Example reason"},
        }
        await place.post("overbook", "/v1/bookings", body, place.desk)


async def move(place: Place) -> None:
    booking = await a_booking(place)
    if booking is None:
        return
    slot = await a_slot(place, booking_id=booking["id"])
    if slot is not None:
        body = {"time_slot_id": slot["id"]}
        path = f"/v1/bookings/{booking['id']}/reschedule"
        await place.post("move", path, body, place.desk)


async def cancel(place: Place) -> None:
    booking = await a_booking(place)
    if booking is not None:
        await place.post("cancel", f"/v1/bookings/{booking['id']}/cancel", None, place.desk)


async def take_time_off(place: Place) -> None:
    doctor, hour = place.dice.choice(place.doctors), place.dice.choice([6, 8, 9, 11])
    start = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(
        days=place.dice.randrange(4), hours=hour
    )
    body = {
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=place.dice.choice([1, 3]))).isoformat(),
    }
    how = {"on_conflict": place.dice.choice(["keep", "keep", "cancel"])}
    path = f"/v1/doctors/{doctor['id']}/time-off"
    await place.post("time off", path, body, place.desk, **how)


async def end_time_off(place: Place) -> None:
    doctor = place.dice.choice(place.doctors)
    found = await place.items(f"/v1/doctors/{doctor['id']}/time-off")
    if found:
        path = f"/v1/time-off/{place.dice.choice(found)['id']}"
        await place.send("end of time off", "DELETE", path)


async def close_a_day(place: Place) -> None:
    day = FIRST + timedelta(days=place.dice.randrange(4))
    path = f"/v1/clinics/{place.clinic['id']}/closures"
    body = {"dates": [day.isoformat()]}
    await place.post("closure", path, body, place.desk, on_conflict="keep")


async def open_a_day(place: Place) -> None:
    path = f"/v1/clinics/{place.clinic['id']}/closures"
    found = await place.items(path)
    if found:
        await place.send("end of closure", "DELETE", f"{path}/{place.dice.choice(found)['id']}")


async def change_hours(place: Place) -> None:
    doctor = place.dice.choice(place.doctors)
    found = await place.items(f"/v1/doctors/{doctor['id']}/availability")
    if found:
        path = f"/v1/availability/{place.dice.choice(found)['id']}"
        await place.send("other hours", "PATCH", path, json=hours(place.dice))


async def make_an_exception(place: Place) -> None:
    doctor = place.dice.choice(place.doctors)
    replaces = place.dice.random() < 0.7
    other = hours(place.dice)
    if not replaces:
        other |= {"start_time": "16:00", "end_time": "18:00"}
    body = {
        "date": (FIRST + timedelta(days=place.dice.randrange(4))).isoformat(),
        "hours": [] if replaces and place.dice.random() < 0.3 else [other],
        "replaces": replaces,
    }
    path = f"/v1/doctors/{doctor['id']}/availability-exceptions"
    await place.post("exception", path, body, place.desk)


async def end_an_exception(place: Place) -> None:
    doctor = place.dice.choice(place.doctors)
    found = await place.items(f"/v1/doctors/{doctor['id']}/availability-exceptions")
    if found:
        path = f"/v1/availability-exceptions/{place.dice.choice(found)['id']}"
        await place.send("end of exception", "DELETE", path)


async def move_the_clinic(place: Place) -> None:
    path = f"/v1/clinics/{place.clinic['id']}"
    body = {"time_zone": place.dice.choice(ZONES)}
    how = {"on_conflict": "keep"}
    await place.send("other clock", "PATCH", path, json=body, params=how)


async def change_the_horizon(place: Place) -> None:
    path = f"/v1/clinics/{place.clinic['id']}"
    body = {"policy": {"horizon_days": place.dice.choice([4, 10, 30])}}
    await place.send("other horizon", "PATCH", path, json=body)


async def change_a_service(place: Place) -> None:
    path = f"/v1/services/{place.dice.choice(place.services)}"
    offering = [one["id"] for one in place.doctors if place.dice.random() < 0.8]
    await place.send(
        "other service", "PATCH", path, json=terms(place.dice) | {"doctor_ids": offering}
    )


async def remove_a_doctor(place: Place) -> None:
    path = f"/v1/doctors/{place.dice.choice(place.doctors)['id']}"
    await place.send("removal", "DELETE", path, params={"on_conflict": "keep"})


async def restore_a_doctor(place: Place) -> None:
    path = f"/v1/doctors/{place.dice.choice(place.doctors)['id']}/restore"
    await place.post("restoring", path, None, place.desk)


async def change_a_slot(place: Place) -> None:
    slot_id = await any_slot(place)
    if slot_id is None:
        return
    verb = place.dice.choice(["close", "close", "reopen", "reopen", "reopen", "delete"])
    if verb == "delete":
        await place.send("delete slot", "DELETE", f"/v1/slots/{slot_id}")
    else:
        await place.post(f"{verb} slot", f"/v1/slots/{slot_id}/{verb}", None, place.desk)


async def offer_by_hand(place: Place) -> None:
    doctor = place.dice.choice(place.doctors)
    start = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(
        days=place.dice.randrange(4), hours=place.dice.choice([5, 10, 15, 19])
    )
    slot = {
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(minutes=place.dice.choice([20, 30]))).isoformat(),
    }
    path = f"/v1/doctors/{doctor['id']}/slots"
    await place.post("offer", path, {"slots": [slot]}, place.desk)


async def see_a_patient(place: Place) -> None:
    """Whoever is seen early leaves the rest of the time; now and then it was a mistake."""
    booking = await a_booking(place)
    if booking is None:
        return
    for verb in ("check-in", "complete", *place.dice.choice([(), ("undo",)])):
        await place.post(verb, f"/v1/bookings/{booking['id']}/{verb}", None, place.desk)


OFTEN: list[Step] = [hold, hold, book, book, book, book_what_is_held, let_go, move, move, cancel]
NOW_AND_THEN: list[Step] = [
    overbook,
    take_time_off,
    end_time_off,
    end_time_off,
    close_a_day,
    open_a_day,
    open_a_day,
    change_hours,
    make_an_exception,
    end_an_exception,
    change_a_service,
    change_a_service,
    change_a_slot,
    change_a_slot,
    offer_by_hand,
    see_a_patient,
]
RARELY: list[Step] = [
    move_the_clinic,
    change_the_horizon,
    remove_a_doctor,
    restore_a_doctor,
    restore_a_doctor,
]


async def step(place: Place) -> None:
    many = place.dice.choices([OFTEN, NOW_AND_THEN, RARELY], [60, 34, 6])[0]
    await place.dice.choice(many)(place)


async def walk(place: Place, steps: int) -> None:
    for _ in range(steps):
        await step(place)


async def walk_on(place: Place, kinds: int, most: int) -> None:
    """Until so many kinds of things were done: in a crowd chance decides what a step finds."""
    for _ in range(most):
        if len(place.done) >= kinds:
            return
        await step(place)
