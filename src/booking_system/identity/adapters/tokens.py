"""Access tokens as signed JWTs (RFC 9068, ES256), refresh tokens as opaque derived text."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey, GuestProtocol

from booking_system.identity.domain.tokens import ACCESS_LIFETIME, AccessClaims
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.errors import Unauthenticated
from booking_system.shared_kernel.identifiers import SessionId, UserId

ALGORITHM = "ES256"
TYPE = "at+jwt"
AUDIENCE = "booking-system"
LONGEST = 2000


class SignedAccessTokens:
    """Signs with the first key, and believes nothing that a foreign key or algorithm signed.

    A key is called by its thumbprint (RFC 7638), so no two have one name.
    """

    def __init__(self, keys: Keyring, *, issuer: str) -> None:
        """`issuer` is this installation's public address."""
        read = [ECKey.import_key(key) for key in keys.keys]
        self._keys = {key.thumbprint(): key for key in read}
        self._first = next(iter(self._keys))
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
        header = _header(self._first)
        return jwt.encode(header, claims, self._keys[self._first], algorithms=[ALGORITHM])

    def verify(self, token: str) -> AccessClaims:
        """Check signature, type, issuer and audience; leave the expiry to the use case."""
        if len(token) > LONGEST:
            raise Unauthenticated
        try:
            read = jwt.decode(token, self._named, algorithms=[ALGORITHM])
            return self._believed(read.header, read.claims)
        except Exception:  # noqa: BLE001  (whatever a stranger's text breaks, it is no token)
            raise Unauthenticated from None

    def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 7517), the one that signs first."""
        about = {"use": "sig", "alg": ALGORITHM}
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": name, **about}
                for name, key in self._keys.items()
            ]
        }

    def _named(self, token: GuestProtocol) -> ECKey:
        return self._keys[token.headers()["kid"]]

    def _believed(self, header: dict[str, Any], claims: dict[str, Any]) -> AccessClaims:
        is_ours = claims["iss"] == self._issuer and claims["aud"] == AUDIENCE
        if not is_ours or header != _header(header["kid"]):
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

    def __init__(self, keys: Keyring) -> None:
        """`keys` are shared by all instances: any of them answers for any other."""
        self._keys = keys.derived(Purpose.REFRESH_TOKENS)

    def first(self) -> str:
        """Return 256 random bits."""
        return _text(secrets.token_bytes(32))

    def successors_of(self, token: str) -> Sequence[str]:
        """Return the HMAC-SHA256 of the token with each key."""
        return [_text(hmac.digest(key, _bytes(token), sha256)) for key in self._keys]

    def fingerprint(self, token: str) -> bytes:
        """Return the SHA-256: nothing slower is needed for what cannot be guessed."""
        return sha256(_bytes(token)).digest()


def _header(key_id: str) -> dict[str, Any]:
    return {"alg": ALGORITHM, "typ": TYPE, "kid": key_id}


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
