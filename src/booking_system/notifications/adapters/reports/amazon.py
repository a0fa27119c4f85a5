"""What Amazon tells by SNS: of e-mails that went by SES, and of SMS that people answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from booking_system.notifications.adapters.correlation import MESSAGE_ID
from booking_system.notifications.adapters.reports.reading import (
    id_of,
    moment_of,
    object_of,
    objects_of,
    text_of,
)
from booking_system.notifications.adapters.reports.sns import Envelope
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.sending import Fault, Report, Reported, SmsReply

LONGEST_TEXT = 5000
EVENTS = {
    "Send": Reported.ACCEPTED,
    "Delivery": Reported.DELIVERED,
    "DeliveryDelay": Reported.DELAYED,
    "Bounce": Reported.FAILED,
    "Complaint": Reported.COMPLAINED,
    "Reject": Reported.FAILED,
    "Rendering Failure": Reported.FAILED,
}
"""By `eventType` (event publishing) or `notificationType` (feedback notifications)."""
PERMANENT = {"UnsubscribedRecipient": Fault.OPTED_OUT}
"""Subtypes of a permanent bounce that are not about the address."""
PASSING = {
    "MessageTooLarge": Fault.POLICY,
    "ContentRejected": Fault.POLICY,
    "AttachmentRejected": Fault.POLICY,
    "CustomTimeoutExceeded": Fault.POLICY,
}
"""Subtypes of a transient bounce that the same message would meet again."""


def told(envelope: Envelope, now: datetime) -> list[Report | SmsReply]:
    """Return what an envelope tells; nothing where it is not known."""
    try:
        message = object_of(orjson.loads(envelope.message))
    except orjson.JSONDecodeError:
        # SES greets a new topic with a sentence.
        return []
    at = moment_of(envelope.timestamp, now)
    if "originationNumber" in message:
        return _replies(message, envelope, at)
    name = text_of(message, "eventType", "notificationType") or ""
    reported = EVENTS.get(name)
    if reported is None:
        return []
    return list(_reports(name, reported, message, envelope, at))


def _reports(
    name: str, reported: Reported, message: Mapping[str, Any], envelope: Envelope, at: datetime
) -> list[Report]:
    mail = object_of(message.get("mail"))
    about = object_of(message.get(name[:1].lower() + name[1:]))
    if about.get("complaintFeedbackType") == "not-spam":
        return []
    fault, code = _why(name, about)
    if name == "Bounce" and about.get("bounceType") == "Permanent" and fault is Fault.RECIPIENT:
        reported = Reported.BOUNCED
    ours = object_of(mail.get("tags")).get(MESSAGE_ID)
    return [
        Report(
            provider="ses",
            event_id=f"{envelope.id}:{n}",
            channel=Channel.EMAIL,
            reported=reported,
            at=at,
            message_id=id_of(ours[0] if isinstance(ours, list) and ours else None),
            provider_id=text_of(mail, "messageId"),
            recipient=recipient,
            fault=fault,
            code=code,
        )
        for n, recipient in enumerate(_recipients(about, mail))
    ]


def _why(name: str, about: Mapping[str, Any]) -> tuple[Fault | None, str | None]:
    if name != "Bounce":
        is_no = name in {"Reject", "Rendering Failure"}
        return (Fault.POLICY, name) if is_no else (None, None)
    kind = text_of(about, "bounceType") or "Undetermined"
    detail = text_of(about, "bounceSubType") or "General"
    code = f"{kind} {detail}"
    if kind == "Permanent":
        return PERMANENT.get(detail, Fault.RECIPIENT), code
    return PASSING.get(detail, Fault.TEMPORARY), code


def _recipients(about: Mapping[str, Any], mail: Mapping[str, Any]) -> list[str | None]:
    for name in ("bouncedRecipients", "complainedRecipients", "delayedRecipients"):
        if found := [text_of(one, "emailAddress") for one in objects_of(about.get(name))]:
            return found
    for listed in (about.get("recipients"), mail.get("destination")):
        if isinstance(listed, list) and listed:
            return [text_of({"": one}, "") for one in listed]
    return [None]


def _replies(
    message: Mapping[str, Any], envelope: Envelope, at: datetime
) -> list[Report | SmsReply]:
    sender, to = text_of(message, "originationNumber"), text_of(message, "destinationNumber")
    text = message.get("messageBody")
    if sender is None or to is None or not isinstance(text, str):
        return []
    event_id = text_of(message, "inboundMessageId") or envelope.id
    return [
        SmsReply(
            provider="sns",
            event_id=event_id,
            sender=sender,
            to=to,
            text=text[:LONGEST_TEXT],
            at=at,
        )
    ]
