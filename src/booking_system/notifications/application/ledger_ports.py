"""What sending needs from the ledger."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from booking_system.notifications.domain.facts import (
    AppointmentFacts,
    ChoiceFacts,
    ClinicFacts,
    MoneyFacts,
)
from booking_system.notifications.domain.gate import Due, Verdict
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import OwnSender
from booking_system.notifications.domain.planning import Lane
from booking_system.notifications.domain.sending import Fault, NotSentError

Told = Literal["booked", "moved", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message that is ours for some seconds; `token` is the fence, drawn for this claim.

    A message that `is_of_account` has no appointment.
    """

    id: UUID
    token: int
    channel: Channel
    attempts: int
    is_of_account: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """An SMS of which nobody knows whether the provider took it.

    Its bytes went out at `began_at` (UTC, by the database's clock). `is_to_number` says whether an
    SMS to this number was it. `is_late`: soon it is not waited for any more.
    """

    claim: Claim
    began_at: datetime
    is_to_number: Callable[[str], bool]
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A claimed message with all that it is judged by and written from.

    `recipient_id` is the patient's, None for a notice to the clinic. `told` is what that tells of,
    `choices` what a question asks about. `own` is the clinic's own account for this channel, None:
    the platform's. `own_words` name the present versions of the clinic's own templates for this
    kind. `money` is told where there is some.
    """

    due: Due
    clinic: ClinicFacts
    appointment: AppointmentFacts
    recipient_id: UUID | None
    recipient_name: str
    recipient_email: str | None
    recipient_locale: str
    told: Told
    choices: Sequence[ChoiceFacts] = ()
    own: OwnSender | None = None
    own_words: Sequence[str] = ()
    money: MoneyFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAccount:
    """The same for a message of an account: `recipient_id` is a user's, or an invitation's.

    `clinic_name` and `role` are those of an invitation. `time_zone` is an IANA name.
    """

    due: Due
    recipient_id: UUID
    recipient_name: str | None
    recipient_locale: str
    time_zone: str
    clinic_name: str | None
    role: str | None


class Ledger(Protocol):
    """The plan, the queue and the record of messages.

    Each write of a claim's owner is fenced: it changes nothing where the claim was lost.
    """

    async def rescue(self) -> None:
        """Give back what workers have claimed and left; decide on what nobody knows the end of."""
        ...

    async def claim(self, lane: Lane, *, most: int, now: datetime) -> Sequence[Claim]:
        """Claim messages that are due, no clinic's before all of another's in a burst."""
        ...

    async def look(self, claim: Claim) -> Found | FoundAccount:
        """Read all about a message, as it is now."""
        ...

    async def begin(
        self,
        claim: Claim,
        found: Found | FoundAccount,
        *,
        judge: Callable[[Due], Verdict],
        provider: str,
    ) -> Verdict | None:
        """Judge once more, the appointment locked, and note that sending begins if it may go.

        What was written for another address, or to go through another account, waits. None: the
        claim was lost.
        """
        ...

    def handing_over(
        self, claim: Claim, found: Found | FoundAccount
    ) -> AbstractAsyncContextManager[bool]:
        """Keep the appointment as it is while the block gives the message away; False: do not."""
        ...

    async def finish(self, claim: Claim, *, provider: str, provider_id: str | None) -> None:
        """Note that the provider has taken it."""
        ...

    async def settle(self, claim: Claim, verdict: Verdict) -> None:
        """Note that it does not go, or not yet."""
        ...

    async def put_off(self, claim: Claim, error: NotSentError, *, until: datetime) -> None:
        """Try it again later: surely it was not taken."""
        ...

    async def give_up(
        self, claim: Claim, fault: Fault | str, *, code: str, falls_back: bool | None = None
    ) -> None:
        """Note that it failed, and plan it through another channel where that may help.

        `falls_back` None: wherever the fault is the provider's or the address's.
        """
        ...

    async def leave_unknown(self, claim: Claim, *, code: str) -> None:
        """Note that nobody knows whether it was taken."""
        ...

    async def unsettled(self, provider: str) -> Sequence[Unsettled]:
        """Return SMS of which nobody knows whether this provider took them."""
        ...

    async def known(self, provider: str, provider_ids: Sequence[str]) -> Collection[str]:
        """Return those of a provider's ids that are known to be of messages of ours."""
        ...

    async def not_taken(self, claim: Claim) -> None:
        """Plan it again, if it may go once more: the provider says that it does not have it."""
        ...
