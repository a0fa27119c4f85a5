"""All use cases of payments put together, on memory or on PostgreSQL, with scripted providers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.do_work import DoWork
from booking_system.payments.application.ports import (
    Appointments,
    PaymentsReader,
    PaymentsTransaction,
    Shown,
    WorkQueue,
)
from booking_system.payments.application.provider_port import Presentation
from booking_system.payments.application.refund_payment import RefundPayment, RefundWish
from booking_system.payments.application.settle_appointment import SettleAppointment
from booking_system.payments.application.settler import Settler
from booking_system.payments.application.start_payment import PaymentWish, StartPayment
from booking_system.payments.application.take_at_desk import DeskWish, Method, TakeAtDesk
from booking_system.payments.application.take_sighting import TakeSighting
from booking_system.payments.application.work_tools import Tools
from booking_system.payments.domain.attempt import Attempt, PaymentId
from booking_system.payments.domain.owed import Owed
from booking_system.payments.domain.refunds import Refund
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.booking.builders import FixedClock, a_patient_actor, a_receptionist
from tests.payments.builders import ACCOUNT, PAYPAL, a_waiting_one
from tests.payments.memory import Memory, MemoryAppointments, MemoryQueue, MemoryReader
from tests.payments.scripted import ScriptedProvider, ScriptedProviders

BACK = "https://example.com/back"


@dataclass
class Desk:
    """Everything, wired as the container does it."""

    transaction: PaymentsTransaction
    appointments: Appointments
    queue: WorkQueue
    reader: PaymentsReader
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.stripe = ScriptedProvider(ACCOUNT, self.clock)
        self.paypal = ScriptedProvider(PAYPAL, self.clock)
        self.providers = ScriptedProviders([self.stripe, self.paypal])
        common: dict[str, Any] = {
            "transaction": self.transaction,
            "appointments": self.appointments,
            "settler": Settler(appointments=self.appointments),
            "clock": self.clock,
        }
        self.take = TakeSighting(**common)
        self.do = DoWork(
            tools=Tools(
                queue=self.queue,
                reader=self.reader,
                providers=self.providers,
                take=self.take,
                clock=self.clock,
                chance=lambda: 1.0,
            ),
            changes=AttemptChanges(take=self.take),
            settle=SettleAppointment(**common),
        )
        self.starting = StartPayment(
            **common,
            providers=self.providers,
            reader=self.reader,
            queue=self.queue,
            do=self.do,
            identities=RandomIdentities(),
        )
        self.at_desk = TakeAtDesk(**common, identities=RandomIdentities())
        self.refunding = RefundPayment(transaction=self.transaction, take=self.take)
        self.settling = SettleAppointment(**common)

    async def start(self, owed: Owed, provider: str = "stripe", **about: Any) -> Shown:
        wish: dict[str, Any] = {
            "appointment_id": owed.appointment_id,
            "provider": provider,
            "presentation": Presentation.REDIRECT,
            "title": "Example Service",
            "language": "en",
            "return_url": BACK,
            "cancel_url": BACK,
        }
        actor: Actor = about.pop("actor", None) or a_patient_actor(owed.patient_id)
        return await self.starting(PaymentWish(**wish | about), actor)

    async def pay_at_desk(self, owed: Owed, amount: int | None = None) -> Shown:
        wish = DeskWish(
            appointment_id=owed.appointment_id,
            amount=amount,
            method=Method.CASH,
            title="Example Service",
            language="en",
        )
        return await self.at_desk(wish, a_receptionist(owed.clinic_id))

    async def refund(self, shown: Shown, amount: int | None = None) -> Refund:
        wish = RefundWish(payment_id=shown.attempt.id, amount=amount, reason="Example reason")
        return await self.refunding(wish, a_receptionist(shown.attempt.asked.clinic_id))

    async def work(self, *, after: timedelta = timedelta(0)) -> int:
        """Do all that is due so much later; say how much it was."""
        self.clock.moment += after
        count = 0
        while claims := await self.queue.claim(most=20, now=self.clock.now()):
            for claim in claims:
                await self.do(claim)
                count += 1
            assert count < 500, "work has no end"
        return count

    async def look(self, shown: Shown | Attempt) -> Attempt:
        """What a webhook leads to, at once."""
        attempt = shown.attempt if isinstance(shown, Shown) else shown
        provider = self.stripe if attempt.asked.account == ACCOUNT else self.paypal
        known = await self.attempt(attempt.id)
        assert known.reference is not None
        return await self.take(known.id, provider.sessions[known.reference])

    async def attempt(self, payment_id: PaymentId) -> Attempt:
        shown = await self.reader.show(payment_id)
        assert shown is not None
        return shown.attempt


class MemoryDesk(Desk):
    """The same on memory, with one appointment that waits for money."""

    def __init__(self, *owed: Owed) -> None:
        clock = FixedClock()
        self.memory = Memory(clock)
        for one in owed or (a_waiting_one(),):
            self.memory.appointments[one.appointment_id] = one
        super().__init__(
            transaction=self.memory.transaction,
            appointments=MemoryAppointments(self.memory),
            queue=MemoryQueue(self.memory),
            reader=MemoryReader(self.memory),
            clock=clock,
        )

    @property
    def ids(self) -> Sequence[AppointmentId]:
        return list(self.memory.appointments)

    @property
    def owed(self) -> Owed:
        return self.memory.appointments[self.ids[0]]

    def becomes(self, **about: Any) -> None:
        """Something of booking's happens to the appointment."""
        MemoryAppointments(self.memory)._set(self.owed, **about)

    @property
    def status(self) -> str:
        return self.memory.statuses[self.owed.appointment_id]

    def told(self, name: str) -> list[Any]:
        return [one for one in self.memory.events if one.name == name]
