"""How a person can be reached: the state of each address, and what of it somebody may lift."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.planning import Skipped
from booking_system.shared_kernel.errors import Conflict


class Reach(StrEnum):
    """Whether an address or number is written to.

    `bounced`: mails came back. `unusable`: the number takes no SMS. `suppressed`: somebody has
    complained about a mail. `opted_out`: they want nothing from a sender.
    """

    OK = "ok"
    BOUNCED = "bounced"
    UNUSABLE = "unusable"
    SUPPRESSED = "suppressed"
    OPTED_OUT = "opted_out"


STATES = {
    Skipped.BOUNCED: Reach.BOUNCED,
    Skipped.UNUSABLE: Reach.UNUSABLE,
    Skipped.COMPLAINED: Reach.SUPPRESSED,
    Skipped.OPTED_OUT: Reach.OPTED_OUT,
}
LIFTED = (Skipped.BOUNCED, Skipped.UNUSABLE)
"""What went wrong may have been mended. What somebody has asked for they take back themselves."""
STRONGEST_FIRST = (Skipped.OPTED_OUT, Skipped.COMPLAINED, Skipped.UNUSABLE, Skipped.BOUNCED)


class AddressNotLifted(Conflict):
    """Somebody has asked that nothing goes to this address; nobody else takes that back.

    An opt-out by SMS ends with a START from the number itself, one at a provider is ended there. A
    complaint about a mail stands. Give the patient another address, or use the other channel.
    """

    code = "address_not_lifted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """One reason against an address, and since when; `until` None: for good. Times in UTC."""

    reason: Skipped
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressState:
    """The address or number of a person in a channel, as far as messages go. Times in UTC."""

    channel: Channel
    state: Reach = Reach.OK
    since: datetime | None = None
    until: datetime | None = None
    may_be_lifted: bool = False

    @classmethod
    def of(cls, channel: Channel, found: Iterable[Hindrance], *, takes: bool) -> "AddressState":
        """Sum up; `takes` says whether the number is of a kind that takes SMS at all."""
        hindrances = sorted(found, key=lambda one: STRONGEST_FIRST.index(one.reason))
        if not takes:
            return cls(channel=channel, state=Reach.UNUSABLE)
        if not hindrances:
            return cls(channel=channel)
        first = hindrances[0]
        return cls(
            channel=channel,
            state=STATES[first.reason],
            since=first.since,
            until=first.until,
            may_be_lifted=all(one.reason in LIFTED for one in hindrances),
        )
