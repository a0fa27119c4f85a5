"""Each carrier against a provider that fails in each way: no message is lost, and none doubled."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from booking_system.notifications.adapters.carriers.addresses import (
    SendGridAddress,
    SesAddress,
    SmtpAddress,
    SnsAddress,
    TwilioAddress,
    email_address,
    sms_address,
)
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.sendgrid import SendGridCarrier
from booking_system.notifications.adapters.carriers.ses import SesCarrier
from booking_system.notifications.adapters.carriers.smtp import SmtpCarrier
from booking_system.notifications.adapters.carriers.sns import SnsCarrier
from booking_system.notifications.adapters.carriers.twilio import TwilioCarrier
from booking_system.notifications.application.sending_ports import (
    EmailCarrier,
    Handover,
    SmsCarrier,
)
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from tests.notifications.carriers.letters import PATIENT, UNANSWERED, Frozen, an_email, an_sms
from tests.notifications.carriers.providers import (
    DROPS,
    HANGS,
    TLS,
    a_provider,
    a_way,
    amazon_keys,
    says,
)
from tests.notifications.carriers.smtp_servers import scripted

Opened = AbstractAsyncContextManager[Handover]


def by_sendgrid(way: HttpWay, url: str) -> EmailCarrier:
    address = email_address("sendgrid://KEY@api.sendgrid.com")
    assert isinstance(address, SendGridAddress)
    return SendGridCarrier(address, way=way, base=url)


def by_ses(way: HttpWay, url: str) -> EmailCarrier:
    address = email_address("ses://eu-central-1")
    assert isinstance(address, SesAddress)
    return SesCarrier(address, way=way, keys=amazon_keys(), base=url)


def by_twilio(way: HttpWay, url: str) -> SmsCarrier:
    address = sms_address(f"twilio://AC{'0' * 32}:token@api.twilio.com?from=+4930123456")
    assert isinstance(address, TwilioAddress)
    return TwilioCarrier(address, way=way, base=url)


def by_sns(way: HttpWay, url: str) -> SmsCarrier:
    address = sms_address("sns://eu-central-1")
    assert isinstance(address, SnsAddress)
    return SnsCarrier(address, way=way, keys=amazon_keys(), base=url)


HTTP: dict[str, Callable[[HttpWay, str], Any]] = {
    "sendgrid": by_sendgrid,
    "ses": by_ses,
    "twilio": by_twilio,
    "sns": by_sns,
}
ANSWERS: dict[str, bytes | None] = {
    "hangs": HANGS,
    "drops": DROPS,
    "500": says(500, b"<html>"),
    "503": says(503),
    "504": says(504),
    "429": says(429, Retry_After="7"),
    "401": says(401),
    "refuses": says(400, b'{"code": 21617, "message": "+49 ...", "errors": []}'),
}
SMTP: dict[str, str | None] = {
    "hangs": "",
    "drops": None,
    "500": "451 4.3.0 lost my disk",
    "503": "421 4.3.2 shutting down",
    "504": "",
    "429": "450 4.7.1 not so fast",
    "401": "530 5.7.0 sign in",
    "refuses": "554 5.7.1 spam",
}


@asynccontextmanager
async def opened(name: str, how: str) -> AsyncIterator[tuple[Opened, Any]]:
    """A message before a provider that will fail so, and what counts the messages it got."""
    is_silent = how == "hangs" or (name == "smtp" and SMTP[how] == "")
    waits = UNANSWERED if is_silent else PATIENT
    if name == "smtp":
        async with scripted(END=SMTP[how]) as (port, script):
            address = email_address(f"smtp://127.0.0.1:{port}")
            assert isinstance(address, SmtpAddress)
            carrier = SmtpCarrier(address, clock=Frozen(), waits=waits, tls=TLS)
            yield carrier.opened(an_email()), lambda: int(bool(script.content))
    else:
        async with a_provider(ANSWERS[how]) as provider, a_way(waits) as way:
            carrier = HTTP[name](way, provider.url)
            assert carrier.name == name
            is_mail = name in {"sendgrid", "ses"}
            message = an_email() if is_mail else an_sms()
            yield carrier.opened(message), lambda: len(provider.asked)


@pytest.mark.parametrize("name", ["smtp", *HTTP])
@pytest.mark.parametrize(
    ("how", "outcome", "code"),
    [
        ("hangs", None, "timeout"),
        ("drops", None, "connection_lost"),
        ("504", None, "504"),
        ("500", Fault.TEMPORARY, "500"),
        ("503", Fault.TEMPORARY, "503"),
        ("429", Fault.TEMPORARY, "429"),
        ("401", Fault.REFUSED, "401"),
        ("refuses", Fault.POLICY, "400"),
    ],
)
async def test_what_goes_wrong(name: str, how: str, outcome: Fault | None, code: str) -> None:
    """Where the provider may have it, nobody says that it has not: one call, one message."""
    async with opened(name, how) as (connecting, taken):
        async with connecting as handover:
            assert taken() == 0
            await handover.write()
            expected: Any = NotSentError if outcome else OutcomeUnknownError
            with pytest.raises(expected) as told:
                await handover.answer()
        assert taken() == 1
    if outcome:
        assert told.value.fault is outcome
        rest = timedelta(seconds=7) if how == "429" and name != "smtp" else None
        assert told.value.again_after == rest
    if name != "smtp":
        assert told.value.code.startswith(code)


@pytest.mark.parametrize("name", ["smtp", *HTTP])
async def test_what_is_withdrawn_at_the_last_moment_never_arrives(name: str) -> None:
    async with opened(name, "500") as (connecting, taken):
        async with connecting:
            pass
        assert taken() == 0


@pytest.mark.parametrize("name", ["smtp", *HTTP])
async def test_nobody_is_there(name: str, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    async with a_way() as way:
        if name == "smtp":
            address = email_address(f"smtp://127.0.0.1:{unused_port}")
            assert isinstance(address, SmtpAddress)
            connecting: Opened = SmtpCarrier(address, clock=Frozen(), tls=TLS).opened(an_email())
        else:
            message = an_email() if name in {"sendgrid", "ses"} else an_sms()
            connecting = HTTP[name](way, url).opened(message)
        with pytest.raises(NotSentError) as told:
            async with connecting:
                raise AssertionError("connected to nobody")
    assert (told.value.fault, told.value.code) == (Fault.TEMPORARY, "no_connection")
