"""What SendGrid tells (Event Webhook): what became of e-mails, and of their recipients."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature as WrongSignatureError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from booking_system.notifications.adapters.correlation import MESSAGE_ID
from booking_system.notifications.adapters.reports.reading import (
    id_of,
    json_of,
    moment_of,
    objects_of,
    text_of,
)
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, Report, Reported
from booking_system.platform.http.signatures import InvalidSignature, Signed
from booking_system.shared_kernel.errors import NotFound

PROVIDER = "sendgrid"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
BEHIND_THE_ID = re.compile(r"\.(filter|recvd)")
EVENTS = {
    "processed": Reported.ACCEPTED,
    "deferred": Reported.DELAYED,
    "delivered": Reported.DELIVERED,
    "bounce": Reported.BOUNCED,
    "blocked": Reported.FAILED,
    "dropped": Reported.FAILED,
    "spamreport": Reported.COMPLAINED,
    "unsubscribe": Reported.OPTED_OUT,
    "group_unsubscribe": Reported.OPTED_OUT,
    "group_resubscribe": Reported.OPTED_IN,
}
BY_CLASS = {
    "invalid address": Fault.RECIPIENT,
    "content": Fault.POLICY,
    "reputation": Fault.POLICY,
}
"""`bounce_classification` of a block, which is a no of the other server, not for ever."""
DROPPED = (
    ("bounced", Fault.RECIPIENT),
    ("invalid", Fault.RECIPIENT),
    ("unsubscribed", Fault.OPTED_OUT),
    ("spam report", Fault.OPTED_OUT),
    ("quota", Fault.REFUSED),
)
"""What the reason of a drop begins with, or holds."""


class WrongKeyError(ValueError):
    """It is no public key of SendGrid's."""


class SendGridSignature:
    """Checks ECDSA over the timestamp and the body as it came, by any of several keys.

    The timestamp may be old: SendGrid tries again for a day, and an event told again changes
    nothing.
    """

    def __init__(self, keys: Sequence[ec.EllipticCurvePublicKey]) -> None:
        """Without keys there is no such address: `404`."""
        self._keys = tuple(keys)

    async def __call__(self, signed: Signed) -> None:
        """Raise `InvalidSignature`."""
        if not self._keys:
            raise NotFound
        try:
            given = base64.b64decode(signed.headers.get(SIGNATURE, ""), validate=True)
        except (binascii.Error, ValueError):
            raise InvalidSignature from None
        text = signed.headers.get(TIMESTAMP, "").encode() + signed.body
        if not any(_fits(key, given, text) for key in self._keys):
            raise InvalidSignature


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Return a key as SendGrid shows it: base64 of DER. Raises `WrongKeyError`."""
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise WrongKeyError from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WrongKeyError
    return key


def reports(body: bytes, now: datetime) -> list[Report]:
    """Return what is told; nothing of events that are not known. Raises `Malformed`."""
    told = json_of(body)
    events = objects_of(told if isinstance(told, list) else [told])
    return [report for event in events if (report := _report(event, now)) is not None]


def _report(event: Mapping[str, Any], now: datetime) -> Report | None:
    name = text_of(event, "event") or ""
    if name == "bounce" and event.get("type") == "blocked":
        name = "blocked"
    reported, event_id = EVENTS.get(name), text_of(event, "sg_event_id")
    if reported is None or event_id is None:
        return None
    given = text_of(event, "sg_message_id")
    return Report(
        provider=PROVIDER,
        event_id=event_id,
        channel=Channel.EMAIL,
        reported=reported,
        at=moment_of(event.get("timestamp"), now),
        message_id=id_of(event.get(MESSAGE_ID)),
        provider_id=given and BEHIND_THE_ID.split(given)[0],
        recipient=text_of(event, "email"),
        fault=_fault(name, event),
        code=_code(name, event),
    )


def _fault(name: str, event: Mapping[str, Any]) -> Fault | None:
    if name == "bounce":
        return Fault.RECIPIENT
    if name == "blocked":
        kind = (text_of(event, "bounce_classification") or "").lower()
        return BY_CLASS.get(kind, Fault.TEMPORARY)
    if name == "dropped":
        reason = (text_of(event, "reason") or "").lower()
        return next((fault for part, fault in DROPPED if part in reason), Fault.POLICY)
    return None


def _code(name: str, event: Mapping[str, Any]) -> str | None:
    """The status of the other server, such as `5.1.1`; never its sentence."""
    status = text_of(event, "status")
    is_code = status is not None and re.fullmatch(r"[0-9.]{1,15}", status) is not None
    return (status if is_code else name) if _fault(name, event) is not None else None


def _fits(key: ec.EllipticCurvePublicKey, given: bytes, text: bytes) -> bool:
    try:
        key.verify(given, text, ec.ECDSA(SHA256()))
    except WrongSignatureError:
        return False
    return True
