"""SendGrid's events: verified over the bytes as they came, then read."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx import Response

from booking_system.notifications.adapters.reports.sendgrid import WrongKeyError, public_key
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, Report, Reported
from tests.api import Api, code_of
from tests.notifications.reports.office import ID, NOW, SENDGRID_KEYS, Office, shown

PATH = "/v1/message-callbacks/sendgrid"
WRONG = (400, "invalid_signature")
MOMENT = "1803891599"
TWO = (
    b'[{"email":"j\\u00f6rg@example.org","timestamp":1803891540,"smtp-id":"<1@x>",\r\n'
    b'"event":"delivered","sg_event_id":"e1", "sg_message_id":"F7KEJ8.recvd-5d5c-1-2.0",\r\n'
    b'"booking_message_id":"01957b2e-7b7c-7000-8000-00000000abcd","response":"250 OK"},\r\n'
    b'{"email":"a@example.org","timestamp":1803891541,"event":"processed","sg_event_id":"e2",'
    b'"sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"}]\r\n'
)


def fields(
    body: bytes, key: ec.EllipticCurvePrivateKey = SENDGRID_KEYS[0], moment: str = MOMENT
) -> dict[str, str]:
    signature = key.sign(moment.encode() + body, ec.ECDSA(SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": moment,
    }


async def told(api: Api, body: bytes, headers: dict[str, str] | None = None) -> Response:
    headers = fields(body) if headers is None else headers
    return await api.send("POST", PATH, content=body, headers=headers)


def an_event(**about: Any) -> bytes:
    usual = {"email": "a@example.org", "timestamp": 1803891540, "sg_event_id": "e1"}
    return json.dumps([{**usual, **about}]).encode()


@pytest.mark.parametrize("key", SENDGRID_KEYS, ids=["old", "new"])
async def test_two_events_at_once(
    hooks: Api, office: Office, key: ec.EllipticCurvePrivateKey
) -> None:
    """Their bytes count: the same JSON in other words is another body."""
    answer = await told(hooks, TWO, fields(TWO, key))
    assert (answer.status_code, answer.content) == (204, b"")
    assert office.told == [
        Report(
            provider="sendgrid",
            event_id="e1",
            channel=Channel.EMAIL,
            reported=Reported.DELIVERED,
            at=datetime(2027, 3, 1, 8, 59, tzinfo=UTC),
            message_id=ID,
            provider_id="F7KEJ8",
            recipient="jörg@example.org",
        ),
        Report(
            provider="sendgrid",
            event_id="e2",
            channel=Channel.EMAIL,
            reported=Reported.ACCEPTED,
            at=datetime(2027, 3, 1, 8, 59, 1, tzinfo=UTC),
            provider_id="14c5d75ce93.dfd.64b469",
            recipient="a@example.org",
        ),
    ]
    again = json.dumps(json.loads(TWO)).encode()
    assert code_of(await told(hooks, again, fields(TWO))) == WRONG


def wrong() -> dict[str, dict[str, str]]:
    good = fields(TWO)
    signature, moment = good
    another = ec.generate_private_key(ec.SECP256R1())
    return {
        "none": {},
        "no signature": {moment: MOMENT},
        "no moment": {signature: good[signature]},
        "another key": fields(TWO, another),
        "another moment": {**good, moment: "1803891600"},
        "another body": fields(TWO[:-2]),
        "no base64": {**good, signature: "é!"},
        "no signature at all": {**good, signature: base64.b64encode(b"x").decode()},
    }


@pytest.mark.parametrize("what", wrong())
async def test_what_sendgrid_did_not_sign_is_refused(hooks: Api, office: Office, what: str) -> None:
    headers = [(name, value.encode()) for name, value in wrong()[what].items()]
    answer = await hooks.client.post(PATH, content=TWO, headers=headers)
    assert code_of(answer) == WRONG
    assert office.told == []


@pytest.mark.parametrize(
    ("about", "reported", "fault", "code"),
    [
        ({"event": "deferred", "status": "4.2.2"}, Reported.DELAYED, None, None),
        (
            {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 a@b.c"},
            Reported.BOUNCED,
            Fault.RECIPIENT,
            "5.1.1",
        ),
        ({"event": "bounce"}, Reported.BOUNCED, Fault.RECIPIENT, "bounce"),
        (
            {"event": "bounce", "type": "blocked", "status": "a@b.c said no"},
            Reported.FAILED,
            Fault.TEMPORARY,
            "blocked",
        ),
        (
            {"event": "bounce", "type": "blocked", "bounce_classification": "Content"},
            Reported.FAILED,
            Fault.POLICY,
            "blocked",
        ),
        (
            {"event": "bounce", "type": "blocked", "bounce_classification": "Invalid Address"},
            Reported.FAILED,
            Fault.RECIPIENT,
            "blocked",
        ),
        (
            {"event": "dropped", "reason": "Bounced Address"},
            Reported.FAILED,
            Fault.RECIPIENT,
            "dropped",
        ),
        (
            {"event": "dropped", "reason": "Unsubscribed Address"},
            Reported.FAILED,
            Fault.OPTED_OUT,
            "dropped",
        ),
        (
            {"event": "dropped", "reason": "Spam Reporting Address"},
            Reported.FAILED,
            Fault.OPTED_OUT,
            "dropped",
        ),
        (
            {"event": "dropped", "reason": "Recipient List over Package Quota"},
            Reported.FAILED,
            Fault.REFUSED,
            "dropped",
        ),
        ({"event": "dropped"}, Reported.FAILED, Fault.POLICY, "dropped"),
        ({"event": "spamreport"}, Reported.COMPLAINED, None, None),
        ({"event": "unsubscribe"}, Reported.OPTED_OUT, None, None),
        ({"event": "group_resubscribe"}, Reported.OPTED_IN, None, None),
    ],
)
async def test_events(
    hooks: Api,
    office: Office,
    about: dict[str, str],
    reported: Reported,
    fault: Fault | None,
    code: str | None,
) -> None:
    assert (await told(hooks, an_event(**about))).status_code == 204
    (report,) = office.told
    assert isinstance(report, Report)
    assert (report.reported, report.fault, report.code) == (reported, fault, code)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"1",
        b"null",
        b'[1, null, [], {"event": 1}]',
        an_event(event="open"),
        an_event(event="of tomorrow"),
        an_event(event=["delivered"]),
        an_event(event="delivered", sg_event_id=None),
        an_event(event="delivered", sg_event_id="a\nb"),
    ],
)
async def test_what_is_not_known_is_taken_and_left(hooks: Api, office: Office, body: bytes) -> None:
    assert (await told(hooks, body)).status_code == 204
    assert office.told == []


@pytest.mark.parametrize(
    "about",
    [
        {"timestamp": "soon", "email": 1, "booking_message_id": "mine"},
        {"timestamp": 10**30, "email": None, "booking_message_id": 7},
        {"timestamp": None, "email": "a\r\nb@example.org", "sg_message_id": {}},
        {"timestamp": True, "email": "a" * 9999, "sg_message_id": ""},
    ],
)
async def test_members_of_another_kind_do_no_harm(
    hooks: Api, office: Office, about: dict[str, Any]
) -> None:
    assert (await told(hooks, an_event(event="delivered", **about))).status_code == 204
    (report,) = office.told
    assert isinstance(report, Report)
    assert report.at == NOW or about["timestamp"] is True
    assert (report.message_id, report.provider_id) == (None, None)


@pytest.mark.parametrize("body", [b"[", b"\xff", b"[NaN]", b"[" * 5000])
async def test_what_is_no_json_is_refused(hooks: Api, body: bytes) -> None:
    assert code_of(await told(hooks, body)) == (400, "malformed_request")


async def test_many_events_fit_and_no_more(hooks: Api, office: Office) -> None:
    one = an_event(event="delivered")[1:-1]
    many = b"[" + b",".join([one] * (900_000 // len(one))) + b"]"
    assert (await told(hooks, many)).status_code == 204
    assert len(office.told) > 5000
    answer = await told(hooks, b"[" + b" " * 1024 * 1024 + b"]")
    assert code_of(answer) == (413, "body_too_large")


async def test_without_a_key_there_is_no_such_address(hooks: Api, office: Office) -> None:
    with office.not_set_up():
        assert code_of(await told(hooks, TWO)) == (404, "not_found")


def der(key: Any) -> str:
    return base64.b64encode(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "AAAA",
        der(ed25519.Ed25519PrivateKey.generate()),
        der(ec.generate_private_key(ec.SECP384R1())),
        shown(SENDGRID_KEYS[0])[:-4],
    ],
    ids=["empty", "short", "no ASCII", "no key", "Ed25519", "P-384", "cut off"],
)
def test_what_is_no_key_of_sendgrids(text: str) -> None:
    with pytest.raises(WrongKeyError):
        public_key(text)
