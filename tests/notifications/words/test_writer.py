"""Mails are complete, safe, and in the reader's language."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from booking_system.notifications.adapters.words.writer import LONGEST_SUBJECT, TemplateWriter
from booking_system.notifications.domain.message import Kind
from tests.notifications.words.reading import Page
from tests.notifications.words.samples import (
    APPOINTMENT_KINDS,
    LANGUAGES,
    LINK,
    MAILED,
    MANAGE,
    SERVICE,
    a_message,
    an_account_message,
    an_appointment_message,
)

WRITER = TemplateWriter()
EVIL = "<img src=x onerror=alert(1)>\r\nBcc: all@example.com\N{LINE SEPARATOR}\x00&\"'"


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("kind", MAILED)
def test_text_and_html_tell_the_same(kind: Kind, locale: str) -> None:
    mail = WRITER.email(a_message(kind, locale))
    page = Page(mail.html)
    words = [one for line in mail.text.splitlines() for one in line.split() if one != "--"]
    assert len(words) > 20
    missing = [one for one in words if one.removesuffix(":") not in page.text]
    assert missing == []
    link = MANAGE if kind in APPOINTMENT_KINDS else LINK
    assert link in mail.text
    assert page.every("href").count(link) == 2
    for part in (mail.subject, mail.text, mail.html):
        assert "{{" not in part
        assert "None" not in part
    if kind in APPOINTMENT_KINDS:
        told = ("Example Clinic", "12 Hill Road", "+91 22 5550 1234", "Dr. Asha Rao", SERVICE)
        for one in told:
            assert one in mail.text


@pytest.mark.parametrize("kind", MAILED)
def test_the_languages_differ_in_all_that_is_said(kind: Kind) -> None:
    english, german = (WRITER.email(a_message(kind, locale)) for locale in LANGUAGES)
    assert english.subject != german.subject
    assert set(english.text.splitlines()) & set(german.text.splitlines()) <= {
        "",
        "-- ",
        "Example Clinic",
        "12 Hill Road",
        "Mumbai 400050",
        "E-mail: desk@example.com",
        "Booking System",
        MANAGE,
        LINK,
    }
    assert Page(english.html).tags[0] == ("html", {"lang": "en-GB", "dir": "ltr"})
    assert Page(german.html).tags[0] == ("html", {"lang": "de", "dir": "ltr"})


@pytest.mark.parametrize("kind", MAILED)
def test_a_mail_asks_for_nothing_from_outside(kind: Kind) -> None:
    page = Page(WRITER.email(a_message(kind)).html)
    assert page.names() <= {
        *("html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td"),
        *("h1", "p", "a", "br", "strong"),
    }
    assert page.every("src") == page.every("background") == []
    assert not any("url(" in (style or "") for style in page.every("style"))


def test_times_are_the_clinics_with_the_name_of_its_zone() -> None:
    message = an_appointment_message(recipient_locale="en-GB")
    mail = WRITER.email(message)
    told = "Friday, 27 November 2026, 14:00 – 14:30 India Standard Time"
    assert told in mail.text
    assert told in Page(mail.html).text
    assert "14:00 India Standard Time" in WRITER.sms(message)


def test_each_reader_has_dates_and_zones_in_their_language() -> None:
    berlin = {"time_zone": "Europe/Berlin", "locale": "de"}
    patient = WRITER.email(an_appointment_message(clinic=berlin, recipient_locale="de-AT"))
    doctor = WRITER.email(
        an_appointment_message(Kind.STAFF_NOTICE, clinic=berlin, recipient_locale="en-US")
    )
    assert "Freitag, 27. November 2026, 09:30 – 10:00 Uhr Mitteleuropäische" in patient.text
    assert "Guten Tag Priya Sharma," in patient.text
    assert "Friday, November 27, 2026, 9:30 – 10:00 AM Central European" in _plain(doctor.text)
    assert "Hello Priya Sharma," in doctor.text


@pytest.mark.parametrize(
    ("recipient", "clinic", "greeting", "date"),
    [
        ("de-AT", "en", "Guten Tag", "27. November 2026"),
        ("de", "en", "Guten Tag", "27. November 2026"),
        ("DE_ch", "en", "Guten Tag", "27. November 2026"),
        ("de-XX", "en", "Guten Tag", "27. November 2026"),
        ("ja-JP", "de-DE", "Guten Tag", "27. November 2026"),
        ("ja", "ta", "Hello", "27 November 2026"),
        ("en", "de", "Hello", "27 November 2026"),
        ("en-US", "de", "Hello", "November 27, 2026"),
        ("en-XX", "de", "Hello", "27 November 2026"),
        ("", "", "Hello", "27 November 2026"),
        ("../de", "../../en", "Hello", "27 November 2026"),
        ("de\x00", "en", "Hello", "27 November 2026"),
    ],
)
def test_the_language_falls_back(recipient: str, clinic: str, greeting: str, date: str) -> None:
    message = an_appointment_message(clinic={"locale": clinic}, recipient_locale=recipient)
    text = WRITER.email(message).text
    assert f"{greeting} Priya Sharma" in text
    assert date in text


def test_an_account_has_no_clinic_to_fall_back_to() -> None:
    assert "Hello" in WRITER.email(an_account_message(recipient_locale="ja")).text
    assert "bis Samstag, 28. November 2026, 10:00 Uhr Mitteleuropäische Normalzeit" in (
        WRITER.email(an_account_message(recipient_locale="de")).text
    )


@pytest.mark.parametrize("kind", MAILED)
def test_names_can_put_nothing_into_a_mail(kind: Kind) -> None:
    if kind in APPOINTMENT_KINDS:
        clinic = {"name": EVIL, "address": "<img src=x>", "phone": EVIL, "email": EVIL}
        facts = {"doctor_name": EVIL, "doctor_title": EVIL, "service_name": EVIL}
        mail = WRITER.email(
            an_appointment_message(kind, clinic=clinic, facts=facts, recipient_name=EVIL)
        )
    else:
        mail = WRITER.email(an_account_message(kind, recipient_name=EVIL, clinic_name=EVIL))
    assert len(mail.subject.splitlines()) == 1
    assert mail.subject.isprintable()
    assert "img" not in Page(mail.html).names()
    assert "Bcc: all@example.com" not in mail.text.splitlines()
    if kind in APPOINTMENT_KINDS:
        # In text a sign is itself; in HTML it is escaped once.
        assert "<img src=x" in mail.text
        assert "<img src=x onerror=alert(1)> Bcc: all@example.com" in Page(mail.html).text


def test_a_subject_is_no_longer_than_is_read() -> None:
    mail = WRITER.email(an_account_message(Kind.INVITATION, clinic_name="Clinic " * 100))
    assert LONGEST_SUBJECT - 1 <= len(mail.subject) <= LONGEST_SUBJECT
    assert mail.subject.endswith("...")


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("kind", MAILED)
def test_nothing_of_medicine_is_seen_before_a_mail_is_opened(kind: Kind, locale: str) -> None:
    message = a_message(kind, locale)
    for seen in (WRITER.email(message).subject, WRITER.sms(message)):
        assert SERVICE not in seen
        assert "Asha" not in seen
        assert "Priya" not in seen


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Priya Sharma", "Hello Priya Sharma,"),
        ("J. R. Smith-O'Hara", "Hello J. R. Smith-O'Hara,"),
        ("Zoë\tvan\nder  Berg", "Hello Zoë van der Berg,"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}Priya", "Hello Priya,"),
        ("Win now: https://evil.example/x", "Hello,"),
        ("Win at www.evil.example", "Hello,"),
        ("evil.example", "Hello,"),
        ("me@evil.example", "Hello,"),
        ("Win " * 30, "Hello,"),
        ("  ", "Hello,"),
        (None, "Hello,"),
    ],
)
def test_a_name_that_advertises_is_not_greeted(name: str | None, greeting: str) -> None:
    mail = WRITER.email(an_account_message(Kind.EMAIL_VERIFICATION, recipient_name=name))
    assert mail.text.splitlines()[2] == greeting


@pytest.mark.parametrize("kind", MAILED)
def test_the_same_facts_give_the_same_words(kind: Kind) -> None:
    other = TemplateWriter()
    assert WRITER.email(a_message(kind, "de")) == other.email(a_message(kind, "de"))
    assert WRITER.sms(a_message(kind)) == other.sms(a_message(kind))


@pytest.mark.parametrize("kind", APPOINTMENT_KINDS)
def test_what_a_clinic_has_not_said_leaves_no_gap(kind: Kind) -> None:
    bare = an_appointment_message(
        kind,
        clinic={"address": None, "phone": None, "email": None},
        facts={"service_name": None, "doctor_title": None, "mode": None},
        manage_url=None,
        pay_url=None,
    )
    mail = WRITER.email(bare)
    page = Page(mail.html)
    assert page.every("href") == []
    assert "None" not in mail.text
    assert "Where: Example Clinic\n" in mail.text
    assert "\n\n\n" not in mail.text
    assert WRITER.sms(bare).endswith((".", "it is cancelled."))


@pytest.mark.parametrize(
    ("mode", "where"), [("online", "Where: Online, by video"), ("phone", "Where: By phone")]
)
def test_who_need_not_come_is_not_sent_to_the_clinic(mode: str, where: str) -> None:
    text = WRITER.email(an_appointment_message(facts={"mode": mode})).text
    assert where in text.splitlines()


@pytest.mark.parametrize(
    ("told", "heading"),
    [
        ("booked", "An appointment was booked"),
        ("moved", "An appointment was moved"),
        ("cancelled", "An appointment was cancelled"),
    ],
)
def test_a_staff_notice_says_what_happened(told: str, heading: str) -> None:
    mail = WRITER.email(an_appointment_message(Kind.STAFF_NOTICE, told=told))
    assert mail.subject == f"{heading}: Friday, 27 November 2026"
    assert mail.text.splitlines()[0] == heading


def test_a_link_ends_when_it_says() -> None:
    summer = datetime(2027, 7, 1, 22, 0, tzinfo=UTC)
    message = replace(an_account_message(), expires_at=summer)
    assert "until Friday, 2 July 2027, 00:00 Central European Summer Time" in (
        WRITER.email(message).text
    )
    endless = WRITER.email(replace(message, expires_at=None))
    assert "until" not in endless.text


def _plain(text: str) -> str:
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")
