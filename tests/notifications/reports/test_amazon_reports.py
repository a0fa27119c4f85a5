"""SNS: whose topic it is, whether Amazon signed, and what SES and phones have to tell."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from httpx import Response

from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, Report, Reported, SmsReply
from tests.api import Api, code_of
from tests.notifications.reports.office import (
    CERTIFICATE,
    ID,
    NOW,
    PEM,
    TOPIC,
    Office,
    certificate,
    envelope,
    signed_by_amazon,
)

PATH = "/v1/message-callbacks/sns"
WRONG = (400, "invalid_signature")
PLAIN = {"Content-Type": "text/plain; charset=UTF-8"}
AT = datetime(2027, 3, 1, 8, 59, tzinfo=UTC)
MAIL = {
    "messageId": "0107018f-ses",
    "destination": ["joerg@example.org"],
    "tags": {"booking_message_id": [str(ID)], "ses:operation": ["SendEmail"]},
}
BOUNCE = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": [
        {
            "emailAddress": "joerg@example.org",
            "status": "5.1.1",
            "diagnosticCode": "550 joerg@example.org",
        }
    ],
}


async def told(api: Api, body: bytes, **headers: str) -> Response:
    return await api.send("POST", PATH, content=body, headers={**PLAIN, **headers})


async def event(api: Api, **message: Any) -> Response:
    return await told(api, signed_by_amazon(envelope({"mail": MAIL, **message})))


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_bounce(hooks: Api, office: Office, version: str) -> None:
    """Whatever the type of its body is called; the certificate is fetched once."""
    message = {"eventType": "Bounce", "mail": MAIL, "bounce": BOUNCE}
    for subject in ({}, {"Subject": "Amazon SES Email Event Notification"}):
        body = signed_by_amazon(envelope(message, SignatureVersion=version, **subject))
        answer = await told(hooks, body)
        assert (answer.status_code, answer.content) == (204, b"")
    assert (
        office.told[0]
        == office.told[1]
        == Report(
            provider="ses",
            event_id="22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324:0",
            channel=Channel.EMAIL,
            reported=Reported.BOUNCED,
            at=AT,
            message_id=ID,
            provider_id="0107018f-ses",
            recipient="joerg@example.org",
            fault=Fault.RECIPIENT,
            code="Permanent General",
        )
    )
    assert [str(one.url) for one in office.asked] == [CERTIFICATE]


def changed(**other: Any) -> bytes:
    return json.dumps({**json.loads(signed_by_amazon(envelope("hello"))), **other}).encode()


def wrong() -> dict[str, bytes]:
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "another message": changed(Message="other"),
        "another id": changed(MessageId="other"),
        "another moment": changed(Timestamp="2027-03-01T08:59:00.001Z"),
        "another type": changed(Type="UnsubscribeConfirmation"),
        "another hash": changed(SignatureVersion="1"),
        "a hash of tomorrow": changed(SignatureVersion="3"),
        "no hash": changed(SignatureVersion=None),
        "a subject": changed(Subject="x"),
        "no signature": changed(Signature=None),
        "another signature": changed(Signature="AAAA"),
        "no text": changed(Message=1),
        "another key": signed_by_amazon(envelope("hello"), another),
    }


@pytest.mark.parametrize("what", wrong())
async def test_what_amazon_did_not_sign_is_refused(hooks: Api, office: Office, what: str) -> None:
    assert code_of(await told(hooks, wrong()[what])) == WRONG
    assert office.told == []


NAME = "SimpleNotificationService-60eadc530605d63b8e62a523676ef735.pem"
HOST = "sns.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/{NAME}",
        f"https://{HOST}:443/{NAME}",
        f"https://{HOST}:8443/{NAME}",
        f"https://user@{HOST}/{NAME}",
        f"https://{HOST}@evil.example.com/{NAME}",
        f"https://s3.amazonaws.com/{NAME}",
        f"https://sns.s3.amazonaws.com/{NAME}",
        f"https://sns.s3-eu-west-1.amazonaws.com/{NAME}",
        f"https://bucket.s3.eu-central-1.amazonaws.com/{NAME}",
        f"https://{HOST}.evil.example.com/{NAME}",
        f"https://evil{HOST}/{NAME}",
        f"https://sns.evil.example.com/{HOST}/{NAME}",
        f"https://sns.eu.central.amazonaws.com/{NAME}",
        f"https://snsXeu-central-1.amazonaws.com/{NAME}",
        f"https://{HOST}.cn.com/{NAME}",
        f"https://{HOST}/evil/{NAME}",
        f"https://{HOST}/../{NAME}",
        f"https://{HOST}/evil.pem",
        f"https://{HOST}/{NAME}?x=1",
        f"https://{HOST}/{NAME}#x",
        f"https://{HOST}/{NAME}\n",
        f" https://{HOST}/{NAME}",
        f"https://{HOST}\\.evil.example.com/{NAME}",
        f"https://SNS.eu-central-1.amazonaws.com/{NAME}".replace("SNS", "ＳＮＳ"),
        "file:///etc/passwd",
        "",
        None,
    ],
)
async def test_certificates_are_amazons_own(hooks: Api, office: Office, url: str | None) -> None:
    """Nobody is asked for one that is not."""
    body = signed_by_amazon(envelope("hello", SigningCertURL=url))
    assert code_of(await told(hooks, body)) == WRONG
    assert office.asked == []


async def test_certificates_of_all_regions(hooks: Api, office: Office) -> None:
    for host in ("sns.us-gov-west-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"):
        url = f"https://{host}/{NAME}"
        office.answers[url] = httpx.Response(200, content=PEM)
        body = signed_by_amazon(envelope("hello", SigningCertURL=url))
        assert (await told(hooks, body)).status_code == 204


async def test_a_genuine_message_of_another_topic_is_refused_unasked(
    hooks: Api, office: Office
) -> None:
    """Its owner can sign what they like; neither is their subscription confirmed."""
    for topic in (TOPIC.replace("123456789012", "210987654321"), f"{TOPIC}2", "", None, [TOPIC]):
        for kind in ("Notification", "SubscriptionConfirmation"):
            body = signed_by_amazon(envelope("hello", kind=kind, TopicArn=topic))
            assert code_of(await told(hooks, body)) == (403, "forbidden")
    assert office.told == []
    assert office.asked == []


async def test_a_subscription_is_confirmed_by_the_api(hooks: Api, office: Office) -> None:
    """And never by the address that came along."""
    body = signed_by_amazon(envelope("You have chosen to", kind="SubscriptionConfirmation"))
    assert (await told(hooks, body)).status_code == 204
    fetched, confirmed = office.asked
    assert str(fetched.url) == CERTIFICATE
    assert (confirmed.method, str(confirmed.url)) == (
        "POST",
        "https://sns.eu-central-1.amazonaws.com/",
    )
    assert dict(parse_qsl(confirmed.content.decode())) == {
        "Action": "ConfirmSubscription",
        "Version": "2010-03-31",
        "TopicArn": TOPIC,
        "Token": "a-token",
    }
    assert office.told == []
    office.asked.clear()
    office.answers["https://sns.eu-central-1.amazonaws.com/"] = httpx.Response(400)
    assert code_of(await told(hooks, body)) == (503, "dependency_unavailable")
    forged = json.dumps({**json.loads(body), "Token": "another"}).encode()
    office.asked.clear()
    assert code_of(await told(hooks, forged)) == WRONG
    assert office.asked == []


async def test_the_end_of_a_subscription_is_taken_and_left(hooks: Api, office: Office) -> None:
    """Nobody subscribes again by itself."""
    body = signed_by_amazon(envelope("You have chosen", kind="UnsubscribeConfirmation"))
    assert (await told(hooks, body)).status_code == 204
    assert [str(one.url) for one in office.asked] == [CERTIFICATE]


async def test_raw_delivery_is_refused_with_a_word_on_the_switch(
    hooks: Api, office: Office
) -> None:
    message = json.dumps({"eventType": "Bounce", "mail": MAIL, "bounce": BOUNCE}).encode()
    genuine = signed_by_amazon(envelope("hello"))
    for body, headers in ((message, {}), (genuine, {"x-amz-sns-rawdelivery": "true"}), (b"[]", {})):
        answer = await told(hooks, body, **headers)
        assert code_of(answer) == (400, "malformed_request")
        assert "raw message delivery" in answer.json()["detail"]
    assert code_of(await told(hooks, b"{")) == (400, "malformed_request")
    assert office.asked == []


async def test_a_certificate_that_cannot_be_had_now(hooks: Api, office: Office) -> None:
    """It is told again later; meanwhile nobody makes us ask for one address after the other."""
    body = signed_by_amazon(envelope("hello"))
    office.answers[CERTIFICATE] = httpx.Response(500)
    other = CERTIFICATE.replace("60eadc", "70eadc")
    assert code_of(await told(hooks, body)) == (503, "dependency_unavailable")
    assert len(office.asked) == 1
    for url in (CERTIFICATE, other):
        again = signed_by_amazon(envelope("hello", SigningCertURL=url))
        assert code_of(await told(hooks, again)) == (503, "dependency_unavailable")
    assert len(office.asked) == 1
    office.clock.at += timedelta(seconds=6)
    office.answers[CERTIFICATE] = httpx.Response(200, content=PEM)
    assert (await told(hooks, body)).status_code == 204


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"Location": "https://evil.example.com/x.pem"}),
        httpx.Response(200, content=b"x" * 70_000),
        httpx.Response(200, content=b"no certificate"),
    ],
    ids=["moved", "large", "none"],
)
async def test_an_answer_that_is_no_certificate(
    hooks: Api, office: Office, answer: httpx.Response
) -> None:
    office.answers[CERTIFICATE] = answer
    office.answers["https://evil.example.com/x.pem"] = httpx.Response(200, content=PEM)
    body = signed_by_amazon(envelope("hello"))
    assert code_of(await told(hooks, body)) == (503, "dependency_unavailable")
    assert [str(one.url) for one in office.asked] == [CERTIFICATE]


@pytest.mark.parametrize(
    "content",
    [
        certificate(until=NOW - timedelta(seconds=1)),
        certificate(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["out of date", "of another kind"],
)
async def test_a_certificate_that_is_no_good(hooks: Api, office: Office, content: bytes) -> None:
    office.answers[CERTIFICATE] = httpx.Response(200, content=content)
    assert code_of(await told(hooks, signed_by_amazon(envelope("hello")))) == WRONG


async def test_no_more_certificates_are_kept_than_there_are_regions(
    hooks: Api, office: Office
) -> None:
    for n in range(20):
        url = f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{n:032x}.pem"
        office.answers[url] = httpx.Response(200, content=PEM)
        body = signed_by_amazon(envelope("hello", SigningCertURL=url))
        assert (await told(hooks, body)).status_code == 204
    assert len(office.certificates._kept) == 16


@pytest.mark.parametrize(
    ("message", "reported", "fault", "code"),
    [
        ({"eventType": "Send", "send": {}}, Reported.ACCEPTED, None, None),
        (
            {"notificationType": "Delivery", "delivery": {"recipients": ["joerg@example.org"]}},
            Reported.DELIVERED,
            None,
            None,
        ),
        (
            {"eventType": "DeliveryDelay", "deliveryDelay": {"delayType": "MailboxFull"}},
            Reported.DELAYED,
            None,
            None,
        ),
        (
            {
                "eventType": "Complaint",
                "complaint": {"complainedRecipients": [{"emailAddress": "joerg@example.org"}]},
            },
            Reported.COMPLAINED,
            None,
            None,
        ),
        (
            {"eventType": "Reject", "reject": {"reason": "x"}},
            Reported.FAILED,
            Fault.POLICY,
            "Reject",
        ),
        (
            {"eventType": "Rendering Failure", "failure": {}},
            Reported.FAILED,
            Fault.POLICY,
            "Rendering Failure",
        ),
        (
            {
                "eventType": "Bounce",
                "bounce": {**BOUNCE, "bounceSubType": "OnAccountSuppressionList"},
            },
            Reported.BOUNCED,
            Fault.RECIPIENT,
            "Permanent OnAccountSuppressionList",
        ),
        (
            {"eventType": "Bounce", "bounce": {**BOUNCE, "bounceSubType": "UnsubscribedRecipient"}},
            Reported.FAILED,
            Fault.OPTED_OUT,
            "Permanent UnsubscribedRecipient",
        ),
        (
            {
                "eventType": "Bounce",
                "bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"},
            },
            Reported.FAILED,
            Fault.TEMPORARY,
            "Transient MailboxFull",
        ),
        (
            {
                "eventType": "Bounce",
                "bounce": {"bounceType": "Transient", "bounceSubType": "ContentRejected"},
            },
            Reported.FAILED,
            Fault.POLICY,
            "Transient ContentRejected",
        ),
        (
            {"eventType": "Bounce", "bounce": {}},
            Reported.FAILED,
            Fault.TEMPORARY,
            "Undetermined General",
        ),
        (
            {"eventType": "Bounce", "bounce": None},
            Reported.FAILED,
            Fault.TEMPORARY,
            "Undetermined General",
        ),
    ],
)
async def test_events(
    hooks: Api,
    office: Office,
    message: dict[str, Any],
    reported: Reported,
    fault: Fault | None,
    code: str | None,
) -> None:
    assert (await event(hooks, **message)).status_code == 204
    (report,) = office.told
    assert isinstance(report, Report)
    assert (report.reported, report.fault, report.code) == (reported, fault, code)
    assert (report.message_id, report.recipient) == (ID, "joerg@example.org")


@pytest.mark.parametrize(
    "message",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "",
        "[]",
        {"eventType": "Open"},
        {"eventType": ["Bounce"]},
        {"eventType": "Of tomorrow", "mail": 1},
        {"eventType": "Complaint", "complaint": {"complaintFeedbackType": "not-spam"}},
        {"originationNumber": "+491"},
        {"originationNumber": 1, "destinationNumber": "+492", "messageBody": "C"},
    ],
)
async def test_what_is_not_known_is_taken_and_left(
    hooks: Api, office: Office, message: object
) -> None:
    assert (await told(hooks, signed_by_amazon(envelope(message)))).status_code == 204
    assert office.told == []


@pytest.mark.parametrize(
    "mail",
    [None, 1, {"tags": []}, {"tags": {"booking_message_id": []}, "destination": [1]}, {"tags": 1}],
)
async def test_members_of_another_kind_do_no_harm(hooks: Api, office: Office, mail: object) -> None:
    about = envelope({"eventType": "Send", "mail": mail}, Timestamp="soon")
    assert (await told(hooks, signed_by_amazon(about))).status_code == 204
    (report,) = office.told
    assert isinstance(report, Report)
    assert (report.message_id, report.provider_id, report.recipient) == (None, None, None)
    assert report.at == NOW


async def test_a_mail_to_two_is_two_reports(hooks: Api, office: Office) -> None:
    both = [{"emailAddress": "a@example.org"}, {"emailAddress": "b@example.org"}]
    await event(hooks, eventType="Bounce", bounce={**BOUNCE, "bouncedRecipients": both})
    assert [report.recipient for report in office.told] == ["a@example.org", "b@example.org"]  # type: ignore[union-attr]
    assert len({report.event_id for report in office.told}) == 2


async def test_a_person_answers(hooks: Api, office: Office) -> None:
    message = {
        "originationNumber": "+491",
        "destinationNumber": "+492",
        "messageKeyword": "KEYWORD",
        "messageBody": "X",
        "inboundMessageId": "in-1",
    }
    assert (await told(hooks, signed_by_amazon(envelope(message)))).status_code == 204
    assert office.told == [
        SmsReply(provider="sns", event_id="in-1", sender="+491", to="+492", text="X", at=AT)
    ]


async def test_a_large_one_fits_and_no_larger(hooks: Api, office: Office) -> None:
    body = signed_by_amazon(envelope("x" * 250_000))
    assert (await told(hooks, body)).status_code == 204
    answer = await told(hooks, signed_by_amazon(envelope("x" * 262_144)))
    assert code_of(answer) == (413, "body_too_large")


async def test_without_topics_there_is_no_such_address(hooks: Api, office: Office) -> None:
    with office.not_set_up():
        answer = await told(hooks, signed_by_amazon(envelope("hello")))
    assert code_of(answer) == (404, "not_found")
