"""Stripe's webhooks: who signed them, and which attempt they are about.

Only ids and the type are taken from an event. Its objects are in the shape of the endpoint's own
API version, and older than what a look shows.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import stripe
from pydantic import SecretStr

from booking_system.payments.adapters.providers.accounts import StripeAccount
from booking_system.payments.adapters.providers.reading import (
    below,
    id_of,
    object_in,
    object_of,
    text_of,
)
from booking_system.payments.adapters.providers.stripe_sightings import OURS, REFERENCE
from booking_system.payments.application.provider_port import Hint, InvalidEvent

HEADER = "stripe-signature"
LONGEST_HEADER = 4096
TOLERANCE = 300
"""Seconds between Stripe's clock and ours, in both directions."""
MOMENT = re.compile(r"(?:^|,)t=([0-9]{1,11})(?=,|$)", re.ASCII)
SNAPSHOT, THIN = "event", "v2.core.event"


def hint_of(
    body: bytes, headers: Mapping[str, str], *, account: StripeAccount, now: datetime
) -> Hint:
    """Return what an event is about. Raises `InvalidEvent`, and nothing else."""
    header = re.sub(r"\s*,\s*", ",", headers.get(HEADER, "").strip())
    _refuse_unless_signed(body, header, account.webhook_secrets, now)
    event = object_in(body)
    if event is None or text_of(event, "object") not in {SNAPSHOT, THIN}:
        raise InvalidEvent("no event")
    event_id, kind, live = text_of(event, "id"), text_of(event, "type"), event.get("livemode")
    if event_id is None or kind is None or not isinstance(live, bool):
        raise InvalidEvent("an event without id, type or mode")
    whose = None if account.is_own else text_of(event, "account") or text_of(event, "context")
    return Hint(
        event_id=event_id,
        kind=kind,
        is_live=live,
        account_key=whose or (None if account.connected else account.account.key),
        **_about(event),
    )


def _refuse_unless_signed(
    body: bytes, header: str, secrets: Sequence[SecretStr], now: datetime
) -> None:
    if len(header) > LONGEST_HEADER or not header.isascii():
        raise InvalidEvent("no signature")
    moments = MOMENT.findall(header)
    if len(moments) != 1 or abs(now.timestamp() - int(moments[0])) > TOLERANCE:
        raise InvalidEvent("the moment of the signature is missing, or far from now")
    if not any(_fits(body, header, one.get_secret_value()) for one in secrets):
        raise InvalidEvent("the signature does not fit")


def _fits(body: bytes, header: str, secret: str) -> bool:
    try:
        # The age was judged above: the library asks a clock of its own, and only for the past.
        stripe.WebhookSignature.verify_header(body, header, secret)
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return True


def _about(event: Mapping[str, Any]) -> dict[str, str | None]:
    if event.get("object") == THIN:
        related = object_of(event.get("related_object"))
        return _by_kind(text_of(related, "type"), related)
    told = below(event, "data", "object")
    return _by_kind(text_of(told, "object"), told)


def _by_kind(kind: str | None, told: Mapping[str, Any]) -> dict[str, str | None]:
    metadata = object_of(told.get("metadata"))
    ours = text_of(metadata, OURS)
    match kind:
        case "checkout.session":
            ours = ours or text_of(told, "client_reference_id")
            return {"reference": text_of(told, "id"), "our_id": ours}
        case "payment_intent":
            return {"our_id": ours, "charge_id": id_of(told.get("latest_charge"))}
        case "charge":
            return {"our_id": ours, "charge_id": text_of(told, "id")}
        case "refund":
            charge_id = id_of(told.get("charge"))
            return {"reference": text_of(metadata, REFERENCE), "charge_id": charge_id}
        case "dispute":
            return {"charge_id": id_of(told.get("charge"))}
    return {}
