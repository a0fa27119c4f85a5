"""Patients speak without signing in: for themselves, and of what they were told."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_system.booking.application.patients_word import PatientsWord
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.shared_kernel.errors import Stale
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId
from tests.api import Api, Person


async def a_booking(api: Api) -> tuple[Person, dict[str, Any]]:
    patient = await api.patient()
    answer = await api.book(await api.slot(), patient)
    assert answer.status_code == 201, answer.text
    return patient, {
        "appointment_id": AppointmentId(UUID(answer.json()["id"])),
        "patient_id": PatientId(UUID(str(patient.patient_id))),
        "revision": 1,
    }


@pytest.mark.parametrize("what", ["confirm", "cancel"])
@pytest.mark.parametrize(
    ("about", "refusal"),
    [
        ({"patient_id": PatientId(uuid4())}, AppointmentNotFound),
        ({"appointment_id": AppointmentId(uuid4())}, AppointmentNotFound),
        ({"revision": 2}, Stale),
    ],
)
async def test_nothing_is_said_for_others_or_of_other_times(
    api: Api, what: str, about: dict[str, Any], refusal: type[Exception]
) -> None:
    word: PatientsWord = api.container.booking.patients_word()
    patient, named = await a_booking(api)
    with pytest.raises(refusal):
        await getattr(word, what)(**named | about)
    shown = (await api.get(f"/v1/bookings/{named['appointment_id']}", patient)).json()
    assert (shown["status"], shown["version"], shown["patient_confirmed_at"]) == (
        ("confirmed", 1, None)
    )


async def test_no_user_stands_in_the_history(api: Api) -> None:
    word: PatientsWord = api.container.booking.patients_word()
    _, named = await a_booking(api)
    card = await word.confirm(**named)
    assert card.appointment.patient_confirmed_at is not None
    assert (card.appointment.version, card.appointment.revision) == (2, 1)
    assert (await word.confirm(**named)).appointment.version == 2
    await word.cancel(**named)
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(
            "SELECT action, side, by_user_id FROM appointment_history ORDER BY version"
        )
        events = await connection.fetch("SELECT name FROM outbox ORDER BY name")
    assert [tuple(row) for row in rows] == [
        ("patient_confirmed", "patient", None),
        ("cancelled", "patient", None),
    ]
    assert [row[0] for row in events if row[0].startswith("booking")] == [
        "booking.cancelled",
        "booking.created",
        "booking.patient_confirmed",
    ]
