"""The address that a payer comes back to: whose appointment it is stands in it, sealed."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.identifiers import AppointmentId

PATH = "/payment-result"
SEAL_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLinks:
    """Makes links that nobody else can make, and reads them."""

    keys: Keyring
    public_url: str

    def link(self, appointment_id: UUID) -> str:
        """Return the link for the payer of this appointment."""
        sealed = appointment_id.bytes + self._seals(appointment_id)[0]
        return f"{self.public_url}{PATH}/{base64.urlsafe_b64encode(sealed).decode()}"

    def appointment_of(self, token: str) -> AppointmentId | None:
        """Return whose link it is; None where it is not one of ours."""
        try:
            sealed = base64.b64decode(token, altchars=b"-_", validate=True)
            appointment_id = UUID(bytes=sealed[:-SEAL_BYTES])
        except (binascii.Error, ValueError):
            return None
        seal = sealed[-SEAL_BYTES:]
        is_ours = any(hmac.compare_digest(seal, one) for one in self._seals(appointment_id))
        return AppointmentId(appointment_id) if is_ours else None

    def _seals(self, appointment_id: UUID) -> list[bytes]:
        keys = self.keys.derived(Purpose.PAYMENT_RESULTS)
        return [hmac.digest(key, appointment_id.bytes, hashlib.sha256)[:SEAL_BYTES] for key in keys]
