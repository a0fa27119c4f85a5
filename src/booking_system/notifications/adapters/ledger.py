"""The ledger in PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import asyncpg

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.adapters import claiming_statements as claims
from booking_system.notifications.adapters import ledger_statements as sql
from booking_system.notifications.adapters.account_facts import account_facts_of
from booking_system.notifications.adapters.facts import facts_of
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.application.ledger_ports import (
    Claim,
    Found,
    FoundAccount,
    Unsettled,
)
from booking_system.notifications.domain.gate import (
    Due,
    Send,
    Skip,
    Verdict,
    Wait,
    stays_true,
)
from booking_system.notifications.domain.message import Channel, State
from booking_system.notifications.domain.own_channel import OwnSender, scope_of
from booking_system.notifications.domain.planning import Lane, Skipped
from booking_system.notifications.domain.sending import Fault, NotSentError
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities

LEASE = timedelta(seconds=15)
"""Longer than any provider is waited for: else the rescue itself would send twice."""
PATIENCE = timedelta(seconds=90)
"""So long a provider's own word is waited for, when its answer was lost."""
SUPERSEDED = "superseded"
CONSEQUENCE = {
    (Channel.SMS, Fault.RECIPIENT): Skipped.UNUSABLE,
    (Channel.EMAIL, Fault.RECIPIENT): Skipped.BOUNCED,
    (Channel.SMS, Fault.OPTED_OUT): Skipped.OPTED_OUT,
    (Channel.EMAIL, Fault.OPTED_OUT): Skipped.COMPLAINED,
}
"""What a provider's refusal means for the next messages to the same address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLedger:
    """Claims last by the database's clock; what is due is so by the program's."""

    database: Database
    recipients: Recipients
    identities: Identities
    clock: Clock
    lease: timedelta = LEASE
    patience: timedelta = PATIENCE

    async def rescue(self) -> None:
        """One statement; it leaves alone what another worker has at hand."""
        async with self.database.driver_transaction() as connection:
            await sql.RESCUE.execute(connection, patience=self.patience)

    async def claim(self, lane: Lane, *, most: int, now: datetime) -> Sequence[Claim]:
        """Claim those that are due longest; in a burst some of each clinic."""
        async with self.database.driver_transaction() as connection:
            is_burst = lane is not Lane.ACCOUNTS and await self._is_burst(connection, lane, now)
            claiming = claims.CLAIM_IN_BURST if is_burst else claims.CLAIM
            rows = await claiming.fetch(connection, lane=lane, most=most, now=now, lease=self.lease)
        return [
            Claim(
                id=row["id"],
                token=row["token"],
                channel=Channel(row["channel"]),
                attempts=row["attempts"],
                is_of_account=lane is Lane.ACCOUNTS,
            )
            for row in rows
        ]

    async def _is_burst(self, connection: asyncpg.Connection, lane: Lane, now: datetime) -> bool:
        count: int = await claims.COUNT_DUE.fetchval(connection, lane=lane, now=now)
        return count >= claims.BURST

    async def look(self, claim: Claim) -> Found | FoundAccount:
        """Read all about it in one statement, and in a second one whether it may be written to."""
        async with self.database.reading() as connection:
            return await self._facts(connection, claim)

    async def _facts(self, connection: asyncpg.Connection, claim: Claim) -> Found | FoundAccount:
        of = account_facts_of if claim.is_of_account else facts_of
        return await of(connection, claim.id, self.recipients)

    async def begin(
        self,
        claim: Claim,
        found: Found | FoundAccount,
        *,
        judge: Callable[[Due], Verdict],
        provider: str,
    ) -> Verdict | None:
        """Judge what is read behind the appointment's lock, in one transaction with the note."""
        async with self.database.driver_transaction() as connection:
            if isinstance(found, Found):
                await self._lock(connection, found)
            present = await self._facts(connection, claim)
            verdict = judge(present.due)
            if not isinstance(verdict, Send):
                return verdict
            if present.due.address != found.due.address or _own(present) != _own(found):
                return Wait(self.clock.now())
            fence = {"id": claim.id, "token": claim.token}
            begun = await sql.BEGIN.execute(
                connection,
                **fence,
                provider=provider,
                lease=self.lease,
                sent_to=self._known_as(claim, present),
            )
            return verdict if begun.endswith(" 1") else None

    def _known_as(self, claim: Claim, found: Found | FoundAccount) -> bytes | None:
        """Keep by which name the number is known that an SMS goes to: its answer may come."""
        address = found.due.address
        if claim.channel is not Channel.SMS or address is None:
            return None
        return self.recipients.names_of(claim.channel, address)[0]

    async def _lock(
        self, connection: asyncpg.Connection, found: Found
    ) -> tuple[int, AppointmentStatus]:
        row = await sql.LOCK_APPOINTMENT.fetchrow(connection, appointment_id=found.appointment.id)
        assert row is not None, "appointments are never deleted"
        return row["revision"], AppointmentStatus(row["status"])

    @asynccontextmanager
    async def handing_over(self, claim: Claim, found: Found | FoundAccount) -> AsyncIterator[bool]:
        """Hold the appointment for as long as the bytes need to leave.

        The one place where something is sent between a lock and a commit: a cancellation is
        acknowledged either before this lock, and nothing goes, or behind it, when all has gone.
        """
        fence = {"id": claim.id, "token": claim.token}
        # A carrier that keeps messages in this very database does so in this transaction.
        async with self.database.whole(), self.database.driver_transaction() as connection:
            may_go = isinstance(found, FoundAccount)
            if isinstance(found, Found):
                revision, status = await self._lock(connection, found)
                may_go = stays_true(found.due, revision=revision, status=status)
            if may_go:
                may_go = await sql.STILL_BEGUN.fetchval(connection, **fence) is not None
            else:
                await sql.UNDO_BEGIN.execute(connection, **fence)
            yield may_go

    async def finish(self, claim: Claim, *, provider: str, provider_id: str | None) -> None:
        """Note it with the attempt as well: a late success stops a repeat that has not begun."""
        async with self.database.driver_transaction() as connection:
            await sql.FINISH.execute(
                connection,
                id=claim.id,
                token=claim.token,
                provider=provider,
                provider_id=provider_id,
            )

    async def settle(self, claim: Claim, verdict: Verdict) -> None:
        """Withdraw it, skip it, or let it wait."""
        if isinstance(verdict, Wait):
            async with self.database.driver_transaction() as connection:
                fence = {"id": claim.id, "token": claim.token}
                await sql.WAIT.execute(connection, **fence, until=verdict.until)
        elif isinstance(verdict, Skip):
            await self._end(claim, State.SKIPPED, verdict.reason, falls_back=verdict.falls_back)
        else:
            await self._end(claim, State.WITHDRAWN, SUPERSEDED)

    async def put_off(self, claim: Claim, error: NotSentError, *, until: datetime) -> None:
        """Give the claim back."""
        async with self.database.driver_transaction() as connection:
            fence = {"id": claim.id, "token": claim.token}
            await sql.PUT_OFF.execute(connection, **fence, code=error.code, until=until)

    async def give_up(
        self, claim: Claim, fault: Fault | str, *, code: str, falls_back: bool | None = None
    ) -> None:
        """Let the address be, where it is its fault, and take the other channel."""
        consequence = None
        if isinstance(fault, Fault):
            consequence = CONSEQUENCE.get((claim.channel, fault))
        await self._end(
            claim,
            State.FAILED,
            fault,
            code=code,
            falls_back=isinstance(fault, Fault) if falls_back is None else falls_back,
            consequence=consequence,
        )

    async def _end(  # noqa: PLR0913
        self,
        claim: Claim,
        state: State,
        reason: str,
        *,
        code: str | None = None,
        falls_back: bool = False,
        consequence: Skipped | None = None,
    ) -> None:
        now = self.clock.now()
        async with self.database.driver_transaction() as connection:
            ended = await sql.END.fetchval(
                connection,
                id=claim.id,
                token=claim.token,
                state=state,
                reason=reason,
                code=code,
                now=now,
            )
            if ended is None:
                return
            if consequence is not None:
                await self._block(connection, claim, consequence)
            if falls_back:
                new_id = self.identities.new()
                await sql.FALL_BACK.execute(connection, id=claim.id, new_id=new_id, now=now)

    async def _block(self, connection: asyncpg.Connection, claim: Claim, reason: Skipped) -> None:
        found = await self._facts(connection, claim)
        if found.due.address is not None:
            scope = None
            if isinstance(found, Found) and found.own is not None:
                scope = scope_of(found.clinic.id)
            await self.recipients.block(
                connection, claim.channel, found.due.address, reason, scope=scope
            )

    async def unsettled(self, provider: str) -> Sequence[Unsettled]:
        """Read them, those first whose time is over first."""
        async with self.database.reading() as connection:
            rows = await sql.UNSETTLED.fetch(connection, provider=provider)
        return [
            Unsettled(
                claim=Claim(
                    id=row["id"],
                    token=row["token"],
                    channel=Channel(row["channel"]),
                    attempts=row["attempts"],
                    is_of_account=False,
                ),
                began_at=row["began_at"],
                is_to_number=partial(self.recipients.is_called, row["sent_to"]),
                is_late=row["is_late"],
            )
            for row in rows
        ]

    async def known(self, provider: str, provider_ids: Sequence[str]) -> Collection[str]:
        """Look them up."""
        async with self.database.reading() as connection:
            rows = await sql.KNOWN.fetch(connection, provider=provider, provider_ids=provider_ids)
        return {row["provider_id"] for row in rows}

    async def not_taken(self, claim: Claim) -> None:
        """Give it back; what went out twice already is left to the rescue."""
        async with self.database.driver_transaction() as connection:
            await sql.NOT_TAKEN.execute(
                connection,
                id=claim.id,
                token=claim.token,
                code="not_taken",
                now=self.clock.now(),
            )

    async def leave_unknown(self, claim: Claim, *, code: str) -> None:
        """Wait for the provider's own word, as long as `PATIENCE`."""
        async with self.database.driver_transaction() as connection:
            fence = {"id": claim.id, "token": claim.token}
            await sql.UNKNOWN.execute(connection, **fence, code=code, patience=self.patience)


def _own(found: Found | FoundAccount) -> OwnSender | None:
    return found.own if isinstance(found, Found) else None
