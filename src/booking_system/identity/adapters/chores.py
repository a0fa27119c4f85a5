"""Ends of identity's tables that only grow: what has no effect any more is removed in batches."""

from datetime import timedelta

from booking_system.identity.application.follow_changes import LONGEST_GAP_SECONDS
from booking_system.identity.domain.session import Lifetimes
from booking_system.identity.domain.throttling import LATELY
from booking_system.platform.postgres.tidying import Chore

HOUR = timedelta(hours=1)
assert HOUR.total_seconds() > 10 * LONGEST_GAP_SECONDS, "no process looks back that far"

OLD_CHANGES = Chore(
    "access_changes",
    """DELETE FROM access_changes WHERE id IN (
  SELECT id FROM access_changes WHERE changed_at < now() - interval '1 hour'
  ORDER BY changed_at LIMIT $1)""",
)
"""A process that has not looked for a minute forgets everything and reads no changes."""

OLD_TOKENS = Chore(
    "refresh_tokens",
    """DELETE FROM refresh_tokens WHERE token_hash IN (
  SELECT token_hash FROM refresh_tokens WHERE expires_at < now() - interval '1 day'
  ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)""",
)
"""Used ones as well, but not sooner: until then their use says that somebody has copied them."""


def old_sessions(lifetimes: Lifetimes) -> Chore:
    """Remove sessions that are over or unused for good and make no network known any more.

    Their tokens go first, by the chore of their own.
    """
    kept = max(lifetimes.idle, LATELY) + timedelta(days=1)
    return Chore(
        "sessions",
        f"""DELETE FROM sessions WHERE id IN (
  SELECT id FROM sessions s WHERE last_used_at < now() - interval '{kept.days} days'
   AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.id)
  ORDER BY last_used_at LIMIT $1 FOR UPDATE SKIP LOCKED)""",  # noqa: S608  (a number of ours)
    )
