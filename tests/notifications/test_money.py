"""From a booking that waits for money to all that is said of it, with the sandbox."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from booking_system.notifications.adapters.planner import Planner
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.letter import Email
from booking_system.notifications.domain.planning import MONEY_MAY_COME, TIME_TO_PAY, Skipped
from booking_system.payments.adapters.providers.sandbox_checkout import SandboxCheckout
from tests.api import Api, Person
from tests.notifications.conftest import reachable
from tests.notifications.office import Carrier, Office
from tests.payments.test_payments_http import DEPOSIT, Counter, Made
from tests.payments.test_whole_way import begun, stripe, told

DESK = "desk@example.com"
SOON = TIME_TO_PAY + timedelta(minutes=1)
LATER = timedelta(minutes=40)
LEDGER = """SELECT kind, channel, state, reason, recipient_key, due_at FROM message_ledger
 ORDER BY planned_at, kind, channel"""
NO_NIGHT = """INSERT INTO notification_preferences
 (patient_id, email, sms, reminders, quiet_from, quiet_until, version, updated_at)
 VALUES ($1, true, true, true, 0, 0, 1, now())"""


class Scene:
    """A counter, a patient who can be reached, and the office that writes to them."""

    def __init__(self, counter: Counter, office: Office, patient: Person) -> None:
        self.counter, self.office, self.patient = counter, office, patient

    @classmethod
    async def open(
        cls, api: Api, office: Office, policy: Made | None = None, **terms: Any
    ) -> "Scene":
        counter = await Counter.open(api, policy, **terms)
        patient = await reachable(api)
        made = cls(counter, office, patient)
        await made.sql(
            "UPDATE clinics SET email = $2 WHERE id = $1", UUID(counter.clinic["id"]), DESK
        )
        # What is about hours of the day has tests of its own.
        await made.sql(NO_NIGHT, patient.patient_id)
        return made

    async def sql(self, text: str, *values: object) -> list[Any]:
        async with self.office.database.driver_transaction() as connection:
            rows: list[Any] = await connection.fetch(text, *values)
        return rows

    async def told(self, after: timedelta = timedelta(0)) -> list[str]:
        """Bring what is due so much later; return what was brought since, in order."""
        self.office.clock.shift = after
        known = [*self.office.email.arrived, *self.office.sms.arrived]
        await self.office.work()
        await self.office.work()
        now = [*self.office.email.arrived, *self.office.sms.arrived]
        return sorted(one.kind for one in now if one not in known)

    async def rows(self, kind: str) -> list[tuple[str, str | None]]:
        rows = await self.sql(LEDGER)
        return [(row["state"], row["reason"]) for row in rows if row["kind"] == kind]

    async def booked(self, slot: int = 0) -> Made:
        return await self.counter.book(self.patient, slot)

    async def paid(self, slot: int = 0) -> tuple[Made, Made]:
        booking = await self.booked(slot)
        payment = await self.counter.begin(booking, self.patient)
        await self.counter.play(payment, "pay")
        return booking, payment

    async def expired(self, booking: Made, payment: Made | None) -> None:
        if payment is not None:
            await self.counter.play(payment, "end")
        await self.counter.time_goes_by(booking)
        await self.counter.api.container.booking.expire_unpaid()()


async def test_who_does_not_pay_at_once_is_asked_to_once(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    await scene.booked()
    assert await scene.told() == []
    assert await scene.told(SOON) == ["payment_request"]
    assert await scene.told(SOON) == []
    # Half an hour is too short for a reminder, and the ledger says so.
    assert await scene.rows("payment_reminder") == [("skipped", Skipped.WINDOW_TOO_SHORT)]
    assert await scene.told(LATER) == []


async def test_who_pays_within_seconds_gets_one_message_the_confirmation(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office)
    await scene.paid()
    assert await scene.told() == ["confirmation", "staff_notice"]
    assert await scene.told(SOON) == []
    assert await scene.told(LATER) == []
    assert await scene.rows("payment_receipt") == [("skipped", Skipped.TOLD_WITH_CONFIRMATION)]


async def test_what_was_planned_to_ask_for_money_is_withdrawn_when_it_comes(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office, {"payment_minutes": 240})
    booking = await scene.booked()
    await scene.told()
    assert await scene.rows("payment_request") == [("planned", None)]
    assert await scene.rows("payment_reminder") == [("planned", None)]
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(payment, "pay")
    assert await scene.told(SOON) == ["confirmation", "staff_notice"]
    for kind in ("payment_request", "payment_reminder"):
        assert await scene.rows(kind) == [("withdrawn", "superseded")]


@pytest.mark.parametrize("plans_first", [True, False])
async def test_the_gate_knows_of_money_that_the_planner_has_not_heard_of(
    api: Api, office: Office, plans_first: bool
) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    await scene.told()
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(payment, "pay")
    office.clock.shift = SOON
    if plans_first:
        await office.plan()
    await office.job.once()
    assert "payment_request" not in office.email.kinds
    assert await scene.rows("payment_request") == [("withdrawn", "superseded")]


async def test_nobody_is_asked_for_what_their_bank_is_sending(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(payment, "begin")
    assert await scene.told(SOON) == []
    assert await scene.rows("payment_request") == [("planned", None)]
    await scene.counter.play(payment, "settle")
    assert await scene.told(SOON + timedelta(minutes=1)) == ["confirmation", "staff_notice"]


async def test_a_payment_that_failed_is_asked_for_after_all(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(payment, "begin")
    assert await scene.told(SOON) == []
    await scene.counter.play(payment, "fail")
    assert await scene.told(SOON + timedelta(minutes=1)) == ["payment_request"]


async def test_a_cancelled_booking_asks_for_nothing(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    await scene.told()
    answer = await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, scene.patient)
    assert answer.status_code == 200, answer.text
    assert "payment_request" not in await scene.told(SOON)
    assert await scene.rows("payment_request") == [("withdrawn", "superseded")]


async def test_a_long_time_to_pay_has_one_reminder(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office, {"payment_minutes": 120})
    await scene.booked()
    assert await scene.told(SOON) == ["payment_request"]
    assert await scene.told(timedelta(minutes=85)) == []
    assert await scene.told(timedelta(minutes=95)) == ["payment_reminder"]
    assert await scene.told(timedelta(minutes=119)) == []


async def test_an_outage_asks_nobody_for_money_whose_time_is_over(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office, {"payment_minutes": 120})
    await scene.booked()
    await office.plan()
    # Nothing has tidied up: the appointment still waits, as far as its row says.
    assert await scene.told(timedelta(minutes=121)) == []
    assert await scene.rows("payment_request") == [("skipped", Skipped.TOO_LATE)]


async def test_what_was_not_paid_in_time_is_told_once(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    await scene.expired(await scene.booked(), None)
    assert await scene.told() == []
    # Its appointment is so far away that one way is enough.
    assert await scene.told(MONEY_MAY_COME + timedelta(seconds=1)) == ["payment_expired"]
    assert await scene.told(LATER) == []
    assert await scene.rows("payment_request") == []


async def test_late_money_that_takes_the_time_back_is_a_confirmation(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.expired(booking, payment)
    assert await scene.told() == []
    assert await scene.rows("payment_expired") == [("planned", None)]
    await scene.counter.play(payment, "pay_late")
    assert await scene.counter.booked(booking, scene.patient) == ("confirmed", "paid")
    assert await scene.told(LATER) == ["confirmation", "staff_notice"]
    assert await scene.rows("payment_expired") == [("withdrawn", "superseded")]


@pytest.mark.parametrize("hears_first", [True, False])
async def test_late_money_goes_back_and_its_payer_hears_of_both(
    api: Api, office: Office, hears_first: bool
) -> None:
    scene = await Scene.open(api, office)
    booking = await scene.booked()
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.expired(booking, payment)
    await scene.counter.book(await api.patient())
    if hears_first:
        later = MONEY_MAY_COME + timedelta(seconds=1)
        assert [one for one in await scene.told(later) if "payment" in one] == ["payment_expired"]
    await scene.counter.play(payment, "pay_late")
    assert await scene.counter.booked(booking, scene.patient) == ("expired", "refunded")
    assert await scene.told(LATER) == ["payment_late", "refund"]
    if not hears_first:
        assert await scene.rows("payment_expired") == [("withdrawn", "superseded")]
    assert await scene.rows("payment_receipt") == []


async def test_what_is_paid_later_has_a_receipt_of_its_own(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    booking, _ = await scene.paid()
    assert await scene.told() == ["confirmation", "staff_notice"]
    rest = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(rest, "pay")
    assert await scene.told() == ["payment_receipt"]
    assert await scene.told(LATER) == []


async def test_a_receipt_does_not_wait_for_a_confirmation_that_does_not_go(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office)
    booking, _ = await scene.paid()
    await office.plan()
    # Moved before it was confirmed in words: the change says nothing of money.
    slot = {"time_slot_id": scene.counter.slots[1]["id"]}
    answer = await api.post(f"/v1/bookings/{booking['id']}/reschedule", slot, scene.patient)
    assert answer.status_code == 200, answer.text
    assert "payment_receipt" in await scene.told()
    assert await scene.rows("confirmation") == [("withdrawn", "superseded")]


async def test_a_receipt_outlives_moves_and_marks(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    booking, _ = await scene.paid()
    await scene.told()
    rest = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(rest, "pay")
    await office.plan()
    slot = {"time_slot_id": scene.counter.slots[1]["id"]}
    answer = await api.post(f"/v1/bookings/{booking['id']}/reschedule", slot, scene.patient)
    assert answer.status_code == 200, answer.text
    assert await scene.told() == ["change", "payment_receipt", "staff_notice"]


async def test_a_mark_between_the_writing_and_the_sending_stops_no_receipt(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    booking, _ = await scene.paid()
    await scene.told()
    rest = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(rest, "pay")
    desk = await api.receptionist(scene.counter.clinic["id"])

    async def cancel(_: object) -> None:
        await api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, desk)

    office.email.on_open = cancel
    assert "payment_receipt" in await scene.told()


async def refunds_of(scene: Scene, booking: Made, payment: Made) -> None:
    desk = await scene.counter.api.receptionist(scene.counter.clinic["id"])
    await scene.counter.api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, desk)


async def test_a_refund_is_told_when_it_is_settled_and_once(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await scene.told()
    await refunds_of(scene, booking, payment)
    # Owed and asked for, not yet settled: nothing is said of it.
    assert "refund" not in await scene.told()
    await scene.counter.work()
    assert await scene.told() == ["refund"]
    assert await scene.told(LATER) == []
    assert (await scene.counter.paid(payment, scene.patient))["status"] == "refunded"


async def fail_the_refund(scene: Scene, payment: Made) -> None:
    """The money comes back, days after it was told to be on its way."""
    payments = scene.counter.api.container.payments
    sandbox, reference = payments.sandbox(), f"sandbox_{payment['id']}"

    def fails(one: SandboxCheckout) -> SandboxCheckout:
        return one.refund_failed(one.refunds[-1].id)

    await sandbox.books.change(reference, fails)
    await payments.take_sighting()(UUID(payment["id"]), await sandbox.read(reference))


async def test_a_refund_that_came_back_is_corrected_once_and_the_clinic_hears_of_it(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await refunds_of(scene, booking, payment)
    await scene.counter.work()
    assert "refund" in await scene.told()
    await fail_the_refund(scene, payment)
    assert await scene.told() == ["matter_notice", "refund_failed"]
    assert await scene.told(LATER) == []
    by_kind = {one.kind: one.letter for one in office.email.arrived}
    notice = by_kind["matter_notice"]
    assert isinstance(notice, Email)
    assert notice.to.address == DESK


async def test_a_refund_that_fails_before_it_was_told_is_not_told(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await scene.told()
    await refunds_of(scene, booking, payment)
    await scene.counter.work()
    await office.plan()
    await fail_the_refund(scene, payment)
    assert "refund" not in await scene.told()
    assert await scene.rows("refund") == [("withdrawn", "superseded")]
    assert [one[0] for one in await scene.rows("refund_failed")] == ["sent"]


async def test_a_matter_that_is_seen_to_is_no_news(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await refunds_of(scene, booking, payment)
    await scene.counter.work()
    await scene.told()
    await fail_the_refund(scene, payment)
    await office.plan()
    desk = await api.receptionist(scene.counter.clinic["id"])
    path = f"/v1/clinics/{scene.counter.clinic['id']}/payment-matters"
    (matter,) = (await api.get(path, desk)).json()["items"]
    gone = await api.send("DELETE", f"/v1/payment-matters/{matter['id']}", by=desk)
    assert gone.status_code == 204
    assert await scene.told() == ["refund_failed"]
    assert await scene.rows("matter_notice") == [("withdrawn", "superseded")]


async def test_money_that_is_owed_by_hand_is_a_notice_to_the_clinic(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office, payment="optional")
    desk = await api.receptionist(scene.counter.clinic["id"])
    booking = await scene.booked()
    path = f"/v1/bookings/{booking['id']}/desk-payments"
    await api.made(path, {"method": "cash"}, desk)
    assert "payment_receipt" in await scene.told()
    await api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, desk)
    await scene.counter.work()
    assert "matter_notice" in await scene.told()
    assert await scene.told(LATER) == []


async def test_events_that_come_again_tell_nothing_again(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await refunds_of(scene, booking, payment)
    await scene.counter.work()
    await scene.told()
    await fail_the_refund(scene, payment)
    await scene.told(LATER)
    rows = await scene.sql("SELECT count(*) FROM message_ledger")
    await scene.sql("UPDATE feed_consumers SET seq = 0 WHERE name = 'messages'")
    assert await scene.told(LATER) == []
    assert await scene.sql("SELECT count(*) FROM message_ledger") == rows


async def test_what_is_planned_and_where_the_feed_stands_is_one_transaction(
    api: Api, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await Scene.open(api, office)
    await scene.paid()
    await office.relay.once()
    planned = Planner._plan_for_matters

    async def dies(self: Any, connection: Any, events: Any) -> None:
        await planned(self, connection, events)
        raise KeyboardInterrupt

    monkeypatch.setattr(Planner, "_plan_for_matters", dies)
    with pytest.raises(KeyboardInterrupt):
        await office.consumer.once()
    assert await scene.sql(LEDGER) == []
    monkeypatch.undo()
    assert await scene.told() == ["confirmation", "staff_notice"]


async def test_a_dispute_is_told_to_the_clinic_and_how_it_ends(
    database_url: str, tmp_path: Path
) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        office = Office(api.container.database(), email=Carrier("mail"), sms=Carrier("sms"))
        scene = Scene(counter, office, await api.patient())
        clinic_id = UUID(counter.clinic["id"])
        await scene.sql("UPDATE clinics SET email = $2 WHERE id = $1", clinic_id, DESK)
        await begun(counter, "stripe")
        (session,) = emulator.sessions
        emulator.pay(session)
        emulator.dispute(session)
        for delivery in emulator.events():
            assert (await told(api, "stripe", delivery)).status_code == 200
        await counter.work()
        assert "dispute_notice" in await scene.told()
        assert await scene.told(LATER) == []
        (row,) = [one for one in await scene.sql(LEDGER) if one["kind"] == "dispute_notice"]
        assert row["recipient_key"].endswith(":open")


async def test_the_messages_say_sums_numbers_and_where_to_pay(api: Api, office: Office) -> None:
    office = Office(office.database, email=office.email, sms=office.sms, writer=TemplateWriter())
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    await scene.sql("UPDATE patients SET locale = 'en' WHERE id = $1", scene.patient.patient_id)
    booking = await scene.booked()
    await scene.told(SOON)
    asked = office.email.arrived[-1].letter
    assert isinstance(asked, Email)
    assert asked.unsubscribe_url is None
    assert f"https://example.com/pay/{booking['id']}" in asked.text
    assert "€15.00" in asked.text
    assert "To be paid by: " in asked.text
    assert "Central European" in asked.text
    payment = await scene.counter.begin(booking, scene.patient)
    await scene.counter.play(payment, "pay")
    await scene.told(SOON)
    confirmed = next(
        one.letter for one in office.email.arrived if "Paid: €15.00" in one.letter.text
    )
    for line in ("is confirmed", "Still to pay: €35.00", "-000001", "your payment has arrived"):
        assert line in confirmed.text, line


async def test_a_payment_reminder_is_a_reminder(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office, {"payment_minutes": 120})
    await scene.booked()
    await office.plan()
    await scene.sql("UPDATE notification_preferences SET reminders = false")
    assert await scene.told(SOON) == ["payment_request"]
    assert await scene.told(timedelta(minutes=95)) == []
    assert ("skipped", Skipped.NOT_WANTED) in await scene.rows("payment_reminder")


async def test_the_mail_that_reminds_to_pay_ends_reminders_and_the_first_one_does_not(
    api: Api, office: Office
) -> None:
    scene = await Scene.open(api, office, {"payment_minutes": 120})
    await scene.sql("UPDATE patients SET phone = NULL WHERE id = $1", scene.patient.patient_id)
    await scene.booked()
    await scene.told(SOON)
    await scene.told(timedelta(minutes=95))
    links = {one.kind: one.letter.unsubscribe_url for one in office.email.arrived}
    assert links["payment_request"] is None
    assert links["payment_reminder"] == f"https://example.com/{scene.patient.patient_id}"


@pytest.mark.parametrize("was_told", [True, False])
async def test_only_what_was_told_is_taken_back_in_words(
    api: Api, office: Office, was_told: bool
) -> None:
    office = Office(office.database, email=office.email, sms=office.sms, writer=TemplateWriter())
    scene = await Scene.open(api, office)
    await scene.sql("UPDATE patients SET locale = 'en' WHERE id = $1", scene.patient.patient_id)
    booking, payment = await scene.paid()
    await refunds_of(scene, booking, payment)
    await scene.counter.work()
    if was_told:
        await scene.told()
    await fail_the_refund(scene, payment)
    await scene.told()
    texts = [one.letter.text for one in office.email.arrived]
    assert any("was paid back to you. That was wrong" in text for text in texts) is was_told
    assert any("it did not go through" in text for text in texts) is not was_told


async def test_a_receipt_of_what_does_not_take_place_asks_for_nothing(
    api: Api, office: Office
) -> None:
    office = Office(office.database, email=office.email, sms=office.sms, writer=TemplateWriter())
    scene = await Scene.open(api, office, payment="optional")
    await scene.sql("UPDATE patients SET locale = 'en' WHERE id = $1", scene.patient.patient_id)
    booking = await scene.booked()
    desk = await api.receptionist(scene.counter.clinic["id"])
    path = f"/v1/bookings/{booking['id']}/desk-payments"
    await api.made(path, {"method": "cash", "amount": 1000}, desk)
    await api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, desk)
    await scene.told()
    (receipt,) = [one.letter.text for one in office.email.arrived if "Receipt: " in one.letter.text]
    assert "€10.00" in receipt
    assert "Still to pay" not in receipt


async def test_bookings_show_what_their_messages_are_about(api: Api, office: Office) -> None:
    scene = await Scene.open(api, office)
    booking, payment = await scene.paid()
    await scene.told()
    answer = await api.get(f"/v1/bookings/{booking['id']}/notifications", scene.patient)
    (shown,) = [one for one in answer.json()["items"] if one["kind"] == "payment_receipt"]
    assert (shown["recipient"], shown["about_id"], shown["revision"]) == (
        "patient",
        payment["id"],
        0,
    )
    assert {one["about_id"] for one in answer.json()["items"]} == {None, payment["id"]}
