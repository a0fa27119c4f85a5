"""What patients want to be told, the link that ends reminders, and what became of messages."""

import asyncio
from contextvars import Context
from typing import Any
from uuid import uuid4

import pytest

from tests.api import Api, code_of
from tests.notifications.conftest import reachable
from tests.notifications.office import Office
from tests.notifications.test_messages import FAR, booked

USUAL = {
    "email": True,
    "sms": True,
    "reminders": True,
    "quiet_from": "21:00",
    "quiet_until": "08:00",
}


def path(patient_id: Any) -> str:
    return f"/v1/patients/{patient_id}/notification-preferences"


async def test_preferences_are_the_usual_ones_until_they_are_set(api: Api) -> None:
    patient = await api.patient()
    answer = await api.get(path(patient.patient_id), patient)
    assert answer.json() == USUAL | {"version": 0, "addresses": []}
    wanted = {"sms": False, "quiet_from": "22:30", "quiet_until": "22:30"}
    answer = await api.send(
        "PUT", path(patient.patient_id), patient, json=wanted, headers={"If-Match": '"0"'}
    )
    now = USUAL | wanted | {"version": 1, "addresses": []}
    assert answer.json() == now
    again = await api.get(path(patient.patient_id), patient)
    assert (again.json(), again.headers["etag"]) == (now, '"1"')


async def test_a_change_of_something_older_is_refused(api: Api) -> None:
    patient = await api.patient()
    for tag, expected in (('"1"', 412), ('"0"', 200), ('"0"', 412), ('"1"', 200)):
        answer = await api.send(
            "PUT", path(patient.patient_id), patient, json={}, headers={"If-Match": tag}
        )
        assert answer.status_code == expected, tag


async def test_of_two_who_change_the_same_version_one_is_refused(api: Api, office: Office) -> None:
    patient = await api.patient()

    async def put() -> int:
        answer = await api.send(
            "PUT", path(patient.patient_id), patient, json={}, headers={"If-Match": '"0"'}
        )
        return answer.status_code

    async with office.database.driver_transaction() as connection:
        await connection.execute(
            "INSERT INTO notification_preferences VALUES ($1, true, true, true, 0, 0, 1, now())",
            patient.patient_id,
        )
        other = asyncio.create_task(put(), context=Context())
        await asyncio.sleep(0.15)
        assert not other.done()
    assert await other == 412


@pytest.mark.parametrize("wrong", ["24:00", "8:00", "08:60", "", "٠٨:٠٠"])
async def test_a_time_of_day_is_one(api: Api, wrong: str) -> None:
    patient = await api.patient()
    answer = await api.send("PUT", path(patient.patient_id), patient, json={"quiet_from": wrong})
    assert code_of(answer) == (422, "validation_error")


async def test_what_is_not_wanted_does_not_go(api: Api, office: Office) -> None:
    slot, patient = await api.slot(start=FAR), await reachable(api)
    await api.send("PUT", path(patient.patient_id), patient, json={"reminders": False})
    await api.book(slot, patient)
    await office.work()
    assert office.email.kinds == ["confirmation"]
    assert [row[0] for row in await office.told()] == ["confirmation"]


async def test_one_click_ends_reminders_and_a_look_does_not(api: Api, office: Office) -> None:
    patient, _ = await booked(api)
    await office.plan()
    link = api.container.notifications.links().link(patient.patient_id)
    for _ in range(2):
        page = await api.get(link)
        assert page.status_code == 200
        assert "form-action 'self'" in page.headers["content-security-policy"]
    assert (await api.get(path(patient.patient_id), patient)).json()["reminders"] is True
    form = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        assert (await api.send("POST", link, data=form)).status_code == 200
    told = (await api.get(path(patient.patient_id), patient)).json()
    assert (told["reminders"], told["email"], told["version"]) == (False, True, 1)


async def test_a_link_of_somebody_elses_making_is_none(api: Api) -> None:
    patient = await api.patient()
    link = api.container.notifications.links().link(patient.patient_id)
    start, token = link[: -len(link.rpartition("/")[2])], link.rpartition("/")[2]
    changed = ("A" if token[0] != "A" else "B") + token[1:]
    for wrong in (changed, token[:-4], "x", f"{uuid4()}"):
        for method in ("GET", "POST"):
            answer = await api.send(method, f"{start}{wrong}")
            assert code_of(answer) == (404, "not_found")


async def test_a_booking_shows_what_became_of_its_messages(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    where = f"/v1/bookings/{booking['id']}/notifications"
    assert (await api.get(where, patient)).json() == {"items": []}
    await office.work()
    items = (await api.get(where, patient)).json()["items"]
    shown = [(one["kind"], one["channel"], one["recipient"], one["state"]) for one in items]
    assert sorted(shown) == [
        ("confirmation", "email", "patient", "sent"),
        ("reminder", "sms", "patient", "planned"),
        ("reminder", "sms", "patient", "planned"),
        ("staff_notice", "email", "clinic", "sent"),
    ]
    assert "example.com" not in str(items)


async def test_a_message_at_hand_is_being_sent(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    where = f"/v1/bookings/{booking['id']}/notifications"
    await office.plan()
    async with office.database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE message_ledger SET state = 'claimed', lease_until = now()"
            " WHERE kind = 'confirmation'"
        )
    items = (await api.get(where, patient)).json()["items"]
    assert [one["state"] for one in items if one["kind"] == "confirmation"] == ["sending"]
