"""Links for mails of accounts: made when the mail is written, by the context that honours them."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_system.identity.domain.links import NewLink
from booking_system.notifications.domain.message import Kind

MakeLink = Callable[[Any], Coroutine[Any, Any, NewLink | None]]
"""Takes the id of a user or an invitation; None where nothing is left to follow a link for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedLink:
    """Where a mail leads, until an instant (UTC) or, with None, for good."""

    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLinks:
    """Leads to the pages on which links end; a token stands behind `#`, which no browser sends.

    Pages are paths below the `public_url`. Nothing that is secret is kept on this side: a mail that
    is written again gets another token.
    """

    public_url: str
    reset_page: str
    verification_page: str
    invitation_page: str
    make_reset: MakeLink
    make_verification: MakeLink
    make_invitation: MakeLink

    async def of(self, kind: Kind, recipient_id: UUID) -> MailedLink | None:
        """Return the link for a mail of this kind; None: the mail is not needed any more."""
        if kind is Kind.PASSWORD_CHANGED:
            return MailedLink(url=f"{self.public_url}{self.reset_page}", expires_at=None)
        page, make = {
            Kind.PASSWORD_RESET: (self.reset_page, self.make_reset),
            Kind.EMAIL_VERIFICATION: (self.verification_page, self.make_verification),
            Kind.INVITATION: (self.invitation_page, self.make_invitation),
        }[kind]
        made = await make(recipient_id)
        if made is None:
            return None
        url = f"{self.public_url}{page}#{made.token}"
        return MailedLink(url=url, expires_at=made.expires_at)
