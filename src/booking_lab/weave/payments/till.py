"""All that befalls money in a run: what payers, providers, the desk and workers do, and its end."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from dependency_injector import providers as injected

from booking_lab.weave.background import Does, Feeding, turn_elsewhere
from booking_lab.weave.deeds import ELSEWHERE, Deed
from booking_lab.weave.payments.account_books import CARD, ORDER
from booking_lab.weave.payments.ending import wrong_money
from booking_lab.weave.payments.judging import wrong_now, wrong_since
from booking_lab.weave.payments.provider import PAY, WovenProvider
from booking_lab.weave.payments.watching import Watch, watched
from booking_lab.weave.payments.written import Written, written
from booking_lab.weave.people import NothingToDo
from booking_lab.weave.records import Record
from booking_lab.weave.scene import CLINIC, DESK, OWNERS, PATIENTS
from booking_lab.weave.seen import Row, Seen, seen
from booking_lab.weave.service import CountedInTime, Service
from booking_lab.weave.threads import THREAD, Order
from booking_system.payments.application.ports import Claim
from booking_system.payments.application.provider_port import Presentation, Provider
from booking_system.payments.application.refund_payment import RefundWish
from booking_system.payments.application.start_payment import PaymentWish
from booking_system.payments.application.take_at_desk import DeskWish, Method
from booking_system.payments.application.take_sighting import KEPT_FOR_CAPTURE
from booking_system.payments.domain.sighting import Account, RefundStage, Sighting
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.errors import Refusal, Transient
from booking_system.shared_kernel.identifiers import ClinicId

OF_PATIENT = """SELECT id FROM appointments WHERE patient_id = $1
 ORDER BY $2 = ANY(time_slot_ids) DESC, status = 'cancelled', id LIMIT 1"""
PAGE = """SELECT reference FROM payments WHERE appointment_id = $1 AND provider = $2
 AND checkout_url IS NOT NULL ORDER BY id DESC LIMIT 1"""
PAYMENT = """SELECT id FROM payments WHERE appointment_id = $1
 ORDER BY state = 'succeeded' DESC, id LIMIT 1"""
RIVALS = """SELECT EXISTS (SELECT FROM payments p JOIN appointments a ON a.id = p.appointment_id
 JOIN time_slots s ON s.id = ANY(a.time_slot_ids)
 WHERE p.id = $1 AND a.status <> 'cancelled' AND (s.appointment_id <> a.id
 OR s.hold_id <> a.id AND s.held_until > $2))"""
"""Whether somebody else has the time of what is paid for."""
MOST = 50
"""All that is due is claimed at once: else places on disk would decide which of two comes first."""
RECENT = timedelta(days=7)


class Till:
    """What befalls money in a run."""

    workers = frozenset({"relay", "follower", "money", "sweep", "reconcile", "hooks"})

    def __init__(self, service: Service, eyes: asyncpg.Connection, feeding: Feeding) -> None:
        """`eyes` is a connection that looks, and is no part of a run."""
        self._service, self._eyes, self.feeding = service, eyes, feeding
        self.card, self.order = (
            WovenProvider(account=one, clock=service.clock, asked=self._asked, wrong=self._is_wrong)
            for one in (CARD, ORDER)
        )
        self.both = (self.card, self.order)
        of = service.container.payments
        of.accounts.override(injected.Object(self))
        do = of.do_work()
        self._do = replace(do, tools=replace(do.tools, chance=lambda: 1.0))
        of.do_work.override(injected.Object(self._do))
        self._start = replace(of.start(), identities=CountedInTime(service))
        self._at_desk, self._refund = of.take_at_desk(), of.refund()
        self._reconcile, self._take_event = of.reconcile(), of.take_event()
        self._events, self._queue, self._consumer = of.handle_events(), of.queue(), of.consumer()
        self._expire = service.container.booking.unpaid()
        self.wrong = list[str]()
        self.cancelled = dict[UUID, datetime]()
        self.captured_for = frozenset[UUID]()
        self._committed = dict[str, datetime]()
        self._began = dict[str, datetime]()
        """Not before then their last transaction began."""
        self._watch = Watch()
        self._before: Written | None = None
        self.is_told = True
        """Providers tell of what happens; else they have to be asked."""
        self.deeds: Mapping[str, Does] = {
            "relay": feeding.relay,
            "follower": self.follow,
            "money": self.money,
            "sweep": self.sweep,
            "reconcile": self.reconcile,
            "hooks": self.hooks,
            "mood": self.mood,
            "start": self.start,
            "gives back": self.give_back,
            "desk takes": self.take,
            **dict.fromkeys(ELSEWHERE, self.elsewhere),
        }

    def begin(self) -> None:
        """Forget the run before."""
        for one in self.both:
            one.begin()
        self.wrong, self.is_told, self._before = [], True, None
        self.cancelled, self.captured_for, self._committed, self._began = {}, frozenset(), {}, {}
        self._watch = Watch()

    async def sees(self, seen: Seen, record: Record) -> list[str]:
        """Judge what was committed by a deed, against what its providers have."""
        now, before = await written(self._eyes, seen), self._before
        for visit_id, visit in seen.visits.items():
            if visit["status"] == "cancelled":
                self.cancelled.setdefault(visit_id, visit["updated_at"])
        captured = [one for one in now.payments.values() if one["captures"]]
        self.captured_for |= {one["appointment_id"] for one in captured}
        self._began[record.actor] = self._committed.get(record.actor, seen.now)
        self._committed[record.actor], self._before = seen.now, now
        found = list(self._watch.sees(await watched(self._eyes), seen, record.actor))
        found += list(wrong_now(now, self.both, self.cancelled, begun=self.captured_for))
        if before is not None:
            found += wrong_since(before, now, record, self.both, self.cancelled)
        return found

    def wrong_in_the_end(self) -> AsyncIterator[str]:
        """Yield what was asked of providers and may not be, and what is left in the end."""
        return wrong_money(self)

    async def rows(self) -> list[str]:
        """Return a line for each row of money."""
        return list((await self.look()).told())

    async def look(self) -> Written:
        """Return what is written now."""
        now = self._service.clock.moment
        return await written(self._eyes, await seen(self._eyes, now))

    async def fetch(self, question: str, *values: Any) -> list[Row]:
        """Look at something else."""
        found: list[Row] = await self._eyes.fetch(question, *values)
        return found

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        return self._service.clock.moment

    # The accounts, as the program finds them.

    async def chosen(self, provider: str, clinic_id: ClinicId) -> Provider | None:
        """Return the account that the clinic takes money at."""
        assert clinic_id == CLINIC, "there is one clinic"
        return self._of(provider)

    async def of(self, account: Account) -> Provider | None:
        """Return this account."""
        return self._of(account.provider)

    def _of(self, provider: str) -> WovenProvider:
        return self.card if provider == CARD.provider else self.order

    async def _asked(self, method: str, seen: Sighting | None) -> None:
        """A call arrives: nobody's transaction is open, and money is taken for what can be had."""
        with waiting_elsewhere():
            pass
        if method != "capture" or seen is None or seen.our_id is None:
            return
        thread = THREAD.get()
        who = "" if thread is None else thread.name
        since = self._began.get(who, self.now)
        if self._watch.could_know(who, UUID(seen.our_id)):
            self._is_wrong("money is taken for what was cancelled before the last look")
        is_fresh = self.now - since < KEPT_FOR_CAPTURE
        if is_fresh and await self._eyes.fetchval(RIVALS, UUID(seen.our_id), self.now):
            self._is_wrong("money is taken for what somebody else has")

    def _is_wrong(self, what: str) -> None:
        self.wrong.append(what)

    # What workers do.

    async def follow(self, *_: object) -> None:
        """One round of the consumer by which payments follow appointments."""
        await self._consumer.once()

    async def money(self, *_: object) -> bool:
        """One round of a worker, one piece of work after the other; say whether there was some."""
        await self._events()
        claims = await self._queue.claim(most=MOST, now=self.now)
        failed: Exception | None = None
        for claim in sorted(claims, key=_place):
            try:
                await self._do(claim)
            except (Refusal, Transient) as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return bool(claims)

    async def sweep(self, *_: object) -> None:
        """One round of the job that ends what was not paid in time."""
        await self._expire.once()

    async def reconcile(self, *_: object) -> Any:
        """Compare the books."""
        return await self._reconcile(since=RECENT)

    async def hooks(self, deed: Deed, _: str) -> None:
        """Providers tell of what happened, each event until it was taken; some more than once."""
        if not self.is_told:
            return
        for one in self.both:
            events = list(one.events)
            if deed.how == "backwards":
                events.reverse()
            for event in [*events, *events] if deed.how == "twice" else events:
                body = f"{event.id} {event.kind} {event.reference or ''} {event.charge_id or ''}"
                await self._take_event(one, body.encode(), {})
                if event in one.events:
                    one.events.remove(event)

    # What people do.

    async def mood(self, deed: Deed, _: str) -> None:
        """Set providers up, before a run."""
        for one in self.both:
            one.moods[deed.how] += 1
        self.is_told = self.is_told and deed.how != "no webhooks"

    async def start(self, deed: Deed, _: str) -> Any:
        """A patient begins to pay."""
        wish = PaymentWish(
            appointment_id=await self._visit(deed),
            provider=deed.how,
            presentation=Presentation.REDIRECT,
            title="Example Clinic",
            language="en",
            return_url="https://example.com/back",
            cancel_url="https://example.com/left",
        )
        return await self._start(wish, OWNERS[deed.patient])

    async def take(self, deed: Deed, _: str) -> Any:
        """The desk takes money."""
        wish = DeskWish(
            appointment_id=await self._visit(deed),
            amount=int(deed.how) if deed.how else None,
            method=Method.CASH,
            title="Example Clinic",
            language="en",
        )
        return await self._at_desk(wish, DESK)

    async def give_back(self, deed: Deed, _: str) -> Any:
        """The desk gives money back."""
        found = await self._eyes.fetchval(PAYMENT, await self._visit(deed))
        if found is None:
            raise NothingToDo
        amount = int(deed.how) if deed.how else None
        return await self._refund(RefundWish(payment_id=found, amount=amount, reason=None), DESK)

    async def elsewhere(self, deed: Deed, _: str) -> None:
        """A payer, or the provider's own people, do something where the program is not asked."""
        if await turn_elsewhere(PAY) is Order.CUT:
            raise NothingToDo
        if deed.what in {"refunds settle", "refunds fail"}:
            stage = RefundStage.SETTLED if deed.what == "refunds settle" else RefundStage.FAILED
            if not sum(one.refunds_end(stage) for one in self.both):
                raise NothingToDo
            return
        is_of_card = deed.what == "refunds there" or deed.how == CARD.provider
        provider = self.card if is_of_card else self.order
        visit_id = await self._visit(deed)
        reference = await self._eyes.fetchval(PAGE, visit_id, provider.account.provider)
        if reference is None or not _done(provider, reference, deed):
            raise NothingToDo

    async def _visit(self, deed: Deed) -> Any:
        who = (PATIENTS[deed.patient], deed.slot_id)
        found = await self._eyes.fetchval(OF_PATIENT, *who)
        if found is None:
            raise NothingToDo
        return found


def _done(provider: WovenProvider, reference: str, deed: Deed) -> bool:
    match deed.what:
        case "pays":
            return provider.pay(reference)
        case "pays anyway":
            return provider.pay(reference, is_over=True)
        case "pays slowly":
            return provider.pay_slowly(reference)
        case "refunds there":
            return provider.refund_there(reference, int(deed.how))
        case _:
            return provider.come(reference, succeeds=deed.what == "money comes")


def _place(claim: Claim) -> tuple[str, str, str]:
    return claim.kind, str(claim.payment_id), str(claim.refund_id)
