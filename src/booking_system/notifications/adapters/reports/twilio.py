"""What Twilio tells: what became of an SMS, and what people answer."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from pydantic import SecretStr

from booking_system.notifications.adapters.reports.reading import json_of, object_of, text_of
from booking_system.notifications.adapters.twilio_codes import fault_of
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, Report, Reported, SmsReply
from booking_system.platform.http.signatures import InvalidSignature, Signed
from booking_system.shared_kernel.errors import NotFound

PROVIDER = "twilio"
HEADER = "x-twilio-signature"
MOST_FIELDS = 200
USUAL_PORTS = {"https": 443, "http": 80}
LONGEST_TEXT = 5000
STATUSES = {
    "accepted": Reported.ACCEPTED,
    "scheduled": Reported.ACCEPTED,
    "queued": Reported.ACCEPTED,
    "sending": Reported.ACCEPTED,
    "sent": Reported.ACCEPTED,
    "partially_delivered": Reported.ACCEPTED,
    "delivered": Reported.DELIVERED,
    "read": Reported.DELIVERED,
    "undelivered": Reported.FAILED,
    "failed": Reported.FAILED,
    "canceled": Reported.FAILED,
}
ANSWERED = frozenset({"STOP", "START", "HELP"})
"""To these Twilio writes itself, where it was told to."""
WISHES = {"STOP": Reported.OPTED_OUT, "START": Reported.OPTED_IN}


class TwilioSignature:
    """Checks HMAC-SHA1 over the address as Twilio knows it and all fields of the form.

    The address is the configured one with path and query as they came: what a proxy in front has
    made of scheme, host and port does not matter. Where the body is JSON its hash is in the query.
    """

    def __init__(self, tokens: Sequence[SecretStr], *, public_url: str) -> None:
        """Without tokens there is no such address: `404`."""
        self._tokens = tuple(token.get_secret_value().encode() for token in tokens)
        self._origins = tuple(_origins(public_url))

    async def __call__(self, signed: Signed) -> None:
        """Raise `InvalidSignature`."""
        if not self._tokens:
            raise NotFound
        given = signed.headers.get(HEADER, "").encode("utf-8", "replace")
        fields, fits = _signed_fields(signed), False
        for token in self._tokens:
            for origin in self._origins:
                expected = hmac.digest(token, origin + signed.target + fields, hashlib.sha1)
                fits |= hmac.compare_digest(base64.b64encode(expected), given)
        if not fits:
            raise InvalidSignature


def form_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form, or of a JSON object. Raises `Malformed` for broken JSON."""
    if body.lstrip()[:1] == b"{":
        told = object_of(json_of(body))
        return {name: str(value) for name, value in told.items() if isinstance(value, str | int)}
    return dict(_pairs(body))


def status_report(form: Mapping[str, str], message_id: UUID, now: datetime) -> list[Report]:
    """Return what became of a message; nothing for a status that is not known."""
    status = text_of(form, "MessageStatus", "SmsStatus") or ""
    sid = text_of(form, "MessageSid", "SmsSid")
    reported = STATUSES.get(status)
    if reported is None or sid is None:
        return []
    has_failed = reported is Reported.FAILED
    code = text_of(form, "ErrorCode") or status
    return [
        Report(
            provider=PROVIDER,
            event_id=f"{sid}:{status}",
            channel=Channel.SMS,
            reported=reported,
            at=now,
            message_id=message_id,
            provider_id=sid,
            recipient=text_of(form, "To"),
            sender=text_of(form, "From"),
            fault=(fault_of(code) or Fault.POLICY) if has_failed else None,
            code=code if has_failed else None,
        )
    ]


def replies(form: Mapping[str, str], now: datetime) -> list[Report | SmsReply]:
    """Return what somebody answered, and whether Twilio took it as a wish to be left alone."""
    sid = text_of(form, "MessageSid", "SmsSid")
    sender, to = text_of(form, "From"), text_of(form, "To")
    if sid is None or sender is None or to is None:
        return []
    text = form.get("Body", "")[:LONGEST_TEXT]
    wish = form.get("OptOutType", "").upper()
    told: list[Report | SmsReply] = [
        SmsReply(
            provider=PROVIDER,
            event_id=sid,
            sender=sender,
            to=to,
            text=text,
            at=now,
            was_answered=wish in ANSWERED,
        )
    ]
    if wish in WISHES:
        told.append(
            Report(
                provider=PROVIDER,
                event_id=f"{sid}:{wish}",
                channel=Channel.SMS,
                reported=WISHES[wish],
                at=now,
                recipient=sender,
                sender=to,
            )
        )
    return told


def _signed_fields(signed: Signed) -> bytes:
    hashes = [
        value
        for name, value in parse_qsl(signed.target.partition(b"?")[2].decode("latin-1"))
        if name == "bodySHA256"
    ]
    if hashes:
        if not hmac.compare_digest(
            hashlib.sha256(signed.body).hexdigest(), hashes[0].encode("ascii", "replace").decode()
        ):
            raise InvalidSignature
        return b""
    # Twilio's own library leaves out a value that is there twice under one name.
    return "".join(name + value for name, value in sorted(set(_pairs(signed.body)))).encode()


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise InvalidSignature from None


def _origins(public_url: str) -> list[bytes]:
    """The address with and without its usual port: Twilio signs now the one, now the other."""
    parts = urlsplit(public_url)
    port = USUAL_PORTS.get(parts.scheme)
    plain = public_url.removesuffix("/")
    if parts.port == port:
        return [plain.encode(), plain.replace(f":{port}", "", 1).encode()]
    if parts.port is None and port is not None:
        return [plain.encode(), plain.replace(parts.netloc, f"{parts.netloc}:{port}", 1).encode()]
    return [plain.encode()]
