"""Which messages events of accounts call for: at most one each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from booking_system.directory.domain import invitation
from booking_system.directory.domain.events import InvitationMade
from booking_system.identity.domain.events import (
    AccountRegistered,
    PasswordChanged,
    PasswordResetRequested,
    VerificationRequested,
)
from booking_system.identity.domain.links import GOOD_FOR, LinkPurpose
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.planning import Lane, Planned

USER, INVITATION = "user:", "invitation:"
"""What recipients of account messages are called by, before their id."""
KINDS = {
    AccountRegistered.name: Kind.EMAIL_VERIFICATION,
    VerificationRequested.name: Kind.EMAIL_VERIFICATION,
    PasswordResetRequested.name: Kind.PASSWORD_RESET,
    PasswordChanged.name: Kind.PASSWORD_CHANGED,
    InvitationMade.name: Kind.INVITATION,
}
WORTH_KNOWING = {
    Kind.EMAIL_VERIFICATION: GOOD_FOR[LinkPurpose.EMAIL_VERIFICATION],
    Kind.PASSWORD_RESET: GOOD_FOR[LinkPurpose.PASSWORD_RESET],
    Kind.PASSWORD_CHANGED: timedelta(hours=72),
    Kind.INVITATION: invitation.GOOD_FOR,
}
"""So long behind its event a message is of use: nobody waits for a mail longer than for a link."""


def plan_for_account(name: str, data: Mapping[str, Any], at: datetime) -> Planned | None:
    """Return the message of an event that happened `at` (UTC); None: it calls for none."""
    kind = KINDS.get(name)
    if kind is None:
        return None
    if kind is Kind.INVITATION:
        recipient = f"{INVITATION}{data['invitation_id']}"
    elif data["user_id"] is not None:
        recipient = f"{USER}{data['user_id']}"
    else:
        return None
    return Planned(
        kind=kind,
        channel=Channel.EMAIL,
        recipient=recipient,
        lane=Lane.ACCOUNTS,
        due_at=at,
        not_after=at + WORTH_KNOWING[kind],
    )
