"""Twilio's callbacks: verified over the address and the fields as they came, then read."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from httpx import Response
from pydantic import SecretStr

from booking_system.notifications.adapters.reports.http import twilio_callback
from booking_system.notifications.adapters.reports.twilio import TwilioSignature
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, Report, Reported, SmsReply
from booking_system.platform.http.signatures import InvalidSignature, Signed
from tests.api import Api, code_of
from tests.notifications.reports.office import ID, NOW, PUBLIC_URL, TOKENS, Office

STATUS = f"/v1/message-callbacks/twilio/{ID}"
REPLIES = "/v1/message-callbacks/twilio-replies"
SID = f"SM{'1' * 32}"
WRONG = (400, "invalid_signature")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DELIVERED = {
    "MessageSid": SID,
    "SmsSid": SID,
    "MessageStatus": "delivered",
    "SmsStatus": "delivered",
    "To": "+4915112345678",
    "From": "+4930123456",
    "AccountSid": f"AC{'0' * 32}",
    "ApiVersion": "2010-04-01",
    "FieldOfTomorrow": "ä + b",
    "Empty": "",
}


def signature(
    target: str, body: bytes = b"", *, token: str = TOKENS[0], url: str = PUBLIC_URL
) -> str:
    """As Twilio's guide tells: the address, then each field, names in alphabetical order."""
    fields = parse_qsl(body.decode(), keep_blank_values=True)
    text = url + target + "".join(name + value for name, value in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


async def told(api: Api, target: str, body: bytes, given: str | None = None) -> Response:
    given = signature(target, body) if given is None else given
    headers = {"X-Twilio-Signature": given, **FORM}
    return await api.send("POST", target, content=body, headers=headers)


def encoded(**fields: Any) -> bytes:
    return urlencode({**DELIVERED, **fields}).encode()


async def test_what_became_of_a_message(hooks: Api, office: Office) -> None:
    answer = await told(hooks, STATUS, encoded())
    assert (answer.status_code, answer.content) == (204, b"")
    assert office.told == [
        Report(
            provider="twilio",
            event_id=f"{SID}:delivered",
            channel=Channel.SMS,
            reported=Reported.DELIVERED,
            at=NOW,
            message_id=ID,
            provider_id=SID,
            recipient="+4915112345678",
            sender="+4930123456",
        )
    ]


@pytest.mark.parametrize("query", ["?b=1&a=%27+x", "?a=%c3%a4&a=%C3%A4", "?x", "?a=1%2B1&=&&b"])
async def test_the_address_counts_as_it_came(hooks: Api, office: Office, query: str) -> None:
    """Behind a proxy that ends TLS: what is asked for here is http, and no port of ours."""
    target = STATUS + query
    assert (await told(hooks, target, encoded())).status_code == 204
    assert len(office.told) == 1
    for other in (STATUS, f"{target}1", target.replace("=", "%3D"), f"{STATUS}?a=%27+x&b=1"):
        if other != target:
            answer = await told(hooks, other, encoded(), signature(target, encoded()))
            assert code_of(answer) == WRONG, other
    assert len(office.told) == 1


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("port", ["", ":443"])
async def test_any_token_with_the_usual_port_or_without(
    hooks: Api, office: Office, token: str, port: str
) -> None:
    given = signature(STATUS, encoded(), token=token, url=PUBLIC_URL + port)
    assert (await told(hooks, STATUS, encoded(), given)).status_code == 204


def wrong() -> dict[str, tuple[bytes, str]]:
    body = encoded()
    good = signature(STATUS, body)
    return {
        "none": (body, ""),
        "another token": (body, signature(STATUS, body, token="another")),
        "no token": (body, signature(STATUS, body, token="")),
        "another status": (encoded(MessageStatus="failed"), good),
        "another unknown field": (encoded(FieldOfTomorrow="c"), good),
        "one field more": (body + b"&New=", good),
        "one field less": (body.replace(b"&Empty=", b""), good),
        "another host": (body, signature(STATUS, body, url="https://evil.example.com")),
        "http": (body, signature(STATUS, body, url="http://booking.example.com")),
        "another message": (body, signature(STATUS[:-1] + "0", body)),
        "broken text": (b"a=%ff", signature(STATUS, b"a=x")),
        "too many fields": (b"&".join(b"a%d=" % n for n in range(500)), good),
        "no ASCII": (body, "é"),
    }


@pytest.mark.parametrize("what", wrong())
async def test_what_twilio_did_not_sign_is_refused(hooks: Api, office: Office, what: str) -> None:
    body, given = wrong()[what]
    headers = [("X-Twilio-Signature", given.encode()), *FORM.items()]
    answer = await hooks.client.post(STATUS, content=body, headers=headers)
    assert code_of(answer) == WRONG
    assert office.told == []


async def test_json_is_signed_by_its_hash(hooks: Api, office: Office) -> None:
    body = b'{ "MessageSid": "SM1", "MessageStatus": "sent",\r\n "To": "+491", "n": 1, "x": null }'
    target = f"{STATUS}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    given = signature(target)
    assert (await told(hooks, target, body, given)).status_code == 204
    (report,) = office.told
    assert isinstance(report, Report)
    assert (report.reported, report.provider_id) == (Reported.ACCEPTED, "SM1")
    assert code_of(await told(hooks, target, body + b" ", given)) == WRONG
    for target in (f"{STATUS}?bodySHA256=", f"{STATUS}?bodySHA256=%c3%a9"):
        assert code_of(await told(hooks, target, body, signature(target))) == WRONG
    broken = b'{"MessageSid": '
    target = f"{STATUS}?bodySHA256={hashlib.sha256(broken).hexdigest()}"
    answer = await told(hooks, target, broken, signature(target))
    assert code_of(answer) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("status", "code", "reported", "fault", "told_code"),
    [
        ("queued", None, Reported.ACCEPTED, None, None),
        ("sent", None, Reported.ACCEPTED, None, None),
        ("read", None, Reported.DELIVERED, None, None),
        ("partially_delivered", None, Reported.ACCEPTED, None, None),
        ("undelivered", 30006, Reported.FAILED, Fault.RECIPIENT, "30006"),
        ("undelivered", 30003, Reported.FAILED, Fault.TEMPORARY, "30003"),
        ("undelivered", 30007, Reported.FAILED, Fault.POLICY, "30007"),
        ("failed", 21610, Reported.FAILED, Fault.OPTED_OUT, "21610"),
        ("failed", 99999, Reported.FAILED, Fault.POLICY, "99999"),
        ("failed", "", Reported.FAILED, Fault.POLICY, "failed"),
        ("canceled", None, Reported.FAILED, Fault.POLICY, "canceled"),
        ("delivered", 30006, Reported.DELIVERED, None, None),
    ],
)
async def test_statuses(
    hooks: Api,
    office: Office,
    status: str,
    code: Any,
    reported: Reported,
    fault: Fault | None,
    told_code: str | None,
) -> None:
    body = encoded(MessageStatus=status, **({} if code is None else {"ErrorCode": code}))
    assert (await told(hooks, STATUS, body)).status_code == 204
    (report,) = office.told
    assert isinstance(report, Report)
    assert (report.reported, report.fault, report.code) == (reported, fault, told_code)
    assert report.event_id == f"{SID}:{status}"


@pytest.mark.parametrize("fields", [{"MessageStatus": "of tomorrow"}, {"MessageStatus": "é" * 999}])
async def test_a_status_that_is_not_known_is_taken_and_left(
    hooks: Api, office: Office, fields: dict[str, str]
) -> None:
    assert (await told(hooks, STATUS, encoded(**fields, SmsStatus="x"))).status_code == 204
    for body in (b"", b"MessageStatus=delivered", b"MessageSid=SM1", b"=&=&%00=%00"):
        assert (await told(hooks, STATUS, body)).status_code == 204
        assert (await told(hooks, REPLIES, body)).status_code == 204
    assert office.told == []


async def test_a_person_answers(hooks: Api, office: Office) -> None:
    body = encoded(MessageSid="SM2", Body=" C \n", From="+491", To="+492", NumMedia="0")
    assert (await told(hooks, REPLIES, body)).status_code == 204
    reply = SmsReply(
        provider="twilio", event_id="SM2", sender="+491", to="+492", text=" C \n", at=NOW
    )
    assert office.told == [reply]


@pytest.mark.parametrize(
    ("kind", "reported"), [("STOP", Reported.OPTED_OUT), ("START", Reported.OPTED_IN)]
)
async def test_what_twilio_takes_for_a_wish_is_one(
    hooks: Api, office: Office, kind: str, reported: Reported
) -> None:
    """Also in words of a language of which we know nothing."""
    body = encoded(Body="Arrêt", From="+491", To="+492", OptOutType=kind)
    assert (await told(hooks, REPLIES, body)).status_code == 204
    reply, report = office.told
    assert isinstance(reply, SmsReply)
    assert isinstance(report, Report)
    assert (reply.text, report.reported) == ("Arrêt", reported)
    assert (report.recipient, report.sender) == ("+491", "+492")
    assert report.event_id != reply.event_id
    office.told.clear()
    await told(hooks, REPLIES, encoded(Body="HELP", OptOutType="HELP"))
    assert len(office.told) == 1


async def test_each_message_has_its_own_address(hooks: Api, office: Office) -> None:
    target = "/v1/message-callbacks/twilio/none"
    assert code_of(await told(hooks, target, encoded())) == (422, "validation_error")
    answer = await told(hooks, "/v1/message-callbacks/twilio", encoded())
    assert code_of(answer) == (404, "not_found")
    assert office.told == []


async def test_what_cannot_be_stored_is_told_again(hooks: Api, office: Office) -> None:
    office.fails = True
    assert code_of(await told(hooks, STATUS, encoded())) == (500, "internal_error")


async def test_without_a_token_there_is_no_such_address(hooks: Api, office: Office) -> None:
    with office.not_set_up():
        for target in (STATUS, REPLIES):
            answer = await told(hooks, target, encoded())
            assert code_of(answer) == (404, "not_found")


@pytest.mark.parametrize(
    ("public_url", "is_public"),
    [
        ("https://booking.example.com", True),
        ("https://203.0.113.7", False),
        ("https://8.8.8.8:8443", True),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://10.0.0.7", False),
        ("http://localhost:8000", False),
        ("http://api:8000", False),
    ],
)
def test_twilio_is_told_of_addresses_that_it_can_reach(public_url: str, *, is_public: bool) -> None:
    expected = f"{public_url}/v1/message-callbacks/twilio" if is_public else None
    assert twilio_callback(public_url) == expected


@pytest.mark.parametrize(
    ("public_url", "signed_at", "fits"),
    [
        ("https://a.example:443", "https://a.example", True),
        ("https://a.example:443", "https://a.example:443", True),
        ("https://a.example:8443/", "https://a.example:8443", True),
        ("https://a.example:8443", "https://a.example", False),
        ("https://a.example/clinic", "https://a.example:443/clinic", True),
        ("https://a.example/clinic", "https://a.example", False),
        ("http://a.example", "http://a.example:80", True),
    ],
)
async def test_addresses_of_installations(public_url: str, signed_at: str, *, fits: bool) -> None:
    verify = TwilioSignature([SecretStr(TOKENS[0])], public_url=public_url)
    given = signature(STATUS, url=signed_at)
    signed = Signed(headers={"x-twilio-signature": given}, target=STATUS.encode(), body=b"")
    if fits:
        await verify(signed)
    else:
        with pytest.raises(InvalidSignature):
            await verify(signed)
