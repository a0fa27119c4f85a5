"""Paying by the link of a message: a look begins nothing, a POST begins one payment."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from booking_system.payments.adapters.result_links import PayLinks, ResultLinks
from tests.api import NOTHING, Api
from tests.payments.test_payments_http import DEPOSIT, Counter, Made

BOOKING = UUID(int=7)
FORM = re.compile(r'<form method="post" action="([^"]+)">')


def path_of(api: Api, booking: Made) -> str:
    link: str = api.container.payments.pay_links().link(UUID(booking["id"]))
    return "/pay/" + link.rpartition("/")[2]


async def attempts(api: Api) -> int:
    async with api.container.database().reading() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM payments")
    return count


async def test_a_look_begins_nothing_and_a_post_begins_one_payment(api: Api) -> None:
    counter, patient = await Counter.open(api, deposit=DEPOSIT), await api.patient()
    booking = await counter.book(patient)
    path = path_of(api, booking)
    for method in ("GET", "HEAD", "GET"):
        page = await api.send(method, path)
        assert page.status_code == 200
    assert "€15.00" in page.text
    assert "Example Clinic" in page.text
    assert "Example Patient" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert await attempts(api) == 0
    (action,) = FORM.findall(page.text)
    assert action == f"{path}/sandbox"

    went = [await api.post(action) for _ in range(2)]

    assert [one.status_code for one in went] == [303, 303]
    assert went[0].headers["location"] == went[1].headers["location"]
    assert await attempts(api) == 1
    (payment,) = (await api.get(f"/v1/bookings/{booking['id']}/payments", patient)).json()["items"]
    assert went[0].headers["location"].endswith(payment["id"])
    await counter.play(payment, "pay")
    assert await counter.booked(booking, patient) == ("confirmed", "partially_paid")
    # The rest may be paid the same way.
    assert "€35.00" in (await api.get(path)).text


async def test_what_needs_no_money_any_more_takes_none(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    path = path_of(api, booking)
    await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, patient)
    answer = await api.post(f"{path}/sandbox")
    assert answer.status_code == 200
    assert "was cancelled" in answer.text
    assert "<form" not in (await api.get(path)).text
    assert await attempts(api) == 0


async def test_the_time_to_pay_ends_by_itself(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    await counter.time_goes_by(booking, timedelta(minutes=31))
    path = path_of(api, booking)
    assert "<form" not in (await api.get(path)).text
    assert (await api.post(f"{path}/sandbox")).status_code == 200
    assert await attempts(api) == 0


async def test_a_patient_reads_their_language_and_the_clinics_time(api: Api) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    async with api.container.database().driver_transaction() as connection:
        whose = UUID(booking["patient"]["id"])
        await connection.execute("UPDATE patients SET locale = 'de-AT' WHERE id = $1", whose)
    page = (await api.get(path_of(api, booking))).text
    assert '<html lang="de">' in page
    assert "50,00" in page
    assert "Mitteleuropäische" in page


async def test_only_our_links_lead_anywhere_and_only_to_providers_that_are_offered(
    api: Api,
) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    path = path_of(api, booking)
    assert (await api.post(f"{path}/stripe")).status_code == 404
    flipped = "A" if path[-5] != "A" else "B"
    for wrong in (f"{path[:-5]}{flipped}{path[-4:]}", "/pay/x", f"/pay/{'A' * 43}"):
        assert (await api.get(wrong)).status_code == 404, wrong
        assert (await api.post(f"{wrong}/sandbox")).status_code == 404, wrong
    # To look what became of a payment is less than to begin one.
    result = api.container.payments.links().link(UUID(booking["id"])).rpartition("/")[2]
    assert (await api.get(f"/pay/{result}")).status_code == 404
    assert await attempts(api) == 0


@pytest.mark.parametrize("kind", [PayLinks, ResultLinks])
def test_a_link_is_read_with_and_without_the_sign_at_its_end(
    kind: type[PayLinks | ResultLinks],
) -> None:
    links = kind(keys=NOTHING.keyring(), public_url="https://booking.example.com")
    token = links.link(BOOKING).rpartition("/")[2]
    assert "=" not in token
    assert links.appointment_of(token) == links.appointment_of(f"{token}=") == BOOKING
