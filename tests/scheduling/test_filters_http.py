"""The three searches take the same filters, and all of them tell what there is not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api import START, Api, Person, code_of, some_slots

Made = dict[str, Any]
SEARCHES = ("/v1/slots", "/v1/slots/next", "/v1/slots/calendar")
HOUR = timedelta(hours=1)


async def found(api: Api, by: Person | None = None, **about: Any) -> set[str]:
    """The ids that two searches list and the third counts."""
    listed = await api.get(SEARCHES[0], by, limit=200, **about)
    assert code_of(listed) == (200, None), listed.text
    ids = [slot["id"] for slot in listed.json()["items"]]
    soonest = (await api.get(SEARCHES[1], by, per_doctor=20, **about)).json()
    assert sorted(ids) == sorted(slot["id"] for one in soonest["items"] for slot in one["slots"]), (
        about
    )
    if about.keys() & {"clinic_id", "doctor_id", "booking_id"}:
        days = (await api.get(SEARCHES[2], by, **about)).json()["days"]
        assert sum(day["open_slots"] for day in days) == len(ids), about
    return set(ids)


async def test_every_filter_narrows_all_three_searches(api: Api) -> None:
    clinic, other = await api.clinic(), await api.clinic()
    heart = await api.doctor(clinic, specialty="Cardiology", languages=["en"])
    skin = await api.doctor(clinic, specialty="Dermatology", languages=["de", "en"])
    away = await api.doctor(other, specialty="Dermatology", languages=["de"])
    of = {
        name: {slot["id"] for slot in await api.slots(doctor, 2)}
        for name, doctor in (("heart", heart), ("skin", skin), ("away", away))
    }
    online = some_slots(1, START + 3 * HOUR)[0] | {"mode": "online"}
    (far,) = (await api.made(f"/v1/doctors/{skin['id']}/slots", {"slots": [online]}))["items"]
    service = await api.service(clinic, doctor_ids=[skin["id"]])
    patient, here = await api.patient(), {"clinic_id": clinic["id"]}
    of["skin"].add(far["id"])

    for about, expected in (
        ({}, of["heart"] | of["skin"] | of["away"]),
        (here, of["heart"] | of["skin"]),
        ({"doctor_id": skin["id"]}, of["skin"]),
        (here | {"doctor_id": skin["id"]}, of["skin"]),
        (here | {"doctor_id": away["id"]}, set()),
        (here | {"specialty": "dermatology"}, of["skin"]),
        (here | {"language": "DE"}, of["skin"]),
        ({"language": "De"}, of["skin"] | of["away"]),
        (here | {"mode": "online"}, {far["id"]}),
        (here | {"service_id": service["id"]}, of["skin"] - {far["id"]}),
        ({"doctor_id": heart["id"], "service_id": service["id"]}, set()),
        ({"doctor_id": skin["id"], "language": "fr"}, set()),
        ({"doctor_id": skin["id"], "specialty": "Cardiology"}, set()),
    ):
        assert await found(api, **about) == expected, about
    assert await found(api, patient, exclude_my_conflicts=True, **here) == of["heart"] | of["skin"]


@pytest.mark.parametrize("path", SEARCHES)
async def test_an_id_that_is_of_nothing_is_told(api: Api, path: str) -> None:
    clinic = await api.clinic()
    gone = await api.clinic()
    doctor, removed = await api.doctor(clinic), await api.doctor(gone)
    service, taken_back = await api.service(clinic), await api.service(clinic)
    for address in (f"services/{taken_back['id']}", f"clinics/{gone['id']}"):
        await api.send("DELETE", f"/v1/{address}", api.admin)
    good = {"clinic_id": clinic["id"], "doctor_id": doctor["id"], "service_id": service["id"]}

    assert (await api.get(path, **good)).status_code == 200
    for name, wrong in (
        *((name, str(uuid4())) for name in good),
        ("clinic_id", gone["id"]),
        ("doctor_id", removed["id"]),
        ("service_id", taken_back["id"]),
    ):
        for _ in range(2):
            answer = await api.get(path, **good | {name: wrong})
            assert code_of(answer) == (422, "validation_error"), (name, answer.text)
            (error,) = answer.json()["errors"]
            assert (error["pointer"], error["code"]) == (f"/{name}", "unknown")


async def test_what_is_deleted_after_an_empty_answer_is_told(api: Api) -> None:
    clinic = await api.clinic()
    path = f"/v1/slots?clinic_id={clinic['id']}"
    for _ in range(2):
        assert (await api.client.get(path)).json()["items"] == []

    await api.send("DELETE", f"/v1/clinics/{clinic['id']}", api.admin)

    assert code_of(await api.client.get(path)) == (422, "validation_error")


async def test_62_days_on_a_wall_may_have_an_hour_more(api: Api) -> None:
    """From midnight to midnight in Berlin, with the change to winter time between."""
    since = "2027-09-01T00:00:00+02:00"
    for until, expected in (("2027-11-02T00:00:00+01:00", 200), ("2027-11-03T00:00:00+01:00", 422)):
        answer = await api.get("/v1/slots", **{"from": since, "to": until})
        assert answer.status_code == expected


async def test_a_patient_has_no_time_behind_the_end_of_the_range_either(api: Api) -> None:
    """A service that begins in the range ends behind it, when the patient is elsewhere."""
    start = START.replace(hour=6)
    clinic = await api.clinic()
    doctor, other = await api.doctor(clinic), await api.doctor(await api.clinic())
    slots = await api.slots(doctor, 4, start=start)
    (elsewhere,) = await api.slots(other, start=start + HOUR)
    patient = await api.patient()
    await api.book(elsewhere, patient)
    long = await api.service(clinic, duration_minutes=60, doctor_ids=[doctor["id"]])
    about = {"service_id": long["id"], "exclude_my_conflicts": True, "clinic_id": clinic["id"]}

    until = (start + HOUR).isoformat()
    listed = await api.get("/v1/slots", patient, to=until, **about)
    assert [slot["id"] for slot in listed.json()["items"]] == [slots[0]["id"]]
    assert await found(api, patient, **about) == {slots[0]["id"]}


async def test_nobodys_conflicts_are_left_out_of_no_search(api: Api) -> None:
    clinic = await api.clinic()
    for path in SEARCHES:
        answer = await api.get(path, clinic_id=clinic["id"], exclude_my_conflicts=True)
        assert code_of(answer) == (401, "unauthenticated")
        patient = await api.patient()
        own = await api.get(path, patient, clinic_id=clinic["id"], exclude_my_conflicts=True)
        assert own.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Pacific/Fakaofo"])
async def test_a_day_that_a_clock_never_showed_has_no_slots(api: Api, zone: str) -> None:
    clinic = await api.clinic(time_zone=zone)
    answer = await api.get(
        SEARCHES[2], clinic_id=clinic["id"], **{"from": "2011-12-29", "to": "2012-01-01"}
    )
    assert code_of(answer) == (200, None)
    assert [(day["date"], day["open_slots"]) for day in answer.json()["days"]] == [
        ("2011-12-29", 0),
        ("2011-12-30", 0),
        ("2011-12-31", 0),
    ]
    only = await api.get(
        SEARCHES[2], clinic_id=clinic["id"], **{"from": "2011-12-30", "to": "2011-12-31"}
    )
    assert len(only.json()["days"]) == 1


async def test_slots_of_a_day_after_one_that_was_skipped_are_counted_there(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    await api.slots(doctor, 3)
    today = datetime.now(UTC).date()
    days = (
        await api.get(
            SEARCHES[2],
            doctor_id=doctor["id"],
            **{"from": str(today), "to": str(today + timedelta(days=4))},
        )
    ).json()["days"]
    assert sum(day["open_slots"] for day in days) == 3
