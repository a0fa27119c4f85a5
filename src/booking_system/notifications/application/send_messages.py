"""Messages that are due go out."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from booking_system.notifications.application.account_links import AccountLinks
from booking_system.notifications.application.ledger_ports import (
    Claim,
    Found,
    FoundAccount,
    Ledger,
)
from booking_system.notifications.application.letters import Letters
from booking_system.notifications.application.own_channel_ports import OwnCarriers
from booking_system.notifications.application.sending_ports import (
    EmailCarrier,
    Handover,
    SmsCarrier,
)
from booking_system.notifications.application.template_ports import OwnWords
from booking_system.notifications.application.writing_ports import Documents
from booking_system.notifications.domain.gate import Due, Send, Verdict, Withdraw, verdict_on
from booking_system.notifications.domain.letter import Email
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import (
    UNREADABLE,
    OwnSender,
    UnreadableChannelError,
)
from booking_system.notifications.domain.retrying import again_at
from booking_system.notifications.domain.sending import (
    Fault,
    NotSentError,
    OutcomeUnknownError,
)
from booking_system.shared_kernel.clock import Clock

REFUSED_WAIT = timedelta(minutes=1)
"""So long nothing is tried where the provider refuses all of ours."""
HANDING_SECONDS = 4.0
"""From the wish to begin to the first byte: PostgreSQL ends an idle transaction after five."""
OUR_TRIES = 5
"""So often an error of our own is tried again."""

Opening = tuple[str, AbstractAsyncContextManager[Handover]]
"""The provider's name, and the block in which the written message is handed over."""


class LeftOpenError(Exception):
    """Its bytes may be out, and the ledger could not be told so: its lease ends, and says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """What this installation sends through; None: nothing of that kind."""

    email: EmailCarrier | None
    sms: SmsCarrier | None

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that there are."""
        there: Mapping[Channel, object] = {Channel.EMAIL: self.email, Channel.SMS: self.sms}
        return frozenset(one for one, carrier in there.items() if carrier is not None)


@asynccontextmanager
async def _unknown_if_it_fails() -> AsyncIterator[None]:
    """From the note on that sending begins, no error of ours says that nothing was sent."""
    try:
        yield
    except (NotSentError, OutcomeUnknownError):
        raise
    except Exception as error:
        raise OutcomeUnknownError(type(error).__name__) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage:
    """One claimed message is written, judged twice, handed over, and its end noted.

    `chance` gives numbers from 0 to 1, `monotonic` seconds of a clock that never goes back.
    """

    ledger: Ledger
    letters: Letters
    account_links: AccountLinks
    carriers: Carriers
    own_carriers: OwnCarriers
    own_words: OwnWords
    documents: Documents
    clock: Clock
    chance: Callable[[], float]
    monotonic: Callable[[], float]

    async def __call__(self, claim: Claim) -> None:
        """Send it, or note why not; nothing is raised but what the ledger raises.

        Raises `LeftOpenError` where it may be out and the ledger does not know: nobody may try it
        again as if it had failed.
        """
        found = await self.ledger.look(claim)
        verdict = self._judge(found.due)
        if not isinstance(verdict, Send):
            await self.ledger.settle(claim, verdict)
            return
        own = found.own if isinstance(found, Found) else None
        try:
            is_taken = await self._send(claim, found)
        except NotSentError as error:
            await self._not_sent(claim, own, error)
        except UnreadableChannelError:
            await self._unreadable(claim, own)
        except OutcomeUnknownError as error:
            await self._leave_unknown(claim, error)
        else:
            if is_taken and own is not None:
                await self.own_carriers.went_well(own)

    async def _leave_unknown(self, claim: Claim, error: OutcomeUnknownError) -> None:
        try:
            await self.ledger.leave_unknown(claim, code=error.code)
        except Exception as failure:
            raise LeftOpenError from failure

    def _judge(self, due: Due) -> Verdict:
        return verdict_on(due, now=self.clock.now(), channels=self.carriers.channels)

    async def _send(self, claim: Claim, found: Found | FoundAccount) -> bool:
        """Say whether the provider has taken it."""
        opening = await self._opening(claim, found)
        if opening is None:
            await self.ledger.settle(claim, Withdraw())
            return False
        provider, opened = opening
        async with opened as handover:
            since = self.monotonic()
            verdict = await self.ledger.begin(claim, found, judge=self._judge, provider=provider)
            if verdict is None:
                return False
            if not isinstance(verdict, Send):
                await self.ledger.settle(claim, verdict)
                return False
            async with _unknown_if_it_fails():
                if await self._hand_over(claim, found, handover, since):
                    provider_id = await handover.answer()
                    await self.ledger.finish(claim, provider=provider, provider_id=provider_id)
                    return True
        return False

    async def _hand_over(
        self, claim: Claim, found: Found | FoundAccount, handover: Handover, since: float
    ) -> bool:
        """Say whether its bytes are out. What fails before the first byte was surely not sent."""
        may_be_out = False
        try:
            async with self.ledger.handing_over(claim, found) as may_go:
                if may_go:
                    self._refuse_after_a_stop(since)
                    may_be_out = True
                    await handover.write()
        except (NotSentError, OutcomeUnknownError):
            raise
        except Exception as error:
            if may_be_out:
                raise
            raise NotSentError(Fault.TEMPORARY, type(error).__name__) from error
        return may_be_out

    def _refuse_after_a_stop(self, since: float) -> None:
        """A process that stood still may have lost its lock, and its words may be old."""
        if self.monotonic() - since > HANDING_SECONDS:
            raise NotSentError(Fault.TEMPORARY, "stalled")

    async def _opening(self, claim: Claim, found: Found | FoundAccount) -> Opening | None:
        """Write it; None: there is nothing to tell any more."""
        if isinstance(found, FoundAccount):
            link = await self.account_links.of(found.due.kind, found.recipient_id)
            if link is None:
                return None
            return self._by_email(self.letters.account_email(claim.id, found, link))
        opening = await self._of_appointment(claim, found)
        if found.own_words:
            await self.own_words.tell()
        return opening

    async def _of_appointment(self, claim: Claim, found: Found) -> Opening:
        """The clinic's own account goes first; where it does not work, nothing goes second."""
        own = found.own
        if claim.channel is Channel.EMAIL:
            own_email = None if own is None else await self.own_carriers.email(own)
            documents = await self.documents.of(claim.id, found)
            await self._words_of(found)
            return self._by_email(self.letters.email(claim.id, found, documents), own_email)
        carrier = self.carriers.sms if own is None else await self.own_carriers.sms(own)
        await self._words_of(found)
        assert carrier is not None, "the gate asks for the channel"
        return carrier.name, carrier.opened(self.letters.sms(claim.id, found))

    async def _words_of(self, found: Found) -> None:
        """Have the clinic's words at hand; what is written next, without waiting, uses them."""
        await self.own_words.ready(found.clinic.id, found.due.kind, found.own_words)

    def _by_email(self, email: Email, own: EmailCarrier | None = None) -> Opening:
        carrier = own or self.carriers.email
        assert carrier is not None, "the gate asks for the channel"
        return carrier.name, carrier.opened(email)

    async def _unreadable(self, claim: Claim, own: OwnSender | None) -> None:
        """It goes through nobody else's account; the other channel may still do."""
        await self.ledger.give_up(claim, UNREADABLE, code=UNREADABLE, falls_back=True)
        if own is not None:
            await self.own_carriers.failed(own, UNREADABLE)

    async def _not_sent(self, claim: Claim, own: OwnSender | None, error: NotSentError) -> None:
        now = self.clock.now()
        if own is not None:
            await self.own_carriers.failed(own, error)
            if error.fault is Fault.REFUSED and claim.attempts + 1 >= OUR_TRIES:
                # The operator mends the platform's account; who mends a clinic's nobody knows.
                await self.ledger.give_up(claim, error.fault, code=error.code)
                return
        if error.fault is Fault.TEMPORARY:
            least = error.again_after or timedelta(0)
            until = again_at(now=now, attempts=claim.attempts, chance=self.chance(), least=least)
            await self.ledger.put_off(claim, error, until=until)
        elif error.fault is Fault.REFUSED:
            await self.ledger.put_off(claim, error, until=now + REFUSED_WAIT)
        else:
            await self.ledger.give_up(claim, error.fault, code=error.code)

    async def failed(self, claim: Claim, error: str) -> None:
        """Note that a mistake of ours stopped it: again later, in the end not any more."""
        if claim.attempts + 1 >= OUR_TRIES:
            await self.ledger.give_up(claim, "program_error", code=error)
            return
        now = self.clock.now()
        until = again_at(now=now, attempts=claim.attempts, chance=1.0, least=timedelta(0))
        await self.ledger.put_off(claim, NotSentError(Fault.TEMPORARY, error), until=until)
