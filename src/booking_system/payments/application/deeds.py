"""Single pieces of work towards a provider: what is asked, and what becomes of the answer."""

from dataclasses import dataclass
from datetime import datetime

from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.ports import Claim, WorkKind
from booking_system.payments.application.provider_port import (
    Provider,
    ProviderRefused,
    RefundAsked,
)
from booking_system.payments.application.settler import PENDING_REFUND_POLLED, POLLED_AFTER
from booking_system.payments.application.work_tools import LONGEST_WAIT, Tools, asked_of
from booking_system.payments.domain.attempt import LIVE, Attempt, AttemptState
from booking_system.payments.domain.refunds import Refund, RefundState
from booking_system.payments.domain.sighting import Stage
from booking_system.payments.domain.transitions import Cause

SETTLED_OR_COMING = frozenset({AttemptState.SUCCEEDED, AttemptState.PROCESSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One piece of work with the attempt and the refunds that it is about, as they were read."""

    tools: Tools
    changes: AttemptChanges
    claim: Claim
    attempt: Attempt
    refunds: tuple[Refund, ...]
    provider: Provider

    async def done(self) -> datetime | None:
        """Do it; return when there is more to do of it."""
        match self.claim.kind:
            case WorkKind.CREATE:
                await self._create()
            case WorkKind.POLL:
                return await self._poll()
            case WorkKind.END:
                return await self._end()
            case WorkKind.CAPTURE:
                return await self._capture()
            case WorkKind.REFUND:
                await self._refund()
            case WorkKind.EXPIRE:
                return await self._expire_after_a_look()
        return None

    async def refused(self, refused: ProviderRefused) -> datetime | None:
        """Take a definite no into the books; return when to ask again."""
        match self.claim.kind:
            case WorkKind.CREATE:
                await self._cause(self.attempt, Cause.REFUSED, refused.reason)
            case WorkKind.CAPTURE:
                await self._capture_declined(refused)
            case WorkKind.REFUND:
                await self._refund_failed(refused)
            case WorkKind.EXPIRE:
                return await self.changes.expire(self.attempt.id)
            case WorkKind.POLL | WorkKind.END:
                # What cannot be looked at or ended: the account's keys, or its rights, are wrong.
                if self.claim.kind is WorkKind.POLL:
                    await self.window_over()
                return self.tools.clock.now() + LONGEST_WAIT
        return None

    async def _create(self) -> None:
        """After silence it is looked for: a saved fault would be answered again and again."""
        if self.attempt.state is not AttemptState.CREATING:
            return
        asked = asked_of(self.attempt)
        if self.claim.attempts > 1:
            found = await self.provider.find(asked)
            if found is not None:
                await self.tools.take(self.attempt.id, found)
                return
        checkout = await self.provider.create(asked)
        await self.changes.accepted(self.attempt.id, checkout)

    async def _poll(self) -> datetime | None:
        """Look, then close the payer's window if it is over."""
        attempt = await self._looked()
        now, window_end = self.tools.clock.now(), attempt.asked.window_end
        if attempt.state is AttemptState.PROCESSING:
            return now + PENDING_REFUND_POLLED
        if attempt.is_live and now < window_end:
            return window_end + POLLED_AFTER
        await self.window_over()
        shown = await self.tools.reader.show(attempt.id)
        refunds = () if shown is None else shown.refunds
        if any(one.state is RefundState.PENDING for one in refunds):
            return now + PENDING_REFUND_POLLED
        return None

    async def _looked(self) -> Attempt:
        """Ask for it by its reference, or by our id where its answer was lost."""
        if self.attempt.reference is not None:
            seen = await self.provider.read(self.attempt.reference)
            return await self.tools.take(self.attempt.id, seen)
        found = await self.provider.find(asked_of(self.attempt))
        if found is None:
            return self.attempt
        return await self.tools.take(self.attempt.id, found)

    async def window_over(self) -> None:
        """Let the payer pay no more, where their time is over."""
        if self.tools.clock.now() >= self.attempt.asked.window_end:
            await self.changes.cause(self.attempt.id, Cause.WINDOW_OVER)

    async def _end(self) -> datetime | None:
        """Have the provider take no money any more; what it took already comes into the books.

        An order that only we can move is over when its appointment does not want it; until then
        the payer may agree, and we look again.
        """
        attempt = self.attempt if self.attempt.reference is not None else await self._looked()
        if attempt.reference is None:
            if attempt.state is AttemptState.CLOSING:
                await self._cause(attempt, Cause.NEVER_MADE)
            return None
        if attempt.state in SETTLED_OR_COMING:
            return None
        ended = await self.tools.take(attempt.id, await self.provider.end(attempt.reference))
        if ended.state is not AttemptState.CLOSING:
            return None
        if ended.is_captured_by_us and not await self.changes.is_wanted(attempt.id):
            await self._cause(ended, Cause.NOT_CAPTURED)
            return None
        return self.tools.clock.now() + self.tools.wait(self.claim)

    async def _capture(self) -> datetime | None:
        """Take the money, while the slot is ours; what was sent before is looked at first."""
        attempt = self.attempt
        if attempt.state is not AttemptState.PROCESSING or attempt.reference is None:
            return None
        if self.claim.attempts > 1:
            seen = await self.provider.read(attempt.reference)
            attempt = await self.tools.take(attempt.id, seen)
            if attempt.state is not AttemptState.PROCESSING:
                return None
            if seen.stage is not Stage.APPROVED:
                return self.tools.clock.now() + LONGEST_WAIT
        kept_until = await self.changes.kept_for_capture(attempt.id)
        if kept_until is None:
            await self._cause(attempt, Cause.NOT_CAPTURED)
            return None
        if (now := self.tools.clock.now()) >= kept_until:
            # This process stood still meanwhile: somebody else may have the time by now.
            return now
        assert attempt.reference is not None, "a reference is never lost"
        captured = await self.provider.capture(attempt.reference, key=attempt.capture_key)
        then = await self.tools.take(attempt.id, captured)
        is_coming = then.state is AttemptState.PROCESSING
        return self.tools.clock.now() + LONGEST_WAIT if is_coming else None

    async def _capture_declined(self, refused: ProviderRefused) -> None:
        """The payer may try other means, while their time lasts; for good it is a failure."""
        is_over = self.tools.clock.now() >= self.attempt.asked.window_end
        late = Cause.DECLINED_LATE if is_over else Cause.DECLINED
        cause = late if refused.is_payer else Cause.FAILED
        await self._cause(self.attempt, cause, refused.reason)

    async def _cause(self, attempt: Attempt, cause: Cause, problem: str | None = None) -> None:
        await self.changes.cause(attempt.id, cause, problem, decided_for=attempt.state)

    def _its_refund(self) -> Refund | None:
        return next((one for one in self.refunds if one.id == self.claim.refund_id), None)

    async def _refund(self) -> None:
        """After silence it is looked for: a provider that forgot the key would refuse it then."""
        refund, reference = self._its_refund(), self.attempt.reference
        if refund is None or refund.state is not RefundState.ASKED:
            return
        assert reference is not None, "what was paid has a reference"
        if self.claim.attempts > 1:
            seen = await self.provider.read(reference)
            await self.tools.take(self.attempt.id, seen)
            if any(one.our_id == str(refund.id) for one in seen.refunds):
                return
        asked = RefundAsked(
            our_id=str(refund.id),
            key=refund.key,
            reference=reference,
            charge_id=refund.charge_id,
            amount=refund.money,
        )
        await self.tools.take.refund(self.attempt.id, await self.provider.refund(asked))

    async def _refund_failed(self, refused: ProviderRefused) -> None:
        refund = self._its_refund()
        if refund is None:
            return
        seen = refund.refused(refused.reason, self.tools.clock.now())
        await self.tools.take.refund(self.attempt.id, seen)

    async def _expire_after_a_look(self) -> datetime | None:
        """Never end an appointment for lack of money before the provider was asked."""
        if self.attempt.state in LIVE:
            await self._looked()
        return await self.changes.expire(self.attempt.id)
