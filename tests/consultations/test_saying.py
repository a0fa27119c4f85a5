"""A message is stored by one statement in a room that is as it was seen; else it is judged anew."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_system.consultations.adapters.rooms import PostgresRooms
from booking_system.consultations.application.act_in_room import SayInRoom
from booking_system.consultations.domain.refusals import ConsultationNotOpen
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.api import Api
from tests.consultations.surgery import Surgery, in_minutes, surgery


async def seen_by_patient(place: Surgery) -> tuple[SayInRoom, Party, Room]:
    """The use case, the patient, and the room as their process sees it now."""
    await place.way_in(place.patient)
    consultations = place.api.container.consultations
    room_id = AppointmentId(UUID(place.id))
    (seen,) = await consultations.rooms().look([room_id])
    assert place.patient.patient_id is not None
    party = Party(
        room_id=room_id,
        seat=Seat.PATIENT,
        user_id=place.patient.user_id,
        subject_id=place.patient.patient_id,
        session_id=None,
    )
    return consultations.say(), party, seen.room


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> list[AppointmentId]:
    """Which rooms were locked."""
    taken, locked = list[AppointmentId](), PostgresRooms.locked

    def noted(self: PostgresRooms, room_id: AppointmentId) -> Any:
        taken.append(room_id)
        return locked(self, room_id)

    monkeypatch.setattr(PostgresRooms, "locked", noted)
    return taken


async def test_it_takes_one_statement_and_no_number_is_left_out(
    api: Api, locks: list[AppointmentId]
) -> None:
    say, party, seen = await seen_by_patient(await surgery(api))
    first = await say(party, client_id=uuid4(), text="one", seen=seen)
    second = await say(party, client_id=uuid4(), text="two", seen=seen)
    assert (first.seq, second.seq, locks) == (1, 2, [])
    # Sent again it is the same, and takes no number.
    assert first.client_id is not None
    again = await say(party, client_id=first.client_id, text="one", seen=seen)
    assert again == first
    assert locks == [party.room_id]
    third = await say(party, client_id=uuid4(), text="three", seen=seen)
    assert third.seq == 3


@pytest.mark.parametrize("change", ["ended", "cancelled", "moved"])
async def test_what_has_changed_since_it_was_seen_counts(api: Api, change: str) -> None:
    place = await surgery(api)
    say, party, seen = await seen_by_patient(place)
    if change == "ended":
        done = await api.post(f"{place.path}/end", None, place.doctor)
    elif change == "cancelled":
        done = await api.post(f"/v1/bookings/{place.id}/cancel", None, place.patient)
    else:
        later = await place.slot(in_minutes(60 * 24 * 3))
        done = await api.post(
            f"/v1/bookings/{place.id}/reschedule", {"time_slot_id": later["id"]}, place.patient
        )
    assert done.status_code in {200, 204}, done.text
    with pytest.raises(ConsultationNotOpen):
        await say(party, client_id=uuid4(), text="too late", seen=seen)


async def test_a_room_that_was_seen_closed_and_is_open_takes_it(
    api: Api, locks: list[AppointmentId]
) -> None:
    place = await surgery(api, minutes=60)
    consultations = api.container.consultations
    room_id = AppointmentId(UUID(place.id))
    (closed,) = await consultations.rooms().look([room_id])
    async with api.container.database().driver_transaction() as connection:
        sql = "UPDATE clinics SET consultation_opens_minutes = 90 WHERE id = $1"
        await connection.execute(sql, UUID(place.clinic["id"]))
    say, party, _ = await seen_by_patient(place)
    entry = await say(party, client_id=uuid4(), text="in time", seen=closed.room)
    assert (entry.seq, locks) == (1, [room_id])
