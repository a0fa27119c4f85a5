"""An SMS is short, cheap, and offers only what can be answered."""

import re
from itertools import product

import pytest

from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.message import Kind
from booking_system.notifications.domain.segments import Alphabet, counted, outside_gsm_7
from booking_system.shared_kernel.money import Money
from tests.notifications.words.samples import (
    ACCOUNT_KINDS,
    LANGUAGES,
    MANAGE,
    a_message,
    an_appointment_message,
    some_money,
)

WRITER = TemplateWriter()
ALL = list(product(Kind, LANGUAGES))
LIMITS = {
    (Kind.CONFIRMATION, "en"): 2,
    (Kind.CONFIRMATION, "de"): 2,
    (Kind.CHANGE, "en"): 2,
    (Kind.CHANGE, "de"): 2,
    (Kind.CANCELLATION, "en"): 2,
    (Kind.CANCELLATION, "de"): 2,
    (Kind.REMINDER, "en"): 2,
    (Kind.REMINDER, "de"): 2,
    (Kind.STAFF_NOTICE, "en"): 1,
    (Kind.STAFF_NOTICE, "de"): 1,
    (Kind.INVITATION, "en"): 1,
    (Kind.INVITATION, "de"): 1,
    (Kind.EMAIL_VERIFICATION, "en"): 1,
    (Kind.EMAIL_VERIFICATION, "de"): 1,
    (Kind.PASSWORD_RESET, "en"): 1,
    (Kind.PASSWORD_RESET, "de"): 1,
    (Kind.PASSWORD_CHANGED, "en"): 2,
    (Kind.PASSWORD_CHANGED, "de"): 2,
    (Kind.CONFIRMED_ANSWER, "en"): 1,
    (Kind.CONFIRMED_ANSWER, "de"): 1,
    (Kind.CANCEL_QUESTION, "en"): 2,
    (Kind.CANCEL_QUESTION, "de"): 2,
    (Kind.WHICH_TO_CONFIRM, "en"): 3,
    (Kind.WHICH_TO_CONFIRM, "de"): 2,
    (Kind.WHICH_TO_CANCEL, "en"): 3,
    (Kind.WHICH_TO_CANCEL, "de"): 2,
    (Kind.TOO_LATE_ANSWER, "en"): 2,
    (Kind.TOO_LATE_ANSWER, "de"): 2,
    (Kind.CHANGED_ANSWER, "en"): 2,
    (Kind.CHANGED_ANSWER, "de"): 2,
    (Kind.HELP_ANSWER, "en"): 1,
    (Kind.HELP_ANSWER, "de"): 1,
    (Kind.UNREAD_ANSWER, "en"): 1,
    (Kind.UNREAD_ANSWER, "de"): 1,
    (Kind.CANCEL_WORD_NOTICE, "en"): 1,
    (Kind.CANCEL_WORD_NOTICE, "de"): 1,
    (Kind.PAYMENT_REQUEST, "en"): 3,
    (Kind.PAYMENT_REQUEST, "de"): 3,
    (Kind.PAYMENT_REMINDER, "en"): 3,
    (Kind.PAYMENT_REMINDER, "de"): 3,
    (Kind.PAYMENT_EXPIRED, "en"): 2,
    (Kind.PAYMENT_EXPIRED, "de"): 2,
    (Kind.PAYMENT_LATE, "en"): 2,
    (Kind.PAYMENT_LATE, "de"): 2,
    (Kind.PAYMENT_RECEIPT, "en"): 1,
    (Kind.PAYMENT_RECEIPT, "de"): 1,
    (Kind.REFUND, "en"): 2,
    (Kind.REFUND, "de"): 2,
    (Kind.REFUND_FAILED, "en"): 2,
    (Kind.REFUND_FAILED, "de"): 2,
    (Kind.DISPUTE_NOTICE, "en"): 1,
    (Kind.DISPUTE_NOTICE, "de"): 1,
    (Kind.MATTER_NOTICE, "en"): 1,
    (Kind.MATTER_NOTICE, "de"): 1,
}
"""Segments, with a link of some sixty characters, and the longest name that a clinic has in one."""
LONG = {"name": "Gemeinschaftspraxis für Allgemeinmedizin am Südtor", "time_zone": "America/Denver"}


@pytest.mark.parametrize(("kind", "locale"), ALL)
def test_a_limit_of_segments(kind: Kind, locale: str) -> None:
    text = WRITER.sms(
        a_message(kind, locale)
        if kind in ACCOUNT_KINDS
        else an_appointment_message(kind, clinic=LONG, recipient_locale=locale, can_reply=True)
    )
    size = counted(text)
    assert size.segments <= LIMITS[kind, locale], (size, text)
    assert size.alphabet is Alphabet.GSM_7, outside_gsm_7(text)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_reminder_without_a_link_takes_one_segment(locale: str) -> None:
    text = WRITER.sms(
        an_appointment_message(
            Kind.REMINDER, recipient_locale=locale, manage_url=None, can_reply=True
        )
    )
    assert counted(text).segments == 1, text


@pytest.mark.parametrize(
    ("locale", "offer"),
    [
        ("en", "Reply C to confirm, X if you cannot come."),
        ("de", "Antworten Sie C: ich komme, X: ich kann nicht kommen."),
    ],
)
def test_an_answer_is_offered_where_it_reaches_us(locale: str, offer: str) -> None:
    def text(kind: Kind, *, can_reply: bool) -> str:
        return WRITER.sms(
            an_appointment_message(kind, recipient_locale=locale, can_reply=can_reply)
        )

    assert offer in text(Kind.REMINDER, can_reply=True)
    assert offer not in text(Kind.REMINDER, can_reply=False)
    assert MANAGE in text(Kind.REMINDER, can_reply=False)
    assert offer not in text(Kind.CONFIRMATION, can_reply=True)


OPT_OUT = re.compile(
    r"\b(cancel|stop|stopall|end|quit|unsubscribe|revoke|opt ?out|yes|start|unstop)\b",
    re.IGNORECASE,
)
"""Words that providers take as an opt-out or an opt-in when somebody answers with them."""


@pytest.mark.parametrize(("kind", "locale"), ALL)
def test_no_word_is_offered_that_providers_take_for_themselves(kind: Kind, locale: str) -> None:
    message = (
        a_message(kind, locale)
        if kind in ACCOUNT_KINDS
        else an_appointment_message(kind, recipient_locale=locale, can_reply=True)
    )
    found = OPT_OUT.findall(WRITER.sms(message).replace(MANAGE, ""))
    # Help says how to end it, with the word that ends it everywhere.
    assert found == (["STOP"] if kind is Kind.HELP_ANSWER else [])


def test_printers_signs_are_made_plain() -> None:
    text = WRITER.sms(
        an_appointment_message(clinic={"name": "St.\N{NO-BREAK SPACE}Mary’s – “East”…\n"})
    )
    assert text.startswith('St. Mary\'s - "East"...: your appointment')
    # In English of the United States Babel puts a narrow space before PM.
    american = WRITER.sms(an_appointment_message(recipient_locale="en-US"))
    assert "2:00 PM India Standard Time" in american
    assert counted(american).alphabet is Alphabet.GSM_7


def test_a_name_keeps_its_letters_though_they_cost() -> None:
    text = WRITER.sms(an_appointment_message(clinic={"name": "Ayşe Diş Kliniği"}))
    assert text.startswith("Ayşe Diş Kliniği:")
    assert counted(text).alphabet is Alphabet.UCS_2


@pytest.mark.parametrize(
    ("currency", "locale", "told"),
    [
        ("EUR", "en", "€1,500.00"),
        ("EUR", "de", "1.500,00 €"),
        ("INR", "en", "INR 1,500.00"),
        ("JPY", "en", "¥150,000"),
        ("TRY", "de", "1.500,00 TRY"),
        ("KWD", "en", "KWD150.000"),
    ],
)
def test_the_sign_of_a_currency_doubles_no_price(currency: str, locale: str, told: str) -> None:
    money = some_money(Kind.PAYMENT_RECEIPT, amount=Money(150_000, currency))
    message = an_appointment_message(Kind.PAYMENT_RECEIPT, recipient_locale=locale, money=money)
    text = WRITER.sms(message)
    assert told in text
    assert counted(text).alphabet is Alphabet.GSM_7


def test_a_long_name_is_shortened() -> None:
    text = WRITER.sms(an_appointment_message(clinic=LONG))
    assert text.startswith("Gemeinschaftspraxis für Allgemeinmedi...:")


def test_without_a_link_the_telephone_helps() -> None:
    assert WRITER.sms(an_appointment_message(manage_url=None)).endswith(
        "Questions? +91 22 5550 1234"
    )
