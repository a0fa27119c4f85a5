"""A payer's whole way over HTTP, with the sandbox: the booking and its money never drift apart."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from booking_system.payments.adapters.sandbox.page import CHECKOUT
from booking_system.platform.postgres.feed import Relay
from tests.api import ZONE, Api, Person, code_of

PRICE = {"amount": 5000, "currency": "EUR"}
DEPOSIT = {"amount": 1500, "currency": "EUR"}
Made = dict[str, Any]


class Counter:
    """A clinic where a service has to be paid for first, and what happens behind the requests."""

    def __init__(self, api: Api, clinic: Made, service: Made, slots: list[Made]) -> None:
        self.api, self.clinic, self.service, self.slots = api, clinic, service, slots

    @classmethod
    async def open(cls, api: Api, policy: Made | None = None, **terms: Any) -> "Counter":
        clinic = await api.clinic(policy=policy or {})
        doctor = await api.doctor(clinic)
        about = {"price": PRICE, "payment": "required", "duration_minutes": 30} | terms
        service = await api.service(clinic, doctor_ids=[doctor["id"]], **about)
        return cls(api, clinic, service, await api.slots(doctor, 3))

    async def book(self, by: Person, slot: int = 0) -> Made:
        answer = await self.api.book(self.slots[slot], by, service_id=self.service["id"])
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def begin(self, booking: Made, by: Person) -> Made:
        path = f"/v1/bookings/{booking['id']}/payments"
        return await self.api.made(path, {"provider": "sandbox"}, by)

    async def play(self, payment: Made, deed: str) -> str:
        """What a payer or a bank does on the provider's side, and then a worker."""
        reference = f"sandbox_{payment['id']}"
        answer = await self.api.post(f"{CHECKOUT}/{reference}/{deed}", None)
        assert answer.status_code == 200, answer.text
        await self.work()
        return answer.text

    async def work(self) -> None:
        container = self.api.container
        await Relay(database=container.database()).once()
        await container.payments.consumer().once()
        await container.payments.job().once()

    async def booked(self, booking: Made, by: Person) -> tuple[str, str]:
        shown = (await self.api.get(f"/v1/bookings/{booking['id']}", by)).json()
        return shown["status"], shown["payment_status"]

    async def paid(self, payment: Made, by: Person) -> Made:
        return dict((await self.api.get(f"/v1/payments/{payment['id']}", by)).json())

    async def time_goes_by(self, booking: Made, by: timedelta = timedelta(minutes=39)) -> None:
        async with self.api.container.database().driver_transaction() as connection:
            for statement in (
                "UPDATE appointments SET pay_by = pay_by - $2::interval WHERE id = $1",
                "UPDATE time_slots SET held_until = held_until - $2::interval WHERE hold_id = $1",
            ):
                await connection.execute(statement, UUID(booking["id"]), by)


async def test_what_is_paid_is_confirmed_and_has_a_receipt(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)

    payment = await counter.begin(booking, patient)

    assert (payment["status"], payment["amount"]) == ("pending", PRICE)
    again = await counter.begin(booking, patient)
    assert again["id"] == payment["id"], "one live payment"
    assert "Waiting for you to pay" in (await api.get(_path(payment))).text
    page = await counter.play(payment, "pay")
    assert "Paid." in page
    assert await counter.booked(booking, patient) == ("confirmed", "paid")
    shown = await counter.paid(payment, patient)
    assert (shown["status"], shown["checkout_url"]) == ("succeeded", None)
    receipts = (await api.get(f"/v1/payments/{payment['id']}/receipts", patient)).json()["items"]
    assert [(one["kind"], one["amount"]) for one in receipts] == [("receipt", PRICE)]
    assert re.fullmatch(r"\d{4}-000001", receipts[0]["number"])
    more = await api.post(
        f"/v1/bookings/{booking['id']}/payments", {"provider": "sandbox"}, patient
    )
    assert code_of(more) == (409, "payment_already_made")


async def test_a_declined_card_leaves_it_open_for_another(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)

    page = await counter.play(payment, "decline")

    assert "declined" in page
    assert await counter.booked(booking, patient) == ("pending_payment", "unpaid")
    await counter.play(payment, "pay")
    assert await counter.booked(booking, patient) == ("confirmed", "paid")


async def test_who_pays_twice_gets_the_second_back(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    await counter.play(payment, "pay")

    await counter.play(payment, "pay_again")

    shown = await counter.paid(payment, patient)
    assert [(one["amount"], one["state"]) for one in shown["refunds"]] == [(PRICE, "settled")]
    assert await counter.booked(booking, patient) == ("confirmed", "paid")


async def test_late_money_goes_back_where_the_time_is_gone(api: Api) -> None:
    counter, patient, rival = await Counter.open(api), await api.patient(), await api.patient()
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    await counter.play(payment, "end")
    await counter.time_goes_by(booking)
    await api.container.booking.expire_unpaid()()
    await counter.book(rival)

    await counter.play(payment, "pay_late")

    assert await counter.booked(booking, patient) == ("expired", "refunded")
    result = api.container.payments.links().link(UUID(booking["id"])).partition("/payment")[2]
    page = await api.get(f"/payment{result}")
    assert "Not paid in time" in page.text


async def test_a_deposit_confirms_and_the_rest_is_paid_at_the_desk(api: Api) -> None:
    counter, patient = await Counter.open(api, deposit=DEPOSIT), await api.patient()
    desk = await api.receptionist(counter.clinic["id"])
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    assert payment["amount"] == DEPOSIT
    await counter.play(payment, "pay")
    assert await counter.booked(booking, patient) == ("confirmed", "partially_paid")

    path = f"/v1/bookings/{booking['id']}/desk-payments"
    taken = await api.made(path, {"method": "terminal"}, desk)

    assert (taken["provider"], taken["amount"]["amount"]) == ("desk", 3500)
    assert await counter.booked(booking, patient) == ("confirmed", "paid")
    today = datetime.fromisoformat(taken["created_at"]).astimezone(ZoneInfo(ZONE)).date()
    path = f"/v1/clinics/{counter.clinic['id']}/payment-totals"
    totals = await api.get(path, desk, date=today.isoformat())
    assert sum(one["amount"] for one in totals.json()["sums"]) == PRICE["amount"]
    assert (await api.get(path, desk)).json() == totals.json(), "today is the default"


@pytest.mark.parametrize("terms", ["required", "optional"])
async def test_a_late_cancellation_costs_what_the_terms_of_that_day_say(
    api: Api, terms: str
) -> None:
    policy = {"late_cancel_minutes": 525_600, "late_cancel_percent": 40}
    counter, patient = await Counter.open(api, policy, payment=terms), await api.patient()
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    await counter.play(payment, "pay")
    admin = await api.clinic_admin(counter.clinic["id"])
    later = {"policy": {"late_cancel_percent": 100}}
    path = f"/v1/clinics/{counter.clinic['id']}"
    assert (await api.send("PATCH", path, by=admin, json=later)).status_code == 200

    await api.post(f"/v1/bookings/{booking['id']}/cancel", None, patient)
    await counter.work()

    shown = await counter.paid(payment, patient)
    assert [(one["amount"]["amount"], one["state"]) for one in shown["refunds"]] == [
        (3000, "settled")
    ]
    assert await counter.booked(booking, patient) == ("cancelled", "partially_refunded")


async def test_the_clinic_cancels_and_all_goes_back(api: Api) -> None:
    counter, patient = await Counter.open(api, {"late_cancel_percent": 100}), await api.patient()
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    await counter.play(payment, "pay")
    desk = await api.receptionist(counter.clinic["id"])

    await api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, desk)
    await counter.work()

    assert await counter.booked(booking, patient) == ("cancelled", "refunded")
    assert (await counter.paid(payment, patient))["status"] == "refunded"


async def test_a_refund_by_staff_is_made_once_for_a_key(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    desk = await api.receptionist(counter.clinic["id"])
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    await counter.play(payment, "pay")
    path, body = f"/v1/payments/{payment['id']}/refunds", {"amount": 2000, "reason": "Late start"}
    headers = {"Idempotency-Key": "refund-once"}

    answers = [await api.send("POST", path, by=desk, json=body, headers=headers) for _ in range(3)]
    await counter.work()

    assert [one.status_code for one in answers] == [201, 201, 201]
    assert [one.headers.get("idempotent-replayed") for one in answers] == [None, "true", "true"]
    shown = await counter.paid(payment, desk)
    assert [one["amount"]["amount"] for one in shown["refunds"]] == [2000]
    assert shown["refunds"][0]["note"] == "Late start"
    assert (await counter.paid(payment, patient))["refunds"][0]["note"] is None
    over = await api.post(path, {"amount": 3001}, desk)
    assert code_of(over) == (409, "refund_exceeds_payment")


async def test_a_hook_believes_nobody_without_a_signature(api: Api) -> None:
    for provider in ("stripe", "paypal"):
        answer = await api.post(f"/v1/payment-webhooks/{provider}", {"id": "evt_1"})
        assert code_of(answer) == (404, "not_found"), "no account is set up"


def _path(payment: Made) -> str:
    return str(payment["checkout_url"]).partition("://")[2].partition("/")[2].join(("/", ""))
