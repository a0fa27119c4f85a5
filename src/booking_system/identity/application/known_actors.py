"""What this process remembers about tokens it has checked, and when it must not rely on it."""

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import UserId

MOST = 50_000
TRUST_SECONDS = 1.0
"""For so long a look at the changes of access vouches for what is remembered."""
DOUBT_SECONDS = 15.0
"""After a change nothing about its user is remembered for longer than any transaction or read
that was under way can last, so that none of them can bring back what was true before."""

Monotonic = Callable[[], float]


class KnownActors:
    """Actors by the text of their access token: a dict look-up, no lock, no I/O.

    Remembers at most `most`; the oldest go first, which are the next to expire anyway.
    """

    def __init__(self, *, most: int = MOST, monotonic: Monotonic = time.monotonic) -> None:
        """`monotonic` counts seconds."""
        self._most = most
        self._monotonic = monotonic
        self._actors: dict[str, tuple[Actor, datetime]] = {}
        self._tokens: defaultdict[UserId, set[str]] = defaultdict(set)
        self._doubted: dict[UserId, float] = {}
        self._trusted_until = float("-inf")

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._actors)

    def find(self, token: str) -> tuple[Actor, datetime] | None:
        """Return the actor and the token's expiry; None: unknown, or too old to be relied on."""
        known = self._actors.get(token)
        if known is None or self._monotonic() >= self._trusted_until:
            return None
        return known

    def remember(self, token: str, actor: Actor, expires_at: datetime) -> None:
        """Keep what was read, unless its user's access changed so lately that it may be stale."""
        if self._is_doubted(actor.user_id):
            return
        if len(self._actors) >= self._most:
            for oldest in list(self._actors)[: max(1, self._most // 16)]:
                self._forget_token(oldest)
        self._actors[token] = actor, expires_at
        self._tokens[actor.user_id].add(token)

    def doubt(self, user_id: UserId) -> None:
        """Forget the user's tokens: their access has changed, or is about to."""
        self._doubted[user_id] = self._monotonic() + DOUBT_SECONDS
        for token in self._tokens.pop(user_id, ()):
            self._actors.pop(token, None)

    def trust(self, since: float) -> None:
        """All changes up to the monotonic moment `since` have been told by `doubt`."""
        self._trusted_until = since + TRUST_SECONDS
        now = self._monotonic()
        for user_id in [user for user, until in self._doubted.items() if until <= now]:
            del self._doubted[user_id]

    def forget_all(self) -> None:
        """Forget every token: changes may have been missed."""
        self._actors.clear()
        self._tokens.clear()

    def _is_doubted(self, user_id: UserId) -> bool:
        until = self._doubted.get(user_id)
        return until is not None and self._monotonic() < until

    def _forget_token(self, token: str) -> None:
        actor, _ = self._actors.pop(token)
        tokens = self._tokens[actor.user_id]
        tokens.discard(token)
        if not tokens:
            del self._tokens[actor.user_id]
