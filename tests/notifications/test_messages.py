"""From a booking to the messages that tell of it, on a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.sending import (
    Fault,
    NotSentError,
    OutcomeUnknownError,
)
from tests.api import START, Api, Person
from tests.notifications.conftest import MAIL, NUMBER, reachable
from tests.notifications.office import Office, nothing

FAR = START + timedelta(days=10, hours=5)
"""In the afternoon: no reminder of the usual ones falls into quiet hours."""
AWAY = timedelta(days=12)


async def booked(api: Api, *, start: datetime = FAR, **about: Any) -> tuple[Person, dict[str, Any]]:
    """A patient who can be reached, with an appointment of their own making."""
    clinic = await api.clinic(email="desk@example.com", **about)
    slot = await api.slot(clinic, start=start)
    patient = await reachable(api)
    answer = await api.book(slot, patient)
    assert answer.status_code == 201, answer.text
    return patient, answer.json()


async def cancel(api: Api, booking: dict[str, Any], by: Person) -> None:
    answer = await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, by)
    assert answer.status_code == 200, answer.text


async def test_a_booking_is_confirmed_and_the_clinic_told(api: Api, office: Office) -> None:
    _, booking = await booked(api)
    await office.work()
    assert sorted(office.email.kinds) == ["confirmation", "staff_notice"]
    by_kind = {one.kind: one.letter for one in office.email.arrived}
    assert by_kind["confirmation"].to.address == MAIL
    assert by_kind["staff_notice"].to.address == "desk@example.com"
    assert by_kind["staff_notice"].text == f"staff_notice {booking['id']} 1 booked"
    assert await office.told() == [
        ("confirmation", "email", 0, "sent", None),
        ("reminder", "sms", 120, "planned", None),
        ("reminder", "sms", 1440, "planned", None),
        ("staff_notice", "email", 0, "sent", None),
    ]
    await office.work()
    assert len(office.email.arrived) == 2


async def test_reminders_go_when_they_are_due_and_by_sms(api: Api, office: Office) -> None:
    await booked(api)
    await office.work()
    assert office.sms is not None
    for before, sent in ((25, 0), (23, 1), (20, 1), (2, 2)):
        office.clock.shift = FAR - timedelta(hours=before, minutes=-1) - datetime.now(UTC)
        await office.work()
        assert office.sms.kinds == ["reminder"] * sent, before
    assert {one.letter.to for one in office.sms.arrived} == {NUMBER}


async def test_a_cancelled_appointment_is_reminded_of_by_nothing(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    await office.work()
    await cancel(api, booking, patient)
    office.clock.shift = AWAY - timedelta(days=1)
    # Whether the planner has heard of it or not.
    await office.job.once()
    await office.work()
    assert office.sms is not None
    assert office.sms.kinds == []
    states = {(row[0], row[2]): row[3] for row in await office.told()}
    assert states["reminder", 1440] == states["reminder", 120] == "withdrawn"


async def test_a_cancellation_is_told_once_to_each(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    await office.work()
    office.email.arrived.clear()
    await cancel(api, booking, patient)
    await office.work()
    await office.work()
    assert sorted(office.email.kinds) == ["cancellation", "staff_notice"]
    assert {one.letter.text[-9:] for one in office.email.arrived} >= {"cancelled"}


async def test_two_moves_make_one_message(api: Api, office: Office) -> None:
    patient, booking = await booked(api)
    await office.work()
    office.email.arrived.clear()
    doctor = {"id": booking["doctor"]["id"]}
    for slot in await api.slots(doctor, 2, start=FAR + timedelta(hours=2)):
        answer = await api.post(
            f"/v1/bookings/{booking['id']}/reschedule", {"time_slot_id": slot["id"]}, patient
        )
        assert answer.status_code == 200, answer.text
    await office.work()
    assert sorted(office.email.kinds) == ["change", "staff_notice"]
    assert {one.letter.text.split(" ")[2] for one in office.email.arrived} == {"3"}


async def test_what_a_patient_cannot_get_goes_another_way(api: Api, office: Office) -> None:
    slot = await api.slot(start=FAR)
    patient = await reachable(api, email=None)
    await api.book(slot, patient)
    await office.work()
    assert office.sms is not None
    assert (office.email.kinds, office.sms.kinds) == ([], ["confirmation"])
    assert ("confirmation", "email", 0, "skipped", Skipped.NO_ADDRESS) in await office.told()


async def test_a_patient_without_any_address_is_left_alone(api: Api, office: Office) -> None:
    slot = await api.slot(start=FAR)
    patient = await reachable(api, email=None, phone=None)
    await api.book(slot, patient)
    await office.work()
    reasons = {row[4] for row in await office.told() if row[0] == "confirmation"}
    assert reasons == {Skipped.NO_ADDRESS}


async def test_the_address_is_that_of_the_moment(api: Api, office: Office) -> None:
    patient, _ = await booked(api)
    await office.plan()
    async with office.database.driver_transaction() as connection:
        new = "UPDATE patients SET email = 'new@example.com' WHERE id = $1"
        await connection.execute(new, patient.patient_id)
    await office.work()
    addresses = {one.letter.to.address for one in office.email.arrived}
    assert addresses == {"new@example.com", "desk@example.com"}


async def test_a_refused_number_is_not_tried_again_and_a_mail_goes(
    api: Api, office: Office
) -> None:
    async def landline(_: object) -> None:
        raise NotSentError(Fault.RECIPIENT, "21614")

    await booked(api)
    await office.work()
    assert office.sms is not None
    office.sms.on_answer = landline
    office.clock.shift = FAR - timedelta(hours=23) - datetime.now(UTC)
    await office.work()
    assert "reminder" in office.email.kinds
    told = [row for row in await office.told() if row[0] == "reminder" and row[2] == 1440]
    assert [row[3:] for row in told] == [("sent", None), ("failed", "recipient")]
    tried = len(office.sms.arrived)
    office.clock.shift = FAR - timedelta(minutes=90) - datetime.now(UTC)
    await office.work()
    await office.work()
    assert len(office.sms.arrived) == tried
    assert office.email.kinds.count("reminder") == 2


async def test_a_provider_that_is_away_is_asked_again_later(api: Api, office: Office) -> None:
    async def away(_: object) -> None:
        raise NotSentError(Fault.TEMPORARY, "503", again_after=timedelta(seconds=50))

    await booked(api)
    office.email.on_open = away
    await office.work()
    office.clock.shift = timedelta(seconds=40)
    office.email.on_open = nothing
    await office.work()
    assert office.email.kinds == []
    office.clock.shift = timedelta(seconds=60)
    await office.work()
    assert sorted(office.email.kinds) == ["confirmation", "staff_notice"]


@pytest.mark.parametrize("is_taken", [True, False])
async def test_an_answer_that_is_lost_leads_to_one_repeat(
    api: Api, office: Office, *, is_taken: bool
) -> None:
    async def lost(_: object) -> None:
        raise OutcomeUnknownError("timeout")

    await booked(api)
    office.email.on_answer = lost
    for _ in range(5):
        await office.work()
        async with office.database.driver_transaction() as connection:
            await connection.execute(
                "UPDATE message_ledger SET lease_until = now() - interval '1 s'"
                " WHERE lease_until IS NOT NULL"
            )
        if is_taken:
            office.email.on_answer = nothing
            is_taken = False
    assert office.email.kinds.count("confirmation") == 2
    states = {row["state"]: row["began"] for row in await office.rows() if row["began"]}
    assert states in ({"sent": 2}, {"failed": 2})


async def test_a_mistake_of_ours_is_given_up_in_the_end(api: Api, office: Office) -> None:
    async def broken(_: object) -> None:
        raise ZeroDivisionError

    await booked(api)
    office.email.on_open = broken
    for _ in range(8):
        await office.work()
        office.clock.shift += timedelta(minutes=30)
    told = [row for row in await office.told() if row[0] == "confirmation"]
    assert told == [("confirmation", "email", 0, "failed", "program_error")]


async def test_everything_that_will_take_place_can_be_planned_anew(
    api: Api, office: Office
) -> None:
    await booked(api)
    await office.plan()
    before = await office.rows()
    async with office.database.driver_transaction() as connection:
        await connection.execute("DELETE FROM message_ledger WHERE kind = 'reminder'")
    assert await office.planner.plan_all() == 1
    assert await office.rows() == before
    assert await office.planner.plan_all() == 1
    assert await office.rows() == before


async def test_patients_are_told_where_they_can_move_or_cancel_and_the_clinic_is_not(
    api: Api, office: Office
) -> None:
    office = Office(
        office.database,
        email=office.email,
        sms=office.sms,
        writer=TemplateWriter(),
        manage_url="https://www.example.com/bookings/{}".format,
    )
    _, booking = await booked(api)
    await office.work()
    link = f"https://www.example.com/bookings/{booking['id']}"
    by_address = {one.letter.to.address: one.letter for one in office.email.arrived}
    assert link in by_address[MAIL].text
    assert link in by_address[MAIL].html
    assert "https://" not in by_address["desk@example.com"].text
    office.clock.shift = FAR - timedelta(hours=23) - datetime.now(UTC)
    await office.work()
    assert [link in one.letter.text for one in office.sms.arrived] == [True]
