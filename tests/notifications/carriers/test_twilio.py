"""SMS by Twilio: the request as Twilio describes it, and what its answers mean."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from booking_system.notifications.adapters.carriers.addresses import TwilioAddress, sms_address
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.twilio import TwilioCarrier
from booking_system.notifications.adapters.twilio_codes import FAULTS, fault_of
from booking_system.notifications.domain.sending import Fault, NotSentError
from tests.notifications.carriers.letters import ID, NOW, an_sms, sent
from tests.notifications.carriers.providers import Provider, a_provider, a_way, says
from tests.notifications.carriers.vendors import fits_twilio

ACCOUNT, TOKEN = f"AC{'0' * 32}", "a/secret#token"
SID = f"SM{'1' * 32}"
CALLBACK = "https://booking.example.com/v1/message-callbacks/twilio"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    taken = orjson.dumps({"sid": SID, "status": "queued"})
    async with a_provider(says(201, taken)) as provider:
        yield provider


@pytest.fixture
async def way() -> AsyncIterator[HttpWay]:
    async with a_way() as way:
        yield way


def an_address(sender: str = "+4930123456") -> TwilioAddress:
    address = sms_address(f"twilio://{ACCOUNT}:a%2Fsecret%23token@api.twilio.com?from={sender}")
    assert isinstance(address, TwilioAddress)
    return address


@pytest.fixture
def carrier(provider: Provider, way: HttpWay) -> TwilioCarrier:
    return TwilioCarrier(an_address(), way=way, base=provider.url, callback=CALLBACK)


async def test_the_request_is_as_twilio_describes_it(
    provider: Provider, carrier: TwilioCarrier
) -> None:
    assert await sent(carrier.opened(an_sms())) == SID
    asked = provider.only()
    assert (asked.method, asked.target) == (
        "POST",
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
    )
    login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert asked.headers["authorization"] == f"Basic {login}"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert fits_twilio(asked.body) == {
        "To": "+4915112345678",
        "From": "+4930123456",
        "Body": an_sms().text,
        "ValidityPeriod": "7200",
        "StatusCallback": f"{CALLBACK}/{ID}",
    }


@pytest.mark.parametrize(
    ("sender", "field"),
    [(f"MG{'a' * 32}", "MessagingServiceSid"), ("Praxis", "From"), ("12345", "From")],
)
async def test_who_sends(provider: Provider, way: HttpWay, sender: str, field: str) -> None:
    await sent(TwilioCarrier(an_address(sender), way=way, base=provider.url).opened(an_sms()))
    form = fits_twilio(provider.only().body)
    assert form[field] == sender
    assert not {"From", "MessagingServiceSid"} - {field} & form.keys()
    assert "StatusCallback" not in form


@pytest.mark.parametrize(
    ("left", "validity"),
    [(timedelta(days=2), "36000"), (timedelta(seconds=90.9), "90"), (timedelta(), "1")],
)
async def test_it_dies_before_it_is_of_no_use(
    provider: Provider, carrier: TwilioCarrier, left: timedelta, validity: str
) -> None:
    await sent(carrier.opened(an_sms(not_after=NOW + left)))
    assert fits_twilio(provider.only().body)["ValidityPeriod"] == validity


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, 21211, Fault.RECIPIENT),
        (400, 21610, Fault.OPTED_OUT),
        (400, 21614, Fault.RECIPIENT),
        (400, 21635, Fault.RECIPIENT),
        (400, 21408, Fault.POLICY),
        (401, 20003, Fault.REFUSED),
        (400, 21606, Fault.REFUSED),
        (400, 21611, Fault.TEMPORARY),
        (429, 20429, Fault.TEMPORARY),
        (503, 21610, Fault.TEMPORARY),
        (400, 99999, Fault.POLICY),
        (403, 99999, Fault.REFUSED),
        (404, 20404, Fault.REFUSED),
    ],
)
async def test_what_twilio_refuses(
    provider: Provider, carrier: TwilioCarrier, status: int, code: int, fault: Fault
) -> None:
    body = orjson.dumps({"code": code, "message": f"to {an_sms().to}", "status": status})
    provider.answer = says(status, body)
    with pytest.raises(NotSentError) as told:
        await sent(carrier.opened(an_sms()))
    assert (told.value.fault, told.value.code) == (fault, f"{status} {code}")
    assert TOKEN not in repr(told.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"sid": 1}', b'{"sid": null}'])
async def test_what_was_taken_is_taken_whatever_is_said_of_it(
    provider: Provider, carrier: TwilioCarrier, body: bytes
) -> None:
    provider.answer = says(201, body)
    assert await sent(carrier.opened(an_sms())) is None


def test_codes() -> None:
    assert len(FAULTS) > 80
    expected = {
        30003: Fault.TEMPORARY,
        30004: Fault.POLICY,
        30005: Fault.RECIPIENT,
        30006: Fault.RECIPIENT,
        30007: Fault.POLICY,
        30008: Fault.TEMPORARY,
    }
    assert {code: fault_of(code) for code in expected} == expected
    assert fault_of("30006") is Fault.RECIPIENT
    for unknown in ("", "x", "٣", None, "9" * 5000, -1, 1.5):
        assert fault_of(unknown) is None


def test_no_token_is_shown(carrier: TwilioCarrier) -> None:
    assert TOKEN not in repr(an_address())
