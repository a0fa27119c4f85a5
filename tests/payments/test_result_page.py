"""What a payer reads who comes back, in the patient's language, else the clinic's."""

from itertools import product
from uuid import UUID

import pytest

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.payments.adapters.result_page import WORDS, Outcome, outcome_of, page_of_result
from booking_system.payments.adapters.spoken import LANGUAGES
from tests.api import Api
from tests.payments.test_payments_http import Counter

STANDS = list(product(AppointmentStatus, PaymentStatus))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_outcome_has_its_words_and_is_reached(language: str) -> None:
    assert WORDS[language].keys() == set(Outcome) == {outcome_of(*stands) for stands in STANDS}
    assert len(set(WORDS[language].values())) == len(Outcome)


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_what_is_waited_for_comes_again_by_itself(language: str) -> None:
    for status, payment in STANDS:
        page = page_of_result(status, payment, language)
        assert f'<html lang="{language}">' in page
        waits = status is AppointmentStatus.PENDING_PAYMENT
        assert ('http-equiv="refresh"' in page) is waits


@pytest.mark.parametrize(
    ("patients", "clinics", "said"),
    [
        ("de-AT", "en", "Wir prüfen Ihre Zahlung"),
        (None, "de", "Wir prüfen Ihre Zahlung"),
        ("fr", "de", "We are checking your payment"),
    ],
)
async def test_a_payer_reads_the_patients_language(
    api: Api, patients: str | None, clinics: str, said: str
) -> None:
    counter, patient = await Counter.open(api), await api.patient()
    booking = await counter.book(patient)
    async with api.container.database().driver_transaction() as connection:
        for table, row, locale in (
            ("patients", booking["patient"]["id"], patients),
            ("clinics", counter.clinic["id"], clinics),
        ):
            statement = f"UPDATE {table} SET locale = $2 WHERE id = $1"
            await connection.execute(statement, UUID(row), locale)
    link = api.container.payments.links().link(UUID(booking["id"]))

    page = await api.get(f"/payment{link.partition('/payment')[2]}")

    assert f"<h1>{said}</h1>" in page.text
