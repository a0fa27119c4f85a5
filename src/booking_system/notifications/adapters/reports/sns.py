"""Envelopes of Amazon SNS: whose they are, whether they are genuine, and what to do with them."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature as WrongSignatureError
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from booking_system.notifications.adapters.carriers.addresses import TOPIC, amazon_origin
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.reports.certificates import Certificates
from booking_system.notifications.adapters.reports.reading import json_of, object_of, text_of
from booking_system.platform.http.signatures import InvalidSignature, Signed
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.errors import Malformed, NotFound, NotPermitted, Unavailable

NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"
IN_ORDER = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        (CONFIRMATION, "UnsubscribeConfirmation"),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
"""What is signed, by type: names and values in this order."""
HASHES = {"1": SHA1, "2": SHA256}
SECONDS = 5.0
VERSION = "2010-03-31"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What SNS wraps a message in."""

    kind: str
    id: str
    topic: str
    message: str
    token: str | None
    timestamp: str | None


class SnsSignature:
    """Checks whose topic it is, then RSA over the envelope, by a certificate of Amazon's.

    Anybody can have a topic of their own, whose envelopes are genuine too: a topic that is not on
    the list is refused before anything is asked of anybody.
    """

    def __init__(self, topics: Sequence[str], certificates: Certificates) -> None:
        """`topics` are ARNs. Without any there is no such address: `404`."""
        self._topics = frozenset(topics)
        self._certificates = certificates

    async def __call__(self, signed: Signed) -> None:
        """Raise `InvalidSignature`, `NotPermitted` for another topic, `Malformed` for no envelope.

        Raises `Unavailable` where the certificate cannot be had now.
        """
        if not self._topics:
            raise NotFound
        told = _told(signed)
        topic = told.get("TopicArn")
        if not isinstance(topic, str) or topic not in self._topics:
            detail = "This topic is not one of BOOKING_SNS_TOPIC_ARNS."
            raise NotPermitted(detail)
        text = _signed_text(told)
        hashed = HASHES.get(str(told.get("SignatureVersion")))
        try:
            given = base64.b64decode(str(told.get("Signature")), validate=True)
        except (binascii.Error, ValueError):
            raise InvalidSignature from None
        if hashed is None:
            raise InvalidSignature
        key = await self._certificates.key(str(told.get("SigningCertURL")))
        try:
            # SHA1 is what SNS signs with unless asked for version 2: it is about a text of theirs.
            key.verify(given, text, PKCS1v15(), hashed())
        except WrongSignatureError:
            raise InvalidSignature from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsConfirmation:
    """Says to SNS that a subscription is wanted: by its API, never by an address that came along.

    `base` is another address of the API.
    """

    http: HttpWhenNeeded
    base: str | None = None

    async def __call__(self, envelope: Envelope) -> None:
        """Confirm it. Raises `Unavailable`: SNS asks again."""
        import httpx  # noqa: PLC0415  (loaded where something is confirmed)

        topic = TOPIC.fullmatch(envelope.topic)
        assert topic is not None, "it is on the list"
        form = {
            "Action": "ConfirmSubscription",
            "Version": VERSION,
            "TopicArn": envelope.topic,
            "Token": envelope.token or "",
        }
        try:
            with waiting_elsewhere():
                answer = await self.http.way().client.post(
                    f"{self.base or amazon_origin('sns', topic[2])}/", data=form, timeout=SECONDS
                )
        except httpx.HTTPError:
            raise Unavailable("The subscription could not be confirmed.") from None
        if not answer.is_success:
            raise Unavailable("The subscription could not be confirmed.")


def envelope_of(body: bytes) -> Envelope:
    """Return what was signed. Raises `Malformed`."""
    told = object_of(json_of(body))
    message = told.get("Message")
    return Envelope(
        kind=str(told.get("Type")),
        id=text_of(told, "MessageId") or "",
        topic=str(told.get("TopicArn")),
        message=message if isinstance(message, str) else "",
        token=text_of(told, "Token"),
        timestamp=text_of(told, "Timestamp"),
    )


def _told(signed: Signed) -> Mapping[str, Any]:
    is_raw = signed.headers.get("x-amz-sns-rawdelivery", "").lower() == "true"
    told = {} if is_raw else object_of(json_of(signed.body))
    if told.get("Type") not in IN_ORDER:
        detail = (
            "This is no envelope of SNS. Switch off raw message delivery of the subscription: "
            "without the envelope there is no signature."
        )
        raise Malformed(detail)
    return told


def _signed_text(told: Mapping[str, Any]) -> bytes:
    """Return what SNS signs: a line for each name and each value."""
    lines = []
    for name in IN_ORDER[told["Type"]]:
        value = told.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            raise InvalidSignature
        lines += [name, value]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
