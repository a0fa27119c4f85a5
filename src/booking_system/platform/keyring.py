"""The secret keys of this installation, and a key of its own for each purpose, derived from them.

Several are there while one takes another's place: the first makes everything new, and what any of
them made is believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SIZE_BYTES = 32


class Purpose(Enum):
    """What a derived key is for; nothing else is ever made with it."""

    REFRESH_TOKENS = b"booking-system refresh-token successor v1"
    HOLD_TOKENS = b"booking-system hold-token seal v1"
    FINGERPRINTS = b"booking-system idempotency fingerprint v1"
    NETWORKS = b"booking-system network name v1"
    RECIPIENTS = b"booking-system recipient name v1"
    UNSUBSCRIBING = b"booking-system unsubscribe link v1"
    WEBHOOK_SECRETS = b"booking-system webhook secret v1"
    CLINIC_CHANNELS = b"booking-system clinic channel v1"
    PAYMENT_ACCOUNTS = b"booking-system clinic payment account v1"
    PAYMENT_RESULTS = b"booking-system payment result link v1"
    PAYMENT_LINKS = b"booking-system payment link v1"
    SANDBOX_EVENTS = b"booking-system sandbox event v1"
    FILE_UPLOADS = b"booking-system file upload link v1"
    FILE_DOWNLOADS = b"booking-system file download link v1"
    SHARED_PAGES = b"booking-system shared page v1"
    SHARED_NAMES = b"booking-system shared name v1"


@dataclass(frozen=True, slots=True)
class Keyring:
    """P-256 private keys as PEM text; at least one, each once.

    They themselves sign access tokens, whose public halves are published, and nothing else.
    """

    keys: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, keys: Sequence[str]) -> "Keyring":
        """Return the ring of these keys; a key named twice is there once."""
        known: dict[bytes, str] = {}
        for key in keys:
            known.setdefault(_secret_of(key), key)
        return cls(tuple(known.values()))

    def derived(self, purpose: Purpose) -> tuple[bytes, ...]:
        """Return the keys for a purpose (HKDF, RFC 5869, with SHA-256), one of each secret key."""
        return tuple(_derived(_secret_of(key), purpose) for key in self.keys)


def _derived(secret: bytes, purpose: Purpose) -> bytes:
    kdf = HKDF(hashes.SHA256(), length=SIZE_BYTES, salt=None, info=purpose.value)
    return kdf.derive(secret)


def _secret_of(pem: str) -> bytes:
    """The number itself: how the text around it is written changes nothing."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value.to_bytes(SIZE_BYTES, "big")
