"""A confirmation page's one call: a booking with clinic, doctor and service whole."""

from typing import Any

import pytest

from booking_system.booking.adapters.around import PostgresAround
from booking_system.shared_kernel.errors import Unavailable
from tests.api import Api, code_of

EVERYTHING = ["clinic", "doctor", "service"]


async def test_a_booking_shows_whole_what_it_is_asked_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = await api.clinic(phone="+49301234567", address="1 Example Street")
    doctor = await api.doctor(clinic, bio="Speaks German")
    price = {"amount": 4500, "currency": "EUR"}
    service = await api.service(clinic, doctor_ids=[doctor["id"]], price=price)
    slots, patient = await api.slots(doctor, 2), await api.patient()
    body = {"time_slot_id": slots[0]["id"], "service_id": service["id"]}

    booked = await api.post("/v1/bookings", body, patient, params={"expand": EVERYTHING})

    assert code_of(booked) == (201, None)
    expanded = booked.json()["expanded"]
    assert expanded["clinic"] == (await api.get(f"/v1/clinics/{clinic['id']}")).json()
    assert expanded["doctor"] == (await api.get(f"/v1/doctors/{doctor['id']}")).json()
    assert expanded["service"] == (await api.get(f"/v1/services/{service['id']}")).json()
    one = f"/v1/bookings/{booked.json()['id']}"
    read = await api.send("GET", one, patient, params={"expand": EVERYTHING})
    assert read.json() == booked.json()
    some = (await api.get(one, patient, expand="doctor")).json()["expanded"]
    assert some == {"doctor": expanded["doctor"]}

    # Nobody asked: nothing is there, and nothing is read.
    async def never(*_: Any) -> None:
        raise AssertionError("nobody asked for it")

    monkeypatch.setattr(PostgresAround, "around", never)
    bare = (await api.get(one, patient)).json()
    assert bare == {name: it for name, it in booked.json().items() if name != "expanded"}
    other = await api.book(slots[1], patient, service_id=service["id"])
    assert "expanded" not in other.json()


async def test_what_was_removed_since_is_shown_and_no_service_is_none(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    (slot,), patient = await api.slots(doctor), await api.patient()
    booking = (await api.book(slot, patient)).json()
    one = f"/v1/bookings/{booking['id']}"
    assert (await api.get(one, patient, expand="service")).json()["expanded"] == {"service": None}
    await api.post(f"{one}/cancel", None, patient)
    assert code_of(await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin))[0] == 204
    gone = (await api.get(one, patient, expand="doctor")).json()["expanded"]["doctor"]
    assert gone["id"] == doctor["id"]


async def test_an_unknown_name_is_refused_before_anything_is_booked(api: Api) -> None:
    slot, patient = await api.slot(), await api.patient()
    for wrong in ("nothing", "clinic,doctor", ""):
        refused = await api.post(
            "/v1/bookings", {"time_slot_id": slot["id"]}, patient, params={"expand": wrong}
        )
        assert code_of(refused) == (422, "validation_error")
        (error,) = refused.json()["errors"]
        assert error["pointer"] == "/expand/0"
        assert "'clinic'" in error["detail"]
    assert (await api.get(f"/v1/slots/{slot['id']}")).json()["status"] == "open"


async def test_a_booking_that_is_made_is_told_of_although_nothing_more_can_be_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, patient = await api.slot(), await api.patient()

    async def fails(*_: Any) -> None:
        raise Unavailable(retry_after=1)

    monkeypatch.setattr(PostgresAround, "around", fails)
    booked = await api.post(
        "/v1/bookings", {"time_slot_id": slot["id"]}, patient, params={"expand": "clinic"}
    )
    assert code_of(booked) == (201, None)
    assert "expanded" not in booked.json()


async def test_a_stranger_is_shown_nothing_around_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = (await api.book(await api.slot(), await api.patient())).json()

    async def never(*_: Any) -> None:
        raise AssertionError("nobody may see it")

    monkeypatch.setattr(PostgresAround, "around", never)
    one, stranger = f"/v1/bookings/{booking['id']}", await api.patient()
    refused = await api.send("GET", one, stranger, params={"expand": EVERYTHING})
    assert code_of(refused) == (404, "not_found")
