"""Addresses as an operator writes them become carriers, or a sentence that quotes nothing."""

import ast
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from booking_system.notifications.adapters.carriers import addresses
from booking_system.notifications.adapters.carriers.addresses import (
    SmtpAddress,
    SnsAddress,
    TwilioAddress,
    WrongAddressError,
    email_address,
    sms_address,
)
from booking_system.notifications.adapters.carriers.choosing import ApiBases, Choice
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.application.sending_ports import Handover
from tests.notifications.carriers.letters import Frozen, an_sms, sent
from tests.notifications.carriers.providers import (
    a_provider,
    a_way,
    amazon_keys,
    says,
    when_needed,
)
from tests.notifications.carriers.vendors import fits_twilio

ACCOUNT = f"AC{'0' * 32}"
HIDDEN = "correct-horse"


class Kept:
    """What `outbox:` is."""

    name = "outbox"

    def opened(self, _: Any) -> AbstractAsyncContextManager[Handover]:
        raise AssertionError("nothing is sent here")


KEPT_EMAILS, KEPT_SMS = Kept(), Kept()


@pytest.fixture
async def choice() -> AsyncIterator[Choice]:
    async with a_way() as way:
        yield Choice(
            http=when_needed(way),
            kept_email=KEPT_EMAILS,
            kept_sms=KEPT_SMS,
            amazon_keys=amazon_keys(),
        )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("smtp://mail.example.com", "smtp"),
        ("smtps://u:p@mail.example.com", "smtp"),
        ("sendgrid://SG.key.1@api.sendgrid.com", "sendgrid"),
        ("ses://eu-central-1", "ses"),
    ],
)
async def test_what_carries_emails(choice: Choice, url: str, name: str) -> None:
    assert choice.email(url).name == name
    with pytest.raises(WrongAddressError):
        choice.sms(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"twilio://{ACCOUNT}:token@api.twilio.com?from=+4930123456", "twilio"),
        ("sns://us-gov-west-1", "sns"),
    ],
)
async def test_what_carries_sms(choice: Choice, url: str, name: str) -> None:
    assert choice.sms(url).name == name
    with pytest.raises(WrongAddressError):
        choice.email(url)


async def test_what_keeps_messages(choice: Choice) -> None:
    assert choice.email("outbox:") is KEPT_EMAILS
    assert choice.sms("outbox:") is KEPT_SMS


async def test_other_addresses_of_apis_and_of_ours() -> None:
    async with a_provider(says(201, b'{"sid": "SM1"}')) as provider, a_way() as way:
        choice = Choice(
            http=when_needed(way),
            kept_email=KEPT_EMAILS,
            kept_sms=KEPT_SMS,
            bases=ApiBases(amazon=provider.url, sendgrid=provider.url, twilio=provider.url),
            twilio_callback="https://booking.example.com/v1/message-callbacks/twilio",
            amazon_keys=amazon_keys(),
        )
        url = f"twilio://{ACCOUNT}:token@api.twilio.com?from=Praxis"
        assert await sent(choice.sms(url).opened(an_sms())) == "SM1"
        form = fits_twilio(provider.asked.pop().body)
        assert form["StatusCallback"] == f"{choice.twilio_callback}/{an_sms().id}"
        await sent(choice.sms("sns://eu-central-1").opened(an_sms()))
        assert provider.only().target == "/"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "outbox",
        "outbox:x",
        "smtp:",
        "smtp://",
        "smtp://:25",
        f"smtp://{HIDDEN}@mail.example.com",
        f"smtp://u:{HIDDEN}/oops@mail.example.com",
        f"smtp://u:{HIDDEN}#oops@mail.example.com",
        f"smtp://u:{HIDDEN}@mail.example.com:no",
        f"smtp://u:{HIDDEN}@mail.example.com:99999",
        f"smtp://u:p@mail.example.com/{HIDDEN}",
        f"smtp://u:p@mail.example.com?{HIDDEN}=1",
        f"smtp://u:p@mail.example.com?starttls={HIDDEN}",
        "smtps://u:p@mail.example.com?starttls=required",
        f"smtp://[{HIDDEN}",
        "smtp://u:p@mail example.com",
        "sendgrid://api.sendgrid.com",
        f"sendgrid://KEY:{HIDDEN}@api.sendgrid.com",
        f"sendgrid://{HIDDEN}@",
        f"sendgrid://KEY@api.sendgrid.com?x={HIDDEN}",
        "ses://",
        f"ses://{HIDDEN}",
        f"ses://key:{HIDDEN}@eu-central-1",
        "ses://eu-central-1?configuration_set=",
        "ses://eu-central-1?configuration_set=a%20b",
        f"mailgun://{HIDDEN}",
        HIDDEN,
    ],
)
def test_a_wrong_address_of_mail_is_never_quoted(url: str) -> None:
    with pytest.raises(WrongAddressError) as told:
        email_address(url)
    assert HIDDEN not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "twilio://",
        f"twilio://{ACCOUNT}:{HIDDEN}@api.twilio.com",
        f"twilio://{ACCOUNT}:{HIDDEN}@api.twilio.com?from=",
        f"twilio://{ACCOUNT}:{HIDDEN}@api.twilio.com?from=0301234",
        f"twilio://{ACCOUNT}:{HIDDEN}@api.twilio.com?from=A name too long",
        f"twilio://{ACCOUNT}:{HIDDEN}@api.twilio.com?from=+49&to=x",
        f"twilio://{ACCOUNT}@api.twilio.com?from=+4930123456",
        f"twilio://AC1:{HIDDEN}@api.twilio.com?from=+4930123456",
        f"twilio://{ACCOUNT}:{HIDDEN}@?from=+4930123456",
        "sns://",
        "sns://eu-central-1?from=A name",
        "sns://eu-central-1?from=123",
        "sns://eu-central-1?max_price=cheap",
        f"sns://eu-central-1?key={HIDDEN}",
        HIDDEN,
    ],
)
def test_a_wrong_address_of_sms_is_never_quoted(url: str) -> None:
    with pytest.raises(WrongAddressError) as told:
        sms_address(url)
    assert HIDDEN not in str(told.value)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://mail.example.com", 25),
        ("smtp://u:p@mail.example.com", 587),
        ("smtps://mail.example.com", 465),
        ("smtp://mail.example.com:2525", 2525),
        ("smtp://[::1]:2525", 2525),
    ],
)
def test_the_usual_ports(url: str, port: int) -> None:
    address = email_address(url)
    assert isinstance(address, SmtpAddress)
    assert address.port == port


def test_signs_in_passwords_and_numbers() -> None:
    address = email_address("smtp://me%40example.com:a%2Fb%3A+c%25@mail.example.com")
    assert isinstance(address, SmtpAddress)
    assert address.password is not None
    assert (address.user, address.password.get_secret_value()) == ("me@example.com", "a/b:+c%")
    assert "a/b" not in repr(address)
    for number in ("+4930123456", "%2B4930123456"):
        sms = sms_address(f"twilio://{ACCOUNT}:t@api.twilio.com?from={number}")
        assert isinstance(sms, TwilioAddress)
        assert sms.sender == "+4930123456"


@pytest.mark.parametrize(
    ("sender", "can"),
    [("+4930123456", True), ("12345", True), (f"MG{'a' * 32}", True), ("Praxis", False)],
)
def test_who_can_be_answered(sender: str, *, can: bool) -> None:
    address = sms_address(f"twilio://{ACCOUNT}:t@api.twilio.com?from={sender}")
    assert isinstance(address, TwilioAddress)
    assert address.can_be_answered is can


def test_who_can_be_answered_by_amazon() -> None:
    for more, can in (("", False), ("?from=Praxis", False), ("?from=+4930123456", True)):
        address = sms_address(f"sns://eu-central-1{more}")
        assert isinstance(address, SnsAddress)
        assert address.can_be_answered is can


def test_amazon_needs_a_package_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "find_spec", lambda _: None)
    for parsed, url in ((email_address, "ses://eu-central-1"), (sms_address, "sns://eu-central-1")):
        with pytest.raises(WrongAddressError, match=r"booking-system\[aws\]"):
            parsed(url)
    assert email_address("smtp://mail.example.com") is not None


async def test_http_is_made_when_it_is_needed_and_closed_once() -> None:
    http = HttpWhenNeeded(Frozen())
    await http.close()
    way = http.way()
    assert http.way() is way
    await http.close()
    assert way.client.is_closed
    assert http.way() is not way
    await http.close()


def loaded_with(module: str, seen: set[str]) -> set[str]:
    """The modules that are loaded with it, of ours and of others."""
    if module in seen or not module.startswith("booking_system."):
        return seen | {module}
    found = find_spec(module)
    assert found is not None
    assert found.origin is not None
    seen = seen | {module}
    for node in ast.parse(Path(found.origin).read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            seen = loaded_with(node.module, seen)
        elif isinstance(node, ast.Import):
            seen = seen.union(name.name for name in node.names)
    return seen


def test_what_is_not_chosen_is_not_loaded() -> None:
    """Every program of ours loads these two when it starts."""
    adapters = "booking_system.notifications.adapters"
    chosen, told = f"{adapters}.carriers.choosing", f"{adapters}.reports.http"
    loaded = loaded_with(chosen, loaded_with(told, set()))
    assert f"{adapters}.reports.certificates" in loaded
    slow = {"httpx", "aiosmtplib", "botocore"}
    assert {name for name in loaded if name.partition(".")[0] in slow} == set()
    assert "aiosmtplib" in loaded_with(f"{adapters}.carriers.smtp", set())
    assert "httpx" in loaded_with(f"{adapters}.carriers.ses", set())
