"""Ends of identity's tables that only grow: what has no effect any more is removed in batches."""

from datetime import timedelta

from sqlalchemy import and_, select

from booking_system.identity.application.follow_changes import LONGEST_GAP_SECONDS
from booking_system.identity.domain.session import Lifetimes
from booking_system.identity.domain.throttling import LATELY
from booking_system.identity.records.tables import (
    access_changes,
    account_links,
    refresh_tokens,
    sessions,
)
from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.tidying import Chore

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
assert HOUR.total_seconds() > 10 * LONGEST_GAP_SECONDS, "no process looks back that far"

OLD_CHANGES = Chore.deleting(
    access_changes,
    over=access_changes.c.changed_at < ago(HOUR),
    oldest_first=access_changes.c.changed_at,
    others_change_it=False,
)
"""A process that has not looked for a minute forgets everything and reads no changes."""

OLD_TOKENS = Chore.deleting(
    refresh_tokens,
    over=refresh_tokens.c.expires_at < ago(DAY),
    oldest_first=refresh_tokens.c.expires_at,
)
"""Used ones as well, but not sooner: until then their use says that somebody has copied them."""


OLD_LINKS = Chore.deleting(
    account_links,
    over=account_links.c.expires_at < ago(7 * DAY),
    oldest_first=account_links.c.expires_at,
)
"""Until then its holder is told that it is over, and not that there is no such link."""


def old_sessions(lifetimes: Lifetimes) -> Chore:
    """Remove sessions that are over or unused for good and make no network known any more.

    Their tokens go first, by the chore of their own.
    """
    tokens = select(refresh_tokens.c.token_hash).where(refresh_tokens.c.session_id == sessions.c.id)
    unused_for = max(lifetimes.idle, LATELY) + DAY
    return Chore.deleting(
        sessions,
        over=and_(sessions.c.last_used_at < ago(unused_for), ~tokens.exists()),
        oldest_first=sessions.c.last_used_at,
    )
