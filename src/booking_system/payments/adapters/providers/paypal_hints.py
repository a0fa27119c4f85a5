"""PayPal's webhooks: who signed them, and which order they are about."""

import base64
import binascii
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from booking_system.payments.adapters.providers.accounts import PayPalAccount
from booking_system.payments.adapters.providers.paypal_certificates import (
    Key,
    PayPalCertificates,
)
from booking_system.payments.adapters.providers.paypal_sightings import capture_above
from booking_system.payments.adapters.providers.reading import (
    below,
    members,
    moment_of,
    object_in,
    object_of,
    text_of,
)
from booking_system.payments.application.provider_port import Hint, InvalidEvent

Confirm = Callable[[bytes, Mapping[str, str], str], Awaitable[bool]]
"""Asks PayPal whether it sent a body with these headers to this webhook."""
ALGORITHM = "SHA256withRSA"
LONGEST_FIELD = 2048
OF_REFUNDS = ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED", "PAYMENT.REFUND.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalEvents:
    """Reads webhooks for one account; `confirm` is asked where a certificate has no chain."""

    account: PayPalAccount
    certificates: PayPalCertificates
    confirm: Confirm

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:
        """Return what an event is about.

        Raises `InvalidEvent`; `ProviderUnsure` where it cannot be checked now. What cannot be
        right is refused before anything is fetched.
        """
        moment, transmission = _field(headers, "time"), _field(headers, "id")
        url, signature = headers.get("paypal-cert-url", ""), _decoded(_field(headers, "sig"))
        event = object_in(body)
        if headers.get("paypal-auth-algo") != ALGORITHM:
            raise InvalidEvent("another algorithm")
        if event is None or moment_of(moment) is None:
            raise InvalidEvent("no event, or no time")
        event_id, kind = text_of(event, "id"), text_of(event, "event_type")
        if event_id is None or kind is None or not self.account.webhook_ids:
            raise InvalidEvent("an event without id or type, or nobody waits for one")
        key = await self.certificates.key(url, now=now)
        webhook_id = self._webhook(key, signature, f"{transmission}|{moment}", zlib.crc32(body))
        if not key.has_chain and not await self.confirm(body, headers, webhook_id):
            raise InvalidEvent("PayPal did not send it")
        account = self.account.account
        return Hint(
            event_id=event_id,
            kind=kind,
            # Real and test events are told apart by the webhook's id, which is signed.
            is_live=account.is_live,
            account_key=account.key,
            **_about(kind, object_of(event.get("resource"))),
        )

    def _webhook(self, key: Key, signature: bytes, sent: str, checksum: int) -> str:
        for webhook_id in self.account.webhook_ids:
            if _fits(key.public, signature, f"{sent}|{webhook_id}|{checksum}".encode()):
                return webhook_id
        raise InvalidEvent("the signature does not fit")


def _field(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(f"paypal-transmission-{name}", "")
    if not 0 < len(value) <= LONGEST_FIELD or not value.isascii():
        raise InvalidEvent(f"no transmission {name}")
    return value


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidEvent("no signature") from None


def _fits(key: RSAPublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _about(kind: str, resource: Mapping[str, Any]) -> dict[str, str | None]:
    order_id = text_of(below(resource, "supplementary_data", "related_ids"), "order_id")
    if kind.startswith(OF_REFUNDS):
        # Its `custom_id` is the refund's.
        return {"reference": order_id, "charge_id": capture_above(resource)}
    if kind.startswith("PAYMENT.CAPTURE."):
        return {
            "reference": order_id,
            "our_id": text_of(resource, "custom_id"),
            "charge_id": text_of(resource, "id"),
        }
    if kind.startswith("CHECKOUT.ORDER."):
        unit = next(members(resource, "purchase_units"), {})
        return {"reference": text_of(resource, "id"), "our_id": text_of(unit, "custom_id")}
    if kind.startswith("CHECKOUT.PAYMENT-APPROVAL."):
        return {"reference": text_of(resource, "order_id")}
    if kind.startswith("CUSTOMER.DISPUTE."):
        disputed = next(members(resource, "disputed_transactions"), {})
        return {"charge_id": text_of(disputed, "seller_transaction_id")}
    return {}
