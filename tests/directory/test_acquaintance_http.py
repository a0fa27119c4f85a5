"""A clinic knows a patient for as long as it has a reason, and writes only what is its own."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from booking_system.booking.adapters.add_statements import PLAIN, adding, adding_with_key
from booking_system.booking.adapters.attempt_statements import ATTEMPT
from booking_system.platform.postgres.statement import Statement
from tests.api import Api, Person, code_of
from tests.booking.holding import Keeping, Made

ABSENT, FORBIDDEN = (404, "not_found"), (403, "forbidden")
EMAIL = "patient@example.com"


async def _asked(here: Keeping, patient_id: str) -> dict[str, tuple[int, str | None]]:
    """What staff may do with a patient whom their clinic knows."""
    api, path = here.api, f"/v1/patients/{patient_id}"
    last = here.slots[-1]["id"]
    named = {"patient_id": patient_id}
    found = await api.get("/v1/patients", here.desk, clinic_id=here.clinic["id"])
    held = await api.post("/v1/holds", {"time_slot_id": last, **named}, here.desk)
    answers = {
        "read": await api.get(path, here.desk),
        "explain": await api.get(f"/v1/slots/{last}/explain", here.desk, **named),
        "hold": held,
        "book": await here.book(here.slots[-1], here.desk, **named),
    }
    told = {name: code_of(answer) for name, answer in answers.items()}
    told["change"] = code_of(await api.send("PATCH", path, here.desk, json={"phone": "+49301"}))
    is_listed = patient_id in {one["id"] for one in found.json()["items"]}
    return told | {"list": (200, None) if is_listed else ABSENT}


async def _booked(here: Keeping, place: int = 0) -> Made:
    answer = await here.book(here.slots[place], here.patient)
    assert answer.status_code == 201, answer.text
    made: Made = answer.json()
    return made


async def _do(here: Keeping, booking: Made, verb: str, by: Person | None = None) -> None:
    answer = await here.api.post(f"/v1/bookings/{booking['id']}/{verb}", by=by or here.desk)
    assert answer.status_code == 200, answer.text


async def _begun(here: Keeping, booking: Made) -> None:
    """It was long ago."""
    await here.sql(
        "UPDATE appointments SET starts_at = starts_at - interval '100 days',"
        " ends_at = ends_at - interval '100 days',"
        " blocked_from = blocked_from - interval '100 days',"
        " blocked_until = blocked_until - interval '100 days' WHERE id = $1",
        UUID(booking["id"]),
    )


@pytest.mark.parametrize("by", ["desk", "patient"])
async def test_what_was_only_booked_ends_with_the_last_cancellation(api: Api, by: str) -> None:
    here = await Keeping.of(api)
    first, second = await _booked(here, 0), await _booked(here, 1)
    patient_id = str(here.patient.patient_id)
    who = here.desk if by == "desk" else here.patient

    await _do(here, first, "cancel", who)
    read = await api.get(f"/v1/patients/{patient_id}", here.desk)
    assert code_of(read) == (200, None)
    await _do(here, second, "cancel", who)

    assert set((await _asked(here, patient_id)).values()) == {ABSENT}
    # What is left to wind up is the cancelled appointment itself, by name.
    listed = await api.get("/v1/bookings", here.desk, patient_id=patient_id)
    assert [one["patient"]["full_name"] for one in listed.json()["items"]] == 2 * [
        "Example Patient"
    ]
    await _booked(here, 2)
    assert code_of(await api.get(f"/v1/patients/{patient_id}", here.desk)) == (200, None)


KNOWN = "SELECT clinic_id, patient_id, known_since FROM clinic_patients"


@pytest.mark.parametrize("keyed", [False, True])
async def test_a_booking_looks_at_the_acquaintance_only_where_it_may_be_missing(
    api: Api, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    here = await Keeping.of(api)
    plain, meeting = (PLAIN, PLAIN._replace(acquaintance=True))
    usual, others = (
        [make(needs, with_service=False) for make in (adding, adding_with_key)]
        for needs in (plain, meeting)
    )

    async def booked_without(place: int, *broken: Statement[Any]) -> list[Any]:
        body = {"time_slot_id": here.slots[place]["id"]}
        headers = {"Idempotency-Key": f"booking-{place}"} if keyed else {}
        with monkeypatch.context() as patch:
            for statement in broken:
                patch.setattr(statement, "text", "SELECT 1 / 0")
            answer = await api.post("/v1/bookings", body, here.patient, headers=headers)
        assert code_of(answer) == (201, None)
        return await here.sql(KNOWN)

    known = await booked_without(0, *usual)
    assert len(known) == 1
    assert await booked_without(1, *others) == known


async def test_two_first_bookings_at_once_make_one_acquaintance(api: Api) -> None:
    here = await Keeping.of(api)
    answers = await asyncio.gather(*(here.book(slot, here.patient) for slot in here.slots[:4]))
    assert [code_of(answer) for answer in answers] == 4 * [(201, None)]
    assert len(await here.sql(KNOWN)) == 1


async def test_what_is_left_of_bookings_is_not_read_in_the_index_of_a_constraint(api: Api) -> None:
    """A look into it costs several times as much as one into the index of the list."""
    here = await Keeping.of(api)
    await _booked(here)
    await here.sql("ANALYZE appointments")
    async with here.api.container.database().driver_transaction() as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute(f"PREPARE attempt AS {ATTEMPT.text}")
        lines = await connection.fetch("EXPLAIN EXECUTE attempt (NULL, NULL, NULL, NULL)")
    (look,) = [row[0] for row in lines if "on appointments met" in row[0]]
    assert "using ix_appointments" in look


@pytest.mark.parametrize("outcome", ["over", "check-in", "complete", "no-show"])
async def test_what_took_place_is_a_reason(api: Api, outcome: str) -> None:
    here = await Keeping.of(api)
    taken, cancelled = await _booked(here, 0), await _booked(here, 1)
    await _do(here, cancelled, "cancel")
    await _begun(here, taken)
    if outcome != "over":
        await _do(here, taken, outcome)

    told = await _asked(here, str(here.patient.patient_id))

    assert ABSENT not in told.values(), told


async def test_whom_staff_registered_or_took_on_stays(api: Api) -> None:
    here = await Keeping.of(api)
    new = {"clinic_id": here.clinic["id"], "full_name": "Example Patient"}
    registered = (await api.made("/v1/patients", new, here.desk))["id"]
    taken_on = str(here.patient.patient_id)
    await here.sql("UPDATE patients SET email = $2 WHERE id = $1", here.patient.patient_id, EMAIL)
    path = f"/v1/clinics/{here.clinic['id']}/patients/{taken_on}"

    async def cancelled(patient_id: str) -> None:
        booked = await here.book(here.slots[0], here.desk, patient_id=patient_id)
        await _do(here, booked.json(), "cancel")

    await _do(here, await _booked(here), "cancel")
    assert code_of(await api.get(f"/v1/patients/{taken_on}", here.desk)) == ABSENT
    # Also of one who is known, because an appointment is left.
    await _booked(here, 1)
    for _ in range(2):
        assert (await api.post(path, {"email": EMAIL}, here.desk)).status_code == 201
    for patient_id in (registered, taken_on):
        await cancelled(patient_id)
    (left,) = (await api.get("/v1/bookings", here.patient, status="confirmed")).json()["items"]
    await _do(here, left, "cancel", here.patient)

    for patient_id in (registered, taken_on):
        assert code_of(await api.get(f"/v1/patients/{patient_id}", here.desk)) == (200, None)


async def test_a_merge_and_a_removal_ask_for_the_same_reasons(api: Api) -> None:
    """A clinic that had nothing but a cancelled booking has no say any more."""
    here, elsewhere = await Keeping.of(api), await Keeping.of(api)
    new = {"clinic_id": here.clinic["id"], "full_name": "Example Patient"}
    stays, goes = [(await api.made("/v1/patients", new, here.desk))["id"] for _ in range(2)]
    knows = (
        "INSERT INTO clinic_patients (clinic_id, patient_id, known_since) VALUES ($1, $2, now())"
    )
    for patient_id in (stays, goes):
        await here.sql(knows, UUID(elsewhere.clinic["id"]), UUID(patient_id))

    merged = await api.post(f"/v1/patients/{stays}/merge", {"duplicate_id": goes}, here.desk)
    assert code_of(merged) == (200, None)
    gone = await api.send("DELETE", f"/v1/patients/{stays}", here.desk)
    assert gone.status_code == 204
    assert code_of(await api.post(f"/v1/patients/{stays}/restore", by=elsewhere.desk)) == ABSENT


OWN: dict[str, Any] = {
    "full_name": "Another Name",
    "birth_date": "1980-01-01",
    "email": "other@example.com",
    "phone": "+49301234567",
    "locale": "de-DE",
    "time_zone": "Europe/Paris",
}


async def _change(api: Api, patient_id: str, by: Person, field: str) -> Response:
    return await api.send("PATCH", f"/v1/patients/{patient_id}", by, json={field: OWN[field]})


@pytest.mark.parametrize("field", OWN)
async def test_who_they_are_is_said_by_the_owner_of_an_account(api: Api, field: str) -> None:
    here = await Keeping.of(api)
    await _booked(here)
    patient_id = str(here.patient.patient_id)

    assert code_of(await _change(api, patient_id, here.desk, field)) == FORBIDDEN
    assert (await _change(api, patient_id, here.patient, field)).json()[field] == OWN[field]


@pytest.mark.parametrize("field", OWN)
async def test_no_clinic_rewrites_the_patient_of_another(api: Api, field: str) -> None:
    """Without an account: the one that registered them does, or the only one that knows them."""
    here, elsewhere = await Keeping.of(api), await Keeping.of(api)
    boss = await api.receptionist(here.clinic["id"])
    new = {"clinic_id": here.clinic["id"], "full_name": "Example Patient"}
    one = (await api.made("/v1/patients", new, boss))["id"]
    assert code_of(await _change(api, one, here.desk, field)) == (200, None)
    await here.sql(
        "INSERT INTO clinic_patients VALUES ($1, $2, now(), 'taken_on')",
        UUID(elsewhere.clinic["id"]),
        UUID(one),
    )

    assert code_of(await _change(api, one, here.desk, field)) == (200, None)
    assert code_of(await _change(api, one, elsewhere.desk, field)) == FORBIDDEN
    await here.sql("DELETE FROM clinic_patients WHERE clinic_id = $1", UUID(here.clinic["id"]))
    assert code_of(await _change(api, one, elsewhere.desk, field)) == (200, None)
    assert code_of(await _change(api, one, here.desk, field)) == ABSENT


async def _called(here: Keeping, patient_id: str, by: Person, name: str | None) -> Response:
    path = f"/v1/clinics/{here.clinic['id']}/patients/{patient_id}"
    return await here.api.send("PATCH", path, by, json={"known_as": name})


async def _found(here: Keeping, by: Person, **about: str) -> list[tuple[str, str | None]]:
    page = await here.api.get("/v1/patients", by, **about)
    return [(one["id"], one["known_as"]) for one in page.json()["items"]]


async def test_what_a_clinic_calls_a_patient_is_its_own(api: Api) -> None:
    here, elsewhere = await Keeping.of(api), await Keeping.of(api)
    booking, patient_id = await _booked(here), str(here.patient.patient_id)
    await elsewhere.book(elsewhere.slots[1], here.patient)
    own, theirs = {"clinic_id": here.clinic["id"]}, {"clinic_id": elsewhere.clinic["id"]}

    called = await _called(here, patient_id, here.desk, "Of the old practice")

    assert code_of(called) == (200, None)
    assert (called.json()["known_as"], called.json()["full_name"]) == (
        "Of the old practice",
        "Example Patient",
    )
    assert await _found(here, here.desk, **own) == [(patient_id, "Of the old practice")]
    for part in ("old PRACT", "example"):
        assert await _found(here, here.desk, q=part, **own) == [(patient_id, "Of the old practice")]
    day = f"/v1/clinics/{here.clinic['id']}/day"
    shown = await api.get(day, here.desk, date=booking["local_starts_at"][:10])
    (one,) = shown.json()["bookings"]
    assert one["patient"]["known_as"] == "Of the old practice"
    # Nobody else is told, nor finds anybody by it: other clinics, the patient, a list of all.
    assert await _found(here, elsewhere.desk, **theirs) == [(patient_id, None)]
    for by, about in ((elsewhere.desk, theirs), (elsewhere.desk, own), (here.desk, {})):
        assert await _found(here, by, q="old pract", **about) == []
    assert await _found(here, here.patient) == [(patient_id, None)]
    assert "practice" not in (await api.get(f"/v1/patients/{patient_id}", here.patient)).text
    assert "practice" not in (await api.get("/v1/bookings", here.patient)).text

    assert code_of(await _called(here, patient_id, here.desk, None)) == (200, None)
    assert await _found(here, here.desk, **own) == [(patient_id, None)]


async def test_nobody_calls_whom_their_clinic_does_not_know(api: Api) -> None:
    here, elsewhere = await Keeping.of(api), await Keeping.of(api)
    booking, patient_id = await _booked(here), str(here.patient.patient_id)

    assert code_of(await _called(elsewhere, patient_id, elsewhere.desk, "Name")) == ABSENT
    assert code_of(await _called(here, patient_id, elsewhere.desk, "Name")) == FORBIDDEN
    assert code_of(await _called(here, patient_id, here.patient, "Name")) == FORBIDDEN
    await _do(here, booking, "cancel")
    assert code_of(await _called(here, patient_id, here.desk, "Name")) == ABSENT


async def test_a_page_by_name_and_by_what_they_are_called_skips_nobody(api: Api) -> None:
    here = await Keeping.of(api)
    made = []
    for number in range(6):
        new = {"clinic_id": here.clinic["id"], "full_name": f"{'Alpha' if number % 2 else 'B'}"}
        made.append((await api.made("/v1/patients", new, here.desk))["id"])
        called = await _called(here, made[-1], here.desk, "Omega" if number % 2 else "alphabet")
        assert called.status_code == 200
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while cursor or not seen:
        about = {"clinic_id": here.clinic["id"], "q": "alpha", "limit": "2", **cursor}
        page = (await api.get("/v1/patients", here.desk, **about)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
    assert seen == made
