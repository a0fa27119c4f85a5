"""Addresses for one payer each: whose appointment it is stands in them, sealed."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.identifiers import AppointmentId

PATH = "/payment-result"
PAY_PATH = "/pay"
SEAL_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLinks:
    """Makes links that nobody else can make, and reads them."""

    path: ClassVar[str]
    purpose: ClassVar[Purpose]

    keys: Keyring
    public_url: str

    def link(self, appointment_id: UUID) -> str:
        """Return the link for the payer of this appointment."""
        sealed = appointment_id.bytes + self._seals(appointment_id)[0]
        # Programs that look for links in texts may leave out a sign at their end.
        token = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return f"{self.public_url}{self.path}/{token}"

    def appointment_of(self, token: str) -> AppointmentId | None:
        """Return whose link it is; None where it is not one of ours."""
        bare = token.rstrip("=")
        try:
            sealed = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
            appointment_id = UUID(bytes=sealed[:-SEAL_BYTES])
        except (binascii.Error, ValueError):
            return None
        seal = sealed[-SEAL_BYTES:]
        is_ours = any(hmac.compare_digest(seal, one) for one in self._seals(appointment_id))
        return AppointmentId(appointment_id) if is_ours else None

    def _seals(self, appointment_id: UUID) -> list[bytes]:
        keys = self.keys.derived(self.purpose)
        return [hmac.digest(key, appointment_id.bytes, hashlib.sha256)[:SEAL_BYTES] for key in keys]


class ResultLinks(SealedLinks):
    """Where a payer comes back to: its holder may see what became of the payment."""

    path = PATH
    purpose = Purpose.PAYMENT_RESULTS


class PayLinks(SealedLinks):
    """Where a message leads that asks for money: its holder may pay."""

    path = PAY_PATH
    purpose = Purpose.PAYMENT_LINKS
