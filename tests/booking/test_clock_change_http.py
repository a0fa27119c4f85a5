"""A clinic's clock goes to another time zone, or its horizon farther: its calendars follow."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from booking_system.desk.application import change_clinic
from booking_system.scheduling.domain.availability import Hours
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period
from tests.api import Api, Person, code_of

Made = dict[str, Any]
DAY = timedelta(days=1)
TODAY = datetime.now(UTC).date()
FIRST, LAST = TODAY + 3 * DAY, TODAY + 6 * DAY
HOURS = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "start_time": "09:00",
    "end_time": "12:00",
    "slot_minutes": 60,
    "valid_from": FIRST.isoformat(),
    "valid_until": LAST.isoformat(),
}
KEEP, DRY = {"on_conflict": "keep"}, {"dry_run": "true"}


async def _rule(api: Api, doctor: Made, **hours: Any) -> Made:
    return await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS | hours)


async def _change(
    api: Api, clinic: Made, body: Made, by: Person | None = None, **about: Any
) -> Any:
    path = f"/v1/clinics/{clinic['id']}"
    return await api.send("PATCH", path, by or api.admin, json=body, **about)


async def _sql(api: Api, statement: str, *values: object) -> list[Any]:
    async with api.container.database().reading() as connection:
        return list(await connection.fetch(statement, *values))


async def _live(api: Api, doctor: Made) -> list[Any]:
    return await _sql(
        api,
        "SELECT *, id::text AS slot_id FROM time_slots WHERE doctor_id = $1"
        " AND deleted_at IS NULL ORDER BY starts_at",
        UUID(doctor["id"]),
    )


async def _open_times(api: Api, doctor: Made, zone: str) -> list[str]:
    """What the clinic's clock shows at the start of what everybody can book."""
    return [
        row["starts_at"].astimezone(ZoneInfo(zone)).strftime("%H:%M")
        for row in await _live(api, doctor)
        if row["closed_because"] is None and row["appointment_id"] is None
    ]


async def _planned(api: Api) -> None:
    """Carry out all that was asked for."""
    while await _sql(api, "SELECT FROM calendar_work WHERE due_at <= now()"):
        assert await api.container.scheduling.calendar_worker().once()


async def test_hours_are_at_the_new_clocks_times(api: Api) -> None:
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctor = await api.doctor(clinic)
    await _rule(api, doctor)
    assert await _open_times(api, doctor, "Europe/Berlin") == ["09:00", "10:00", "11:00"] * 4

    changed = await _change(api, clinic, {"time_zone": "America/New_York"})

    assert changed.status_code == 200, changed.text
    assert (changed.json()["time_zone"], changed.json()["version"]) == ("America/New_York", 2)
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["calendars"] in {"complete", "being_filled"}
    assert (changed.json()["moved_bookings"], changed.json()["moved_count"]) == ([], 0)
    await _planned(api)
    assert await _open_times(api, doctor, "America/New_York") == ["09:00", "10:00", "11:00"] * 4
    found = (await api.get("/v1/slots", doctor_id=doctor["id"], limit=50)).json()["items"]
    assert {one["local_starts_at"][11:16] for one in found} == {"09:00", "10:00", "11:00"}


async def test_many_doctors_are_planned_in_the_background(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_clinic, "FEW_DOCTORS", 1)
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctors = [await api.doctor(clinic) for _ in range(2)]
    for doctor in doctors:
        await _rule(api, doctor)

    changed = await _change(api, clinic, {"time_zone": "Asia/Tokyo"})

    assert changed.json()["calendars"] == "being_filled"
    # Nothing is offered at the old hours meanwhile, and their time is free for other offers.
    assert [await _live(api, doctor) for doctor in doctors] == [[], []]
    await _planned(api)
    for doctor in doctors:
        assert await _open_times(api, doctor, "Asia/Tokyo") == ["09:00", "10:00", "11:00"] * 4


async def test_what_is_let_go_of_before_the_plan_follows_the_new_clock(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_clinic, "FEW_DOCTORS", 0)
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctor = await api.doctor(clinic)
    await _rule(api, doctor)
    slots, patient = await _live(api, doctor), await api.patient()
    booking = (await api.book({"id": slots[0]["slot_id"]}, patient)).json()
    await api.post(f"/v1/slots/{slots[5]['slot_id']}/close", by=api.admin)
    await _change(api, clinic, {"time_zone": "Asia/Tokyo"}, params=KEEP)

    await api.post(f"/v1/bookings/{booking['id']}/cancel", by=patient)
    await api.post(f"/v1/slots/{slots[5]['slot_id']}/reopen", by=api.admin)

    # The day of the booking; the slot that was closed by hand stays closed.
    assert await _open_times(api, doctor, "Asia/Tokyo") == ["09:00", "10:00", "11:00"]
    await _planned(api)
    assert await _open_times(api, doctor, "Asia/Tokyo") == ["09:00", "10:00", "11:00"] * 4


async def test_who_has_an_appointment_is_told_and_keeps_it(api: Api) -> None:
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctor = await api.doctor(clinic)
    await _rule(api, doctor)
    slots, patient = await _live(api, doctor), await api.patient()
    booking = (await api.book({"id": slots[1]["slot_id"]}, patient)).json()
    held = await api.post("/v1/holds", {"time_slot_id": slots[4]["slot_id"]}, patient)
    assert held.status_code == 201
    await api.post(f"/v1/slots/{slots[5]['slot_id']}/close", by=api.admin)
    body = {"time_zone": "America/New_York", "name": "Over There"}
    before = await _live(api, doctor)
    wall = slots[1]["starts_at"].astimezone(ZoneInfo("America/New_York"))
    moved = {
        "id": booking["id"],
        "time_slot_id": booking["time_slot_id"],
        "starts_at": booking["starts_at"],
        "wall_was": f"{FIRST}T10:00:00",
        "wall_is": wall.strftime("%Y-%m-%dT%H:%M:%S"),
    }

    dry = await _change(api, clinic, body, params=DRY)
    assert dry.status_code == 200
    assert (dry.json()["name"], dry.json()["time_zone"]) == ("Over There", "America/New_York")
    assert (dry.json()["moved_bookings"], dry.json()["moved_count"]) == ([moved], 1)
    assert (dry.json()["calendars"], dry.headers["etag"]) == ("being_filled", '"1"')
    refused = await _change(api, clinic, body)
    assert code_of(refused) == (409, "bookings_affected")
    assert (refused.json()["count"], refused.json()["bookings"][0]["id"]) == (1, booking["id"])
    assert (await api.get(f"/v1/clinics/{clinic['id']}")).json() == clinic
    assert await _live(api, doctor) == before
    assert await _sql(api, "SELECT FROM calendar_work") == []

    changed = await _change(api, clinic, body, params=KEEP)
    await _planned(api)

    assert (changed.json()["moved_bookings"], changed.json()["moved_count"]) == ([moved], 1)
    read = (await api.get(f"/v1/bookings/{booking['id']}", patient)).json()
    assert (read["status"], read["starts_at"]) == ("confirmed", booking["starts_at"])
    outside = await api.get(
        "/v1/bookings",
        await api.receptionist(clinic["id"]),
        clinic_id=clinic["id"],
        outside_availability=True,
    )
    assert [one["id"] for one in outside.json()["items"]] == [booking["id"]]
    # The hold still becomes a booking; what was closed by hand stays closed.
    taken = {"hold_id": held.json()["id"]}
    assert (await api.book({"id": slots[4]["slot_id"]}, patient, **taken)).status_code == 201
    by_hand = (await api.get(f"/v1/slots/{slots[5]['slot_id']}")).json()
    assert by_hand["status"] == "closed"
    await api.post(f"/v1/slots/{slots[5]['slot_id']}/reopen", by=api.admin)
    other = await api.patient()
    assert (await api.book({"id": slots[5]["slot_id"]}, other)).status_code == 409
    # What is let go of does not open: no hours want it.
    await api.post(f"/v1/bookings/{booking['id']}/cancel", by=patient)
    assert (await api.book({"id": slots[1]["slot_id"]}, other)).status_code in {404, 409}
    assert set(await _open_times(api, doctor, "America/New_York")) == {"09:00", "10:00", "11:00"}


async def test_a_zone_with_the_same_clock_moves_nothing(api: Api) -> None:
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctor = await api.doctor(clinic)
    await _rule(api, doctor)
    await api.book({"id": (await _live(api, doctor))[0]["slot_id"]}, await api.patient())
    before = await _live(api, doctor)

    changed = await _change(api, clinic, {"time_zone": "Europe/Paris"})
    await _planned(api)

    assert (changed.status_code, changed.json()["moved_count"]) == (200, 0)
    assert await _live(api, doctor) == before


async def test_closures_follow_their_dates(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctor = await api.doctor(clinic)
    midnight = datetime.combine(FIRST, datetime.min.time(), UTC)
    slots = await api.slots(doctor, 36, start=midnight - 12 * timedelta(hours=1), minutes=60)
    path = f"/v1/clinics/{clinic['id']}/closures"
    (closure,) = (await api.made(path, {"dates": [FIRST.isoformat()]}))["items"]
    past = (await api.made(path, {"dates": ["2020-02-02"]}))["items"][0]

    changed = await _change(api, clinic, {"time_zone": "Pacific/Auckland"})
    assert changed.status_code == 200, changed.text

    zone = ZoneInfo("Pacific/Auckland")
    listed = {one["id"]: one for one in (await api.get(path, api.admin)).json()["items"]}
    assert listed[past["id"]] == past
    moved = listed[closure["id"]]
    assert (moved["date"], moved["version"]) == (FIRST.isoformat(), 2)
    starts_at = datetime.combine(FIRST, datetime.min.time(), zone).astimezone(UTC)
    assert datetime.fromisoformat(moved["starts_at"]) == starts_at
    for slot in slots:
        at = datetime.fromisoformat(slot["starts_at"])
        status = (await api.get(f"/v1/slots/{slot['id']}")).json()["status"]
        assert status == ("closed" if at.astimezone(zone).date() == FIRST else "open")
    await api.send("DELETE", f"{path}/{closure['id']}", api.admin)
    assert len(await _open_times(api, doctor, "UTC")) == 36


async def test_a_closure_whose_date_the_zone_skipped_stays_where_it_is(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from booking_system.desk.domain import clock_change  # noqa: PLC0415
    from booking_system.scheduling.domain.refusals import NonexistentLocalTime  # noqa: PLC0415

    def skipped(day: date, time_zone: str) -> Period:
        raise NonexistentLocalTime

    monkeypatch.setattr(clock_change, "day_of", skipped)
    clinic = await api.clinic(time_zone="UTC")
    path = f"/v1/clinics/{clinic['id']}/closures"
    made = (await api.made(path, {"dates": [FIRST.isoformat()]}))["items"]

    assert (await _change(api, clinic, {"time_zone": "Pacific/Apia"})).status_code == 200
    assert (await api.get(path, api.admin)).json()["items"] == made


async def test_slots_made_by_hand_know_the_new_day(api: Api) -> None:
    """A service over two slots is listed just where it can be booked."""
    clinic = await api.clinic(time_zone="UTC")
    doctor = await api.doctor(clinic)
    service = await api.service(clinic, duration_minutes=60, doctor_ids=[doctor["id"]])
    midnight = datetime.combine(FIRST, datetime.min.time(), UTC)
    await api.slots(doctor, 48, start=midnight - timedelta(hours=12))

    await _change(api, clinic, {"time_zone": "Asia/Kolkata"})

    asked = {"doctor_id": doctor["id"], "service_id": service["id"], "limit": 200}
    span = {"from": midnight - DAY, "to": midnight + DAY}
    asked |= {name: at.strftime("%Y-%m-%dT%H:%M:%SZ") for name, at in span.items()}
    listed = [one["id"] for one in (await api.get("/v1/slots", **asked)).json()["items"]]
    zone = ZoneInfo("Asia/Kolkata")
    days = [row["starts_at"].astimezone(zone).date() for row in await _live(api, doctor)]
    rows = await _live(api, doctor)
    expected = [
        row["slot_id"]
        for row, day, following in zip(rows, days, [*days[1:], None], strict=True)
        if day == following
    ]
    assert listed == expected
    for slot_id in random.Random(1).sample(listed[::2], 5):
        explained = await api.get(f"/v1/slots/{slot_id}/explain", service_id=service["id"])
        assert explained.json()["bookable"], explained.text
        booked = await api.book({"id": slot_id}, await api.patient(), service_id=service["id"])
        assert booked.status_code == 201, booked.text


async def test_a_farther_horizon_opens_what_lies_within_it(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC", policy={"horizon_days": 5})
    doctor = await api.doctor(clinic)
    await _rule(api, doctor, valid_until=None)
    few = len(await _live(api, doctor))

    for body in ({"policy": {"horizon_days": 4}}, {"policy": {"hold_minutes": 4}}, {"name": "B"}):
        nearer = await _change(api, clinic, body)
        assert (nearer.status_code, nearer.json()["calendars"]) == (200, None)
        assert await _sql(api, "SELECT FROM calendar_work") == []
    dry = await _change(api, clinic, {"policy": {"horizon_days": 20}}, params=DRY)
    assert dry.json()["calendars"] == "being_filled"
    assert await _sql(api, "SELECT FROM calendar_work") == []

    farther = await _change(api, clinic, {"policy": {"horizon_days": 20}})

    assert farther.json()["calendars"] == "being_filled"
    assert farther.json()["policy"]["horizon_days"] == 20
    await _planned(api)
    assert len(await _live(api, doctor)) > few + 3 * 12


async def test_what_cannot_be_changes_nothing(api: Api) -> None:
    clinic, other = await api.clinic(time_zone="UTC"), await api.clinic()
    desk = await api.receptionist(clinic["id"])
    body = {"time_zone": "Asia/Tokyo"}
    for params in ({}, DRY, KEEP):
        answer = await _change(api, clinic, body, params=params, headers={"If-Match": '"9"'})
        assert code_of(answer) == (412, "precondition_failed")
        answer = await _change(api, clinic, body, by=desk, params=params)
        assert code_of(answer) == (403, "forbidden")
        answer = await _change(api, clinic, body | {"slug": other["slug"]}, params=params)
        assert code_of(answer) == (422, "validation_error")
    wrong = await _change(api, clinic, body, params={"on_conflict": "cancel"})
    assert code_of(wrong) == (422, "validation_error")
    assert (await api.get(f"/v1/clinics/{clinic['id']}")).json() == clinic


async def test_a_doctor_who_comes_back_has_the_hours_of_the_new_clock(api: Api) -> None:
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctor = await api.doctor(clinic)
    await _rule(api, doctor)
    await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)
    await _change(api, clinic, {"time_zone": "America/New_York"})

    await api.post(f"/v1/doctors/{doctor['id']}/restore", by=api.admin)
    await _planned(api)

    assert await _open_times(api, doctor, "America/New_York") == ["09:00", "10:00", "11:00"] * 4


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "America/St_Johns",
]


@pytest.mark.parametrize("seed", range(6))
async def test_after_a_change_all_is_as_the_hours_wish_around_what_is_kept(
    api: Api, seed: int
) -> None:
    dice = random.Random(seed)
    was, zone = dice.sample(ZONES, 2)
    clinic = await api.clinic(time_zone=was)
    doctors = [await api.doctor(clinic) for _ in range(2)]
    rules: dict[str, list[Hours]] = {}
    patients = [await api.patient() for _ in range(6)]
    for doctor in doctors:
        halves = [_hours(dice, 0, 12), _hours(dice, 12, 24)]
        rules[doctor["id"]] = [hours for _, hours in halves]
        for body, _ in halves:
            await _rule(api, doctor, **body)
        slots = await _live(api, doctor)
        chosen = dice.sample(slots, 5)
        for row, patient in zip(chosen[:3], dice.sample(patients, 3), strict=True):
            assert (await api.book({"id": row["slot_id"]}, patient)).status_code in {201, 409}
        await api.post(f"/v1/slots/{chosen[3]['slot_id']}/close", by=api.admin)
        await api.post("/v1/holds", {"time_slot_id": chosen[4]["slot_id"]}, patients[0])
    day = (FIRST + DAY).isoformat()
    await api.made(f"/v1/clinics/{clinic['id']}/closures?on_conflict=keep", {"dates": [day]})

    changed = await _change(api, clinic, {"time_zone": zone}, params=KEEP)
    assert changed.status_code == 200, changed.text
    await _planned(api)

    for doctor in doctors:
        rows = await _live(api, doctor)
        kept = [row for row in rows if _is_kept(row)]
        opened = {
            row["starts_at"] for row in rows if not _is_kept(row) and row["closed_because"] is None
        }
        wishes = [
            wish
            for hours in rules[doctor["id"]]
            for wish in hours.slots_within(Period(_at(-1), _at(30)), zone)
        ]
        closed = date.fromisoformat(day)
        assert opened == {
            wish.starts_at
            for wish in wishes
            if not any(wish.overlaps(Period(row["starts_at"], row["ends_at"])) for row in kept)
            and not _meets(wish, closed, zone)
        }
        for row in rows:
            wall = row["starts_at"].astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            assert row["wall_starts_at"] == wall
    stale = {one["id"] for one in changed.json()["moved_bookings"]}
    booked = await _sql(api, "SELECT id::text, starts_at FROM appointments")
    assert stale == {row["id"] for row in booked if _offset(row, was) != _offset(row, zone)}


def _offset(row: Any, zone: str) -> timedelta | None:
    return row["starts_at"].astimezone(ZoneInfo(zone)).utcoffset()


def _is_kept(row: Any) -> bool:
    is_held = row["held_until"] is not None
    is_by_hand = row["closed_because"] == "by_hand"
    return row["appointment_id"] is not None or is_held or is_by_hand


def _meets(wish: Period, day: date, zone: str) -> bool:
    last = wish.ends_at - timedelta(seconds=1)
    days: Sequence[date] = [at.astimezone(ZoneInfo(zone)).date() for at in (wish.starts_at, last)]
    return day in days


def _at(days: int) -> datetime:
    return datetime.combine(TODAY + days * DAY, datetime.min.time(), UTC)


def _hours(dice: random.Random, earliest: int, latest: int) -> tuple[Made, Hours]:
    """Some hours as the API takes them, and as the domain has them."""
    start = dice.randrange(earliest, latest - 3)
    end = dice.randrange(start + 2, latest)
    slot, gap = dice.choice([30, 45, 60]), dice.choice([0, 10])
    body = {
        "start_time": f"{start:02}:00",
        "end_time": f"{end:02}:00",
        "slot_minutes": slot,
        "gap_minutes": gap,
    }
    hours = Hours(
        weekdays=frozenset(range(1, 8)),
        start_minute=60 * start,
        end_minute=60 * end,
        slot=timedelta(minutes=slot),
        gap=timedelta(minutes=gap),
        valid_from=FIRST,
        valid_until=LAST,
        mode=Mode.IN_PERSON,
    )
    return body, hours
