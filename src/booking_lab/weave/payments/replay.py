"""Replays the edges of the model of money through the use cases: the same answers and rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from dependency_injector import providers as injected

from booking_lab.weave import scene
from booking_lab.weave.deeds import PAID_FOR
from booking_lab.weave.payments.account_books import CARD, ORDER
from booking_lab.weave.payments.provider import WovenProvider
from booking_lab.weave.payments.replay_reading import PAYER, RIVAL, SLOT, Names, Reading
from booking_lab.weave.payments.states import MOMENTS, PART, Ask, State
from booking_lab.weave.scene import BEGIN, DESK, MINUTE, OWNERS, PATIENTS
from booking_lab.weave.service import Service
from booking_lab.weave.walking import Walk
from booking_system.booking.application.ports import BookingWish
from booking_system.payments.application.ports import Claim, WorkId, WorkKind
from booking_system.payments.application.provider_port import (
    Presentation,
    Provider,
    ProviderUnsure,
)
from booking_system.payments.application.refund_payment import RefundWish
from booking_system.payments.application.start_payment import PaymentWish
from booking_system.payments.application.take_at_desk import DeskWish, Method
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.refunds import RefundId
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

WAYS = {"card": CARD.provider, "order": ORDER.provider}
WORKS = {"poll": WorkKind.POLL, "end": WorkKind.END, "expire": WorkKind.EXPIRE,
         "create": WorkKind.CREATE, "capture": WorkKind.CAPTURE,
         "refund": WorkKind.REFUND}  # fmt: skip
MOODS = {"declined": "declines", "refused": "no refund"}
Done = TypeVar("Done")


@dataclass(eq=False, slots=True, kw_only=True)
class AskedOnce(WovenProvider):
    """An account whose next answer may be lost, before or behind what was asked."""

    fate: tuple[str, str] = ("", "")
    """How it goes, and with which call."""

    async def call(self, method: str, reference: str | None, work: Callable[[], Done]) -> Done:
        """Ask, and hear the answer, unless it is lost."""
        if self.fate == ("lost", method):
            raise ProviderUnsure
        done = await WovenProvider.call(self, method, reference, work)
        if self.fate == ("unheard", method):
            raise ProviderUnsure
        return done


class NoQueue:
    """Work is done when the model says so, not when it is due."""

    async def claim_one(self, *_: object, **__: object) -> None:
        """Nothing is due."""

    async def finish(self, *_: object) -> None:
        """Nothing was claimed."""

    async def put_off(self, *_: object, **__: object) -> None:
        """Nothing was claimed."""


class MoneyReplay(Walk[State, Ask]):
    """The program, asked what the model was asked."""

    first = State()
    watched = ("appointments", "appointment_history", "time_slots", "outbox", "payments",
               "payment_ledger", "payment_refunds", "payment_quarantine", "payment_work",
               "receipts", "receipt_counters")  # fmt: skip

    def __init__(self, service: Service) -> None:
        """The scene stands in the service's database."""
        super().__init__(service)
        self._both = {
            one.provider: AskedOnce(
                account=one, clock=service.clock, asked=_nothing, wrong=self._is_wrong
            )
            for one in (CARD, ORDER)
        }
        booking, of = service.container.booking, service.container.payments
        of.accounts.override(injected.Object(self))
        do, queue = of.do_work(), NoQueue()
        self._do = replace(do, tools=replace(do.tools, queue=queue, chance=lambda: 1.0))
        self._start = replace(of.start(), queue=queue, do=self._do)
        self._at_desk, self._refund, self._settle = of.take_at_desk(), of.refund(), of.settle()
        self._book, self._cancel = booking.book_appointment(), booking.cancel_appointment()
        self._sweep = booking.unpaid()

    async def chosen(self, provider: str, clinic_id: ClinicId) -> Provider | None:  # noqa: ARG002
        """Return the account that the clinic takes money at."""
        return self._both[provider]

    async def of(self, account: Account) -> Provider | None:
        """Return this account."""
        return self._both[account.provider]

    def saved(self) -> Callable[[], None]:
        """Remember the providers' books as well."""
        before, kept = super().saved(), {name: one.saved() for name, one in self._both.items()}

        def back() -> None:
            before()
            for name, books in kept.items():
                self._both[name].bring_back(books)

        return back

    async def asked(self, ask: Ask, names: Names) -> None:
        """Ask a use case, or do what the payer does."""
        if ask.what in {"pays", "capture"}:
            # No two charges come at one moment, which would leave to their names who is the last.
            self._service.clock.moment += timedelta(seconds=1)
        match ask.what:
            case "book" | "rival":
                await self._booked(ask)
            case "wait":
                now = (self._service.clock.moment - BEGIN) // MINUTE
                later = MOMENTS[MOMENTS.index(now) + 1]
                self._service.clock.moment = BEGIN + later * MINUTE
            case "cancel" | "dismiss":
                actor = OWNERS[PAYER] if ask.what == "cancel" else DESK
                about = {"reason": None, "version": None, "actor": actor}
                await self._cancel(appointment_id=names.visit, **about)
            case "sweep":
                await self._sweep.once()
            case "settle":
                assert names.visit is not None, "the model says that it is booked"
                await self._settle(AppointmentId(names.visit))
            case name if name in WORKS:
                await self._works(ask, names)
            case _:
                await self._by_people(ask, names)

    async def _by_people(self, ask: Ask, names: Names) -> None:
        match ask.what:
            case "start":
                await self._start(_wish(ask, names), OWNERS[PAYER])
            case "pays":
                provider, reference = self._session(names.tries[ask.place])
                assert provider.pay(reference, is_over=True), "the model says that they can"
            case "desk takes":
                await self._at_desk(_taken(ask, names), DESK)
            case "gives back" | "desk gives back":
                which = names.desk if ask.what.startswith("desk") else names.tries[ask.place]
                assert which is not None, "the model says that it is there"
                wish = RefundWish(payment_id=PaymentId(which), amount=None, reason=None)
                await self._refund(wish, DESK)

    async def looked(self) -> tuple[State, Names]:
        """Read rows and the providers' books."""
        return await Reading(self._driver, self._both, self._service.clock.moment)()

    async def _booked(self, ask: Ask) -> None:
        who = PAYER if ask.what == "book" else RIVAL
        wish = BookingWish(
            slot_id=SLOT,
            patient_id=PATIENTS[who],
            service_id=PAID_FOR.get(ask.how, scene.SHORT),
        )
        await self._book(wish=wish, actor=OWNERS[who])

    async def _works(self, ask: Ask, names: Names) -> None:
        kind, refund = WORKS[ask.what], None
        if kind is WorkKind.REFUND:
            refund = RefundId(names.backs[ask.place][ask.back])
        for one in self._both.values():
            # An order is asked for anew by the same key, to find it.
            creates = "find" if one.account == ORDER else "create"
            one.fate = (ask.how, creates if ask.what == "create" else ask.what)
            one.moods.clear()
            if ask.how in MOODS:
                one.moods[MOODS[ask.how]] = 1
        # It was claimed before, so what may have been sent is looked for.
        claim = Claim(
            id=WorkId(UUID(int=0)),
            kind=kind,
            payment_id=PaymentId(names.tries[ask.place]),
            refund_id=refund,
            token=0,
            asked=0,
            attempts=2,
        )
        await self._do(claim)

    def _session(self, payment_id: UUID | None) -> tuple[AskedOnce, str]:
        return next(
            (one, seen.reference)
            for one in self._both.values()
            for seen in one.sessions.values()
            if seen.our_id == str(payment_id)
        )

    def _is_wrong(self, what: str) -> None:
        raise AssertionError(what)


async def _nothing(*_: object) -> None:
    """Calls are not judged here."""


def _wish(ask: Ask, names: Names) -> PaymentWish:
    assert names.visit is not None, "the model says that it is booked"
    return PaymentWish(
        appointment_id=AppointmentId(names.visit),
        provider=WAYS[ask.how],
        presentation=Presentation.REDIRECT,
        title="Example Clinic",
        language="en",
        return_url="https://example.com/back",
        cancel_url="https://example.com/left",
    )


def _taken(ask: Ask, names: Names) -> DeskWish:
    assert names.visit is not None, "the model says that it is booked"
    return DeskWish(
        appointment_id=AppointmentId(names.visit),
        amount=PART if ask.how == "part" else None,
        method=Method.CASH,
        title="Example Clinic",
        language="en",
    )
