"""Servers that let two pages find each other, and credentials for them that run out.

The scheme is coturn's `use-auth-secret`: a user name begins with the second in which it ends, and
the password is its HMAC-SHA1 by a secret that both sides know. Nobody's name is in it, because it
comes to stand in the relay's log.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1, sha256

from booking_system.consultations.domain.seat import Party

BEHIND_WINDOW = timedelta(minutes=15)
LONGEST = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """As `RTCPeerConnection` takes it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServers:
    """What one page is given, and until when (UTC) it is good; None: nothing in it ends."""

    servers: tuple[IceServer, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IceSettings:
    """What the operator has: addresses of STUN, and of TURN with the secret shared with it."""

    stun: Sequence[str] = ()
    turn: Sequence[str] = ()
    secret: str = ""

    def servers_for(self, party: Party, *, closes_at: datetime, now: datetime) -> IceServers:
        """Return servers with credentials that end soon after the room does."""
        stun = (IceServer(urls=tuple(self.stun)),) if self.stun else ()
        if not self.turn:
            return IceServers(servers=stun, expires_at=None)
        ends = min(max(closes_at, now) + BEHIND_WINDOW, now + LONGEST).replace(microsecond=0)
        username = f"{int(ends.timestamp())}:{_opaque(party)}"
        digest = hmac.digest(self.secret.encode(), username.encode(), sha1)
        turn = IceServer(
            urls=tuple(self.turn), username=username, credential=b64encode(digest).decode()
        )
        return IceServers(servers=(*stun, turn), expires_at=ends)


def _opaque(party: Party) -> str:
    """Tell parties apart for the relay's quotas; nobody can find them by it."""
    return sha256(f"{party.room_id}:{party.seat}:{party.user_id}".encode()).hexdigest()[:24]
