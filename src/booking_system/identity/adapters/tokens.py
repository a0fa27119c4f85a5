"""Access tokens as signed JWTs (RFC 9068, ES256), refresh tokens as opaque derived text."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from booking_system.identity.domain.tokens import ACCESS_LIFETIME, AccessClaims
from booking_system.shared_kernel.errors import Unauthenticated
from booking_system.shared_kernel.identifiers import SessionId, UserId

ALGORITHM = "ES256"
TYPE = "at+jwt"
AUDIENCE = "booking-system"
LONGEST = 2000
PURPOSE = b"booking-system refresh-token successor v1"


class SignedAccessTokens:
    """Signs with one P-256 key, and believes nothing that another key or algorithm signed."""

    def __init__(self, private_key: str, *, issuer: str) -> None:
        """`private_key` is PEM text; `issuer` is this installation's public address."""
        self._key = ECKey.import_key(private_key)
        self._key_id = self._key.thumbprint()
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._key_id}
        self._issuer = issuer

    def sign(self, user_id: UserId, session_id: SessionId, now: datetime) -> str:
        """Name user and session; the roles are looked up, so that they can be revoked."""
        issued_at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": issued_at,
            "exp": issued_at + int(ACCESS_LIFETIME.total_seconds()),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM])

    def verify(self, token: str) -> AccessClaims:
        """Check signature, type, issuer and audience; leave the expiry to the use case."""
        if len(token) > LONGEST:
            raise Unauthenticated
        try:
            read = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            return self._believed(read.header, read.claims)
        except Exception:  # noqa: BLE001  (whatever a stranger's text breaks, it is no token)
            raise Unauthenticated from None

    def key_set(self) -> dict[str, Any]:
        """Return the public key as a JWK set (RFC 7517)."""
        public = self._key.as_dict(private=False)
        return {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": ALGORITHM}]}

    def _believed(self, header: dict[str, Any], claims: dict[str, Any]) -> AccessClaims:
        if header != self._header or claims["iss"] != self._issuer or claims["aud"] != AUDIENCE:
            raise Unauthenticated
        return AccessClaims(
            user_id=UserId(UUID(claims["sub"])),
            session_id=SessionId(UUID(claims["sid"])),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )


class DerivedRefreshTokens:
    """Derives each successor from its token, so that a lost answer can be given again.

    Whoever has a token but not the key cannot tell the next one.
    """

    def __init__(self, private_key: str) -> None:
        """`private_key` is the PEM text of a P-256 key; what is used here is derived from it."""
        scalar = str(ECKey.import_key(private_key).as_dict(private=True)["d"])
        material = urlsafe_b64decode(scalar + "=" * (-len(scalar) % 4))
        # HKDF (RFC 5869) with SHA-256, no salt, one block.
        extracted = hmac.digest(bytes(sha256().digest_size), material, sha256)
        self._key = hmac.digest(extracted, PURPOSE + b"\x01", sha256)

    def first(self) -> str:
        """Return 256 random bits."""
        return _text(secrets.token_bytes(32))

    def successor_of(self, token: str) -> str:
        """Return the HMAC-SHA256 of the token."""
        return _text(hmac.digest(self._key, _bytes(token), sha256))

    def fingerprint(self, token: str) -> bytes:
        """Return the SHA-256: nothing slower is needed for what cannot be guessed."""
        return sha256(_bytes(token)).digest()


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    return token.encode(errors="surrogatepass")


class RandomOneTimeTokens:
    """256 random bits as text (RFC 4648, section 5); what is stored is their SHA-256."""

    def new(self) -> str:
        """Return a random one."""
        return secrets.token_urlsafe(32)

    def fingerprint(self, token: str) -> bytes:
        """Hash plainly: nobody can try all that 256 bits may be."""
        return sha256(token.encode(errors="replace")).digest()
