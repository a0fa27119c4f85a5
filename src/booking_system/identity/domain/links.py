"""Links that go out by mail: for one purpose, good for one use and some time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking_system.identity.domain.refusals import LinkOver
from booking_system.shared_kernel.identifiers import UserId


class LinkPurpose(StrEnum):
    """What the holder of a link may do."""

    PASSWORD_RESET = "password_reset"  # noqa: S105
    EMAIL_VERIFICATION = "email_verification"


GOOD_FOR = {
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
    LinkPurpose.EMAIL_VERIFICATION: timedelta(hours=72),
}
"""From when the mail is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """What a mail tells: its `token` is stored nowhere; good until `expires_at` (UTC)."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLink:
    """A link as stored; times in UTC."""

    purpose: LinkPurpose
    user_id: UserId
    expires_at: datetime
    used_at: datetime | None

    def check_open(self, now: datetime) -> None:
        """Raise `LinkOver` where it does nothing any more."""
        if self.used_at is not None or now >= self.expires_at:
            raise LinkOver
