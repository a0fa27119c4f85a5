"""What is refused about payments, each with a code that says why."""

from pathlib import Path

from tests.api import Api, code_of
from tests.payments.test_payments_http import Counter
from tests.payments.test_whole_way import begun, stripe, told

NOT_REQUIRED = (422, "payment_not_required")
NOT_ACTIVE = (409, "booking_not_active")
SANDBOX, CASH = {"provider": "sandbox"}, {"method": "cash"}


async def test_where_nothing_is_due_nothing_is_taken(api: Api) -> None:
    counter, patient = await Counter.open(api, price=None, payment="none"), await api.patient()
    desk = await api.receptionist(counter.clinic["id"])
    path = f"/v1/bookings/{(await counter.book(patient))['id']}"

    assert code_of(await api.post(f"{path}/payments", SANDBOX, patient)) == NOT_REQUIRED
    assert code_of(await api.post(f"{path}/desk-payments", CASH, desk)) == NOT_REQUIRED


async def test_what_does_not_take_place_is_not_paid(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    desk = await api.receptionist(counter.clinic["id"])
    path = f"/v1/bookings/{(await counter.book(patient))['id']}"
    await api.post(f"{path}/cancel", None, patient)

    assert code_of(await api.post(f"{path}/payments", SANDBOX, patient)) == NOT_ACTIVE
    assert code_of(await api.post(f"{path}/desk-payments", CASH, desk)) == NOT_ACTIVE


async def test_the_desk_takes_no_more_than_is_owed(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    desk = await api.receptionist(counter.clinic["id"])
    path = f"/v1/bookings/{(await counter.book(patient))['id']}/desk-payments"
    over = await api.post(path, CASH | {"amount": 5001}, desk)
    assert code_of(over) == (422, "validation_error")
    await api.made(path, CASH | {"amount": 5000}, desk)

    assert code_of(await api.post(path, CASH, desk)) == (409, "payment_already_made")


async def test_a_day_that_never_was_has_no_totals(api: Api) -> None:
    clinic = await api.clinic(time_zone="Pacific/Apia")
    desk = await api.receptionist(clinic["id"])
    path = f"/v1/clinics/{clinic['id']}/payment-totals"

    skipped = await api.get(path, desk, date="2011-12-30")

    assert code_of(skipped) == (422, "nonexistent_local_time")
    assert (await api.get(path, desk, date="2011-12-31")).status_code == 200


async def test_one_payment_is_ended_before_the_next_and_disputed_money_is_not_given_back(
    database_url: str, tmp_path: Path
) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        booking, payment = await begun(counter, "stripe")
        desk = await api.receptionist(counter.clinic["id"])
        path = f"/v1/bookings/{booking['id']}/payments"
        (session,) = emulator.sessions
        emulator.pay(session)

        other = await api.post(path, SANDBOX, booking["by"])

        assert code_of(other) == (409, "payment_in_progress")
        await counter.work()
        assert await counter.booked(booking, booking["by"]) == ("confirmed", "paid")
        emulator.dispute(session)
        for delivery in emulator.events():
            assert (await told(api, "stripe", delivery)).status_code == 200
        await counter.work()
        refund = await api.post(f"/v1/payments/{payment['id']}/refunds", {"amount": 100}, desk)
        assert code_of(refund) == (409, "payment_disputed")
        assert not emulator.refunds
