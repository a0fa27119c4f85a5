"""Settings of messages: a sentence for each that is wrong, and no secret in sight."""

import base64
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from booking_system.bootstrap.checks import described
from booking_system.bootstrap.container import build
from booking_system.bootstrap.settings import Settings, SettingsProblem

HIDDEN = "correct-horse"
ACCOUNT = f"AC{'0' * 32}"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"
KEY = base64.b64encode(
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"BOOKING_{name}", value)
    return Settings()


def test_by_default_messages_are_kept() -> None:
    settings = Settings()
    assert settings.email_url.get_secret_value() == settings.sms_url.get_secret_value() == "outbox:"
    assert (settings.mail_sender, settings.sms_sender) == ("no-reply@booking.invalid", "")
    assert not settings.sms_can_be_answered
    assert [*settings.twilio_tokens, *settings.sendgrid_keys, *settings.trusted_topics] == []


def test_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(
        monkeypatch,
        EMAIL_URL=f"smtp://u:{HIDDEN}@mail.example.com",
        EMAIL_FROM="termine@PRAXIS.example",
        SMS_URL=f"twilio://{ACCOUNT}:{HIDDEN}@api.twilio.com?from=+4930123456",
        TWILIO_API_BASE="http://localhost:8026/",
        SENDGRID_WEBHOOK_KEYS=f"{KEY}, {KEY}",
        SNS_TOPIC_ARNS=f"{TOPIC},{TOPIC}-2",
    )
    assert settings.mail_sender == "termine@praxis.example"
    assert settings.sms_sender == "+4930123456"
    assert settings.sms_can_be_answered
    assert [token.get_secret_value() for token in settings.twilio_tokens] == [HIDDEN]
    assert len(settings.sendgrid_keys) == 2
    assert settings.trusted_topics == [TOPIC, f"{TOPIC}-2"]
    assert settings.twilio_api_base == "http://localhost:8026"
    for shown in (repr(settings), str(settings), "\n".join(described(settings))):
        assert HIDDEN not in shown


def test_who_is_answered_by_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has to hear it."""
    url = "sns://eu-central-1?from=+4930123456"
    assert not given(monkeypatch, SMS_URL=url).sms_can_be_answered
    assert given(monkeypatch, SMS_URL=url, SNS_TOPIC_ARNS=TOPIC).sms_can_be_answered


@pytest.mark.parametrize(
    ("name", "value", "begins"),
    [
        ("EMAIL_URL", f"smtp://u:{HIDDEN}/@x", "BOOKING_EMAIL_URL cannot be used: "),
        ("EMAIL_URL", HIDDEN, "BOOKING_EMAIL_URL cannot be used: it must be outbox:, or begin "),
        ("SMS_URL", f"twilio://{HIDDEN}@x", "BOOKING_SMS_URL cannot be used: it must be like "),
        ("EMAIL_FROM", HIDDEN, "BOOKING_EMAIL_FROM must be an e-mail address; "),
        ("EMAIL_FROM", "Praxis <a@example.com>", "BOOKING_EMAIL_FROM must be an e-mail address; "),
        ("AWS_ENDPOINT_URL", f"ftp://{HIDDEN}", "BOOKING_AWS_ENDPOINT_URL must be an address "),
        ("SENDGRID_API_BASE", f"x?{HIDDEN}", "BOOKING_SENDGRID_API_BASE must be an address "),
        ("TWILIO_API_BASE", f"http://u:{HIDDEN}@x", "BOOKING_TWILIO_API_BASE must be an address "),
        ("SENDGRID_WEBHOOK_KEYS", HIDDEN, "BOOKING_SENDGRID_WEBHOOK_KEYS must be public keys "),
        ("SNS_TOPIC_ARNS", f"{TOPIC},{HIDDEN}", "BOOKING_SNS_TOPIC_ARNS must be like arn:aws:"),
        ("SNS_TOPIC_ARNS", f"{TOPIC}:{HIDDEN}", "BOOKING_SNS_TOPIC_ARNS must be like arn:aws:"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_does_not_quote_it(
    name: str, value: str, begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsProblem) as told:
        given(monkeypatch, **{name: value})
    (sentence,) = told.value.sentences
    assert sentence.startswith(begins)
    assert sentence.endswith(".")
    assert HIDDEN not in sentence


def test_mails_come_from_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsProblem) as told:
        given(monkeypatch, EMAIL_URL="smtp://mail.example.com")
    assert told.value.sentences == ["BOOKING_EMAIL_URL needs BOOKING_EMAIL_FROM beside it."]


NOWHERE = "postgresql:///none"
PAGE = "https://www.example.com/bookings/{booking_id}?from=mail#top"


def test_the_page_of_a_booking_has_one_place_for_its_id(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOOKING_DATA_DIR", str(tmp_path))
    booking_id = UUID(int=7)
    settings = given(monkeypatch, MANAGE_URL=PAGE)
    made = build(settings.with_database(NOWHERE)).notifications.letters().manage_url(booking_id)
    assert made == f"https://www.example.com/bookings/{booking_id}?from=mail#top"
    monkeypatch.delenv("BOOKING_MANAGE_URL")
    assert (
        build(Settings().with_database(NOWHERE)).notifications.letters().manage_url(booking_id)
        is None
    )


@pytest.mark.parametrize(
    "template",
    [
        "https://www.example.com/bookings",
        "https://www.example.com/{booking_id}/{booking_id}",
        "https://www.example.com/{booking_id}/{name}",
        "https://{booking_id}.example.com/",
        "https://user:password@www.example.com/{booking_id}",
        "javascript:alert('{booking_id}')",
        "/bookings/{booking_id}",
        "https:///{booking_id}",
        "https://www.example.com/a b/{booking_id}",
        'https://www.example.com/{booking_id}"><b>',
    ],
)
def test_another_page_of_a_booking_is_refused(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsProblem) as refused:
        given(monkeypatch, MANAGE_URL=template)
    assert refused.value.sentences == [
        "BOOKING_MANAGE_URL must be an address like https://www.example.com/bookings/{booking_id}."
    ]
