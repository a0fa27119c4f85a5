"""Relay, planner and sender as the workers run them, and what was seen of their work."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from uuid import UUID

import asyncpg
from dependency_injector import providers

from booking_lab.weave.background import Does, Feeding
from booking_lab.weave.deeds import Deed
from booking_lab.weave.messages.carrier import Attempt, Carrier, PlainWords
from booking_lab.weave.messages.judging import rows_told, wrong_messages
from booking_lab.weave.messages.ought import is_true
from booking_lab.weave.messages.standing import OWN_CLAIM, LedgerOfSleepers
from booking_lab.weave.messages.watching import NOTHING_YET, watched, wrong_between
from booking_lab.weave.records import Record
from booking_lab.weave.scene import PHONE
from booking_lab.weave.seen import Row, Seen
from booking_lab.weave.service import Service
from booking_lab.weave.threads import THREAD
from booking_system.notifications.adapters.sending_job import SendingJob
from booking_system.notifications.application.send_messages import Carriers
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.planning import Lane, Skipped

LEDGER = """SELECT id, appointment_id, revision, kind, offset_minutes, channel, recipient_key,
 state, reason, due_at, ended_at, began FROM message_ledger
 ORDER BY appointment_id, revision, kind, offset_minutes, channel, id"""
UNSETTLED = """SELECT EXISTS (SELECT FROM message_ledger WHERE state IN ('claimed', 'sending',
 'unknown') OR state = 'planned' AND due_at <= $1)"""
NEXT = "SELECT min(due_at) FROM message_ledger WHERE state = 'planned'"
LANES = (Lane.CHANGES, Lane.REMINDERS)
MOST = 50
"""All that is due is claimed at once: else places on disk would decide which of two comes first."""
PATIENCE = timedelta(minutes=2)
"""Longer than a lease, and than a lost answer is waited for."""
MOST_ROUNDS = 12
OLD = timedelta(seconds=20)
"""Words that were written so long ago are not sent: a lease, and what handing over may take."""


class Office:
    """What befalls messages in a run."""

    workers = frozenset({"relay", "planner", "send"})

    def __init__(self, service: Service, eyes: asyncpg.Connection, feeding: Feeding) -> None:
        """`eyes` is a connection that looks, and is no part of a run."""
        self._service, self._eyes, self._feeding = service, eyes, feeding
        of = service.container.notifications
        of.writer.override(providers.Object(PlainWords(service.clock)))
        carrier = Carrier(service.clock, self._attempted)
        self._recipients = of.recipients()
        ledger = of.ledger()
        self._ledger = LedgerOfSleepers(
            **{one.name: getattr(ledger, one.name) for one in fields(ledger)},
            sleepers=feeding.sleepers,
            notes=self._begins,
        )
        send = replace(
            of.send(),
            ledger=self._ledger,
            carriers=Carriers(email=carrier, sms=carrier),
            chance=lambda: 1.0,
            monotonic=feeding.seconds,
        )
        self._sending = SendingJob(ledger=self._ledger, send=send, clock=service.clock)
        self._consumer = of.consumer()
        self.commits = list[tuple[Seen, Deed]]()
        self.attempts = list[Attempt]()
        self.wrong = list[str]()
        self._watched = NOTHING_YET
        self._stopped_before = set[UUID]()
        self.deeds: Mapping[str, Does] = {
            "relay": feeding.relay,
            "planner": self.plan,
            "send": self.send,
            "stop": self.stop,
        }

    def begin(self) -> None:
        """Forget the run before."""
        self._stopped_before.clear()
        self.commits, self.attempts, self.wrong = [], [], []
        self._watched = NOTHING_YET

    async def sees(self, seen: Seen, record: Record) -> list[str]:
        """Look at what was committed by a deed; what is wrong is told in the end."""
        self.commits.append((seen, record.deed))
        before, self._watched = self._watched, await watched(self._eyes)
        self.wrong += wrong_between(before, self._watched, now=seen.now)
        return []

    def wrong_in_the_end(self) -> AsyncIterator[str]:
        """Yield what is wrong, first when all are quiet, then when all reminders had their time."""
        return wrong_messages(self)

    async def rows(self) -> list[str]:
        """Return a line for each message and each attempt."""
        return list(rows_told(await self.ledger(), self.attempts))

    @property
    def is_stopped(self) -> bool:
        """Say whether no SMS is wanted any more."""
        return self._watched.is_stopped

    async def plan(self, *_: object) -> None:
        """One round of the planner."""
        await self._consumer.once()

    async def send(self, *_: object) -> None:
        """One round of a sender, one message after the other."""
        await self._ledger.rescue()
        for lane in LANES:
            now = self._service.clock.now()
            claims = await self._ledger.claim(lane, most=MOST, now=now)
            for claim in sorted(claims, key=lambda one: one.id):
                await self._sending.one(claim)

    async def stop(self, *_: object) -> None:
        """A patient writes STOP: no more SMS to their number."""
        async with self._service.database.driver_transaction() as connection:
            reason = Skipped.OPTED_OUT
            await self._recipients.block(connection, Channel.SMS, PHONE, reason)

    async def quiet(self) -> None:
        """Let all work until nothing is due and nothing is under way; time passes meanwhile."""
        for _ in range(MOST_ROUNDS):
            await self._feeding.last_relay()
            await self.plan()
            await self.send()
            # What could not be sent just now is due again before that.
            later = self._service.clock.moment + PATIENCE
            if not await self._eyes.fetchval(UNSETTLED, later):
                return
            await self._feeding.wait_until(later)

    async def whole(self) -> None:
        """Let time go on until nothing is planned any more."""
        for _ in range(MOST_ROUNDS):
            due_at = await self._eyes.fetchval(NEXT)
            if due_at is None:
                return
            await self._feeding.wait_until(due_at)
            await self.quiet()

    async def ledger(self) -> list[Row]:
        """Return all messages that there are."""
        found: list[Row] = await self._eyes.fetch(LEDGER)
        return found

    async def fetch(self, question: str) -> list[Row]:
        """Look at something else."""
        found: list[Row] = await self._eyes.fetch(question)
        return found

    def _begins(self, message_id: UUID) -> None:
        """Note that no SMS was wanted when the sender came to the last look but one."""
        if self.is_stopped:
            self._stopped_before.add(message_id)

    def _attempted(self, attempt: Attempt) -> None:
        """Judge it by what was committed when it began."""
        what, row = attempt.kind, self.commits[-1][0].visits[attempt.appointment_id]
        if not is_true(row, what, attempt.revision):
            self.wrong.append(f"a {what} began to go out, and was not true any more")
        if attempt.at - attempt.written_at > OLD:
            self.wrong.append(f"a {what} went out in words of long ago")
        if not attempt.is_mail and attempt.message_id in self._stopped_before:
            self.wrong.append(f"a {what} went out by SMS behind a STOP")
        if THREAD.get() is not None and OWN_CLAIM.get() not in self._watched.sending:
            self.wrong.append(f"a {what} went out that was not its sender's to send")
        self.attempts.append(attempt)
