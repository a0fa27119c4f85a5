"""The link by which a mail is unsubscribed from (RFC 8058): whose it is stands in it, signed."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.identifiers import PatientId

PATH = "/v1/unsubscribe"
SEAL_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeLinks:
    """Makes links that nobody else can make, and reads them; they hold for good."""

    keys: Keyring
    public_url: str

    def link(self, patient_id: UUID) -> str:
        """Return the link for a mail to this patient."""
        sealed = patient_id.bytes + self._seals(patient_id)[0]
        return f"{self.public_url}{PATH}/{base64.urlsafe_b64encode(sealed).decode()}"

    def patient_of(self, token: str) -> PatientId | None:
        """Return whose link it is; None where it is not one of ours."""
        try:
            sealed = base64.b64decode(token, altchars=b"-_", validate=True)
            patient_id = UUID(bytes=sealed[:-SEAL_BYTES])
        except (binascii.Error, ValueError):
            return None
        seal = sealed[-SEAL_BYTES:]
        is_ours = any(hmac.compare_digest(seal, one) for one in self._seals(patient_id))
        return PatientId(patient_id) if is_ours else None

    def _seals(self, patient_id: UUID) -> list[bytes]:
        keys = self.keys.derived(Purpose.UNSUBSCRIBING)
        return [hmac.digest(key, patient_id.bytes, hashlib.sha256)[:SEAL_BYTES] for key in keys]
