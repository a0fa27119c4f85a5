"""What a confirmation page shows of a booking's money, in the call that reads the booking."""

from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest

from booking_system.booking.adapters.expanded import Expandable, expanded
from booking_system.booking.application.expanding import ShowAround
from booking_system.booking.application.expanding_ports import NoMoney
from booking_system.payments.adapters.around_bookings import MoneyOfBookings
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.errors import Unavailable
from tests.api import Api, Person, code_of
from tests.payments.test_payments_http import DEPOSIT, PRICE, Counter, Made

REST = {"amount": 3500, "currency": "EUR"}


async def money(api: Api, booking: Made, by: Person) -> Made:
    answer = await api.get(f"/v1/bookings/{booking['id']}", by, expand="payment")
    assert answer.status_code == 200, answer.text
    assert answer.json()["expanded"].keys() == {"payment"}
    return dict(answer.json()["expanded"]["payment"])


async def test_a_page_shows_what_is_to_be_paid_until_when_and_where(api: Api) -> None:
    counter, patient = await Counter.open(api, deposit=DEPOSIT), await api.patient()
    body = {"time_slot_id": counter.slots[0]["id"], "service_id": counter.service["id"]}
    made = await api.post("/v1/bookings", body, patient, params={"expand": "payment"})
    assert code_of(made) == (201, None)
    booking = made.json()
    new = booking["expanded"]["payment"]
    assert (new["due_now"], new["latest"]) == (DEPOSIT, None)
    assert booking["created_at"] < new["pay_until"] < booking["expires_at"]

    payment = await counter.begin(booking, patient)
    pending = await money(api, booking, patient)
    assert (pending["due_now"], pending["pay_until"]) == (DEPOSIT, new["pay_until"])
    alike = ("id", "provider", "status", "amount", "amount_refunded", "checkout_url", "expires_at")
    assert pending["latest"] == {name: payment[name] for name in alike}
    assert pending["latest"]["checkout_url"].startswith("http")
    assert pending["latest"]["expires_at"] == new["pay_until"]

    await counter.play(payment, "pay")
    paid = await money(api, booking, patient)
    assert (paid["due_now"], paid["pay_until"]) == (REST, None)
    assert (paid["latest"]["id"], paid["latest"]["status"]) == (payment["id"], "succeeded")
    assert (paid["latest"]["checkout_url"], paid["latest"]["expires_at"]) == (None, None)

    # A payment that is under way counts, although another was made before.
    rest = await counter.begin(booking, patient)
    second = await money(api, booking, patient)
    assert (second["latest"]["id"], second["latest"]["amount"]) == (rest["id"], REST)
    await counter.play(rest, "pay")
    assert (await money(api, booking, patient))["due_now"] is None


async def test_what_went_back_is_said_in_minor_units(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    desk = await api.receptionist(counter.clinic["id"])
    booking = await counter.book(patient)
    payment = await counter.begin(booking, patient)
    await counter.play(payment, "pay")
    await api.made(f"/v1/payments/{payment['id']}/refunds", {"amount": 1200}, desk)
    await counter.work()
    for by in (patient, desk):
        latest = (await money(api, booking, by))["latest"]
        assert (latest["status"], latest["amount"]) == ("partially_refunded", PRICE)
        assert latest["amount_refunded"] == 1200


async def test_nothing_is_due_of_what_is_cancelled_or_ran_out_of_time(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    cancelled, expired = await counter.book(patient), await counter.book(patient, 1)
    await api.post(f"/v1/bookings/{cancelled['id']}/cancel", None, patient)
    await counter.time_goes_by(expired)
    for booking in (cancelled, expired):
        shown = await money(api, booking, patient)
        assert shown == {"due_now": None, "pay_until": None, "latest": None}


async def test_nobody_is_shown_money_of_a_booking_that_they_do_not_see(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    await counter.begin(booking, patient)

    async def never(*_: Any) -> None:
        raise AssertionError("nobody may see it")

    monkeypatch.setattr(MoneyOfBookings, "__call__", never)
    elsewhere = await api.clinic()
    for stranger in (await api.patient(), await api.receptionist(elsewhere["id"])):
        one = f"/v1/bookings/{booking['id']}"
        refused = await api.send("GET", one, stranger, params={"expand": "payment"})
        assert code_of(refused) == (404, "not_found")
        assert (await api.get(f"{one}/payments", stranger)).status_code == 404
    # Nor is it read where nobody asks for it.
    shown = await api.get(f"/v1/bookings/{booking['id']}", patient, expand="clinic")
    assert shown.json()["expanded"].keys() == {"clinic"}


async def test_many_tries_cost_no_more_statements(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    asked: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval"):
        original = getattr(Statement, name)

        async def counted(self: Statement, *given: Any, _as: Any = original, **about: Any) -> Any:
            asked.append(self.text)
            return await _as(self, *given, **about)

        monkeypatch.setattr(Statement, name, counted)

    async def read() -> int:
        asked.clear()
        await money(api, booking, patient)
        return sum("FROM payment" in text for text in asked)

    bare = await read()
    for _ in range(3):
        await counter.play(await counter.begin(booking, patient), "end")
    listed = await api.get(f"/v1/bookings/{booking['id']}/payments", patient)
    assert len(listed.json()["items"]) == 3
    assert await read() == bare == 4


async def test_a_booking_that_is_made_is_told_of_although_its_money_cannot_be_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, patient = await Counter.open(api), await api.patient()

    async def fails(*_: Any) -> None:
        raise Unavailable(retry_after=1)

    monkeypatch.setattr(MoneyOfBookings, "__call__", fails)
    body = {"time_slot_id": counter.slots[0]["id"], "service_id": counter.service["id"]}
    booked = await api.post("/v1/bookings", body, patient, params={"expand": "payment"})
    assert code_of(booked) == (201, None)
    assert "expanded" not in booked.json()


async def test_without_payments_there_is_none() -> None:
    class Nothing:
        async def around(self, *_: Any) -> Any:
            raise AssertionError("nobody asked for it")

    show = ShowAround(reader=Nothing(), money=NoMoney())
    one: Any = Mock(id=uuid4())
    assert await expanded(show, one, [Expandable.PAYMENT]) == {"payment": None}
