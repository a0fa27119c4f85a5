"""API and worker are killed by SIGKILL at every step of a payment: it ends right all the same."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.api import Api, Person
from tests.bootstrap.processes import environment
from tests.forked import forked
from tests.patience import PATIENCE
from tests.payments.emulators.stripe import StripeEmulator
from tests.payments.test_payments_http import Counter, Made
from tests.payments.test_whole_way import HOOK, stripe, told

WEEK = timedelta(days=7)
TIME_GOES_BY = (
    "UPDATE payment_work SET due_at = now() - interval '1 minute', lease_until = NULL",
    "UPDATE idempotency_keys SET claimed_until = now() WHERE claimed_until IS NOT NULL",
    "UPDATE payment_events SET received_at = now() - interval '1 minute'",
)
"""Until leases and claims of the dead are over, and what waits is due."""
BOOKS = {
    "payments": "SELECT * FROM payments WHERE id = $1",
    "ledger": "SELECT * FROM payment_ledger WHERE payment_id = $1 ORDER BY id",
    "refunds": "SELECT * FROM payment_refunds WHERE payment_id = $1 ORDER BY id",
    "receipts": "SELECT * FROM receipts WHERE payment_id = $1 ORDER BY number",
    "work": "SELECT kind FROM payment_work WHERE payment_id = $1 AND kind <> 'poll'",
    "matters": "SELECT id FROM payment_quarantine WHERE payment_id = $1",
}
NOWHERE = "nowhere"


@dataclass
class Dying:
    """A booking that waits for money, the provider, and processes that die."""

    counter: Counter
    emulator: StripeEmulator
    place: Path
    url: str
    patient: Person
    booking: Made
    key: str = field(default_factory=lambda: uuid4().hex)
    payment: Made = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return self.counter.api

    @property
    def session(self) -> Made:
        found = [
            one
            for one in self.emulator.sessions.values()
            if one["client_reference_id"] == self.payment["id"]
        ]
        (session,) = found
        return dict(session)

    async def process(self, what: Made | None, dies_at: str) -> list[str]:
        """Let a process do it and die; return its steps where it ends before it comes to die."""
        env = environment(
            database_url=self.url,
            data_dir=self.place,
            public_url="http://test",
            rate_limit="off",
            stripe_secret_key=self.emulator.key,
            stripe_webhook_secret=self.emulator.secrets[0],
            stripe_api_base=self.emulator.url,
        )
        given = (json.dumps(what), dies_at)
        with forked(*given, env=env, cwd=self.place, module="tests.payments.dying") as process:
            code = await asyncio.to_thread(process.wait, 5 * PATIENCE)
            assert process.stdout is not None
            printed = process.stdout.read()
        if code:
            assert code == -signal.SIGKILL, printed
            return []
        steps = list(json.loads(printed.splitlines()[-1]))
        assert dies_at not in steps
        return steps

    @property
    def beginning(self) -> Made:
        return {
            "path": f"/v1/bookings/{self.booking['id']}/payments",
            "content": '{"provider": "stripe"}',
            "headers": {
                **self.patient.headers,
                "Content-Type": "application/json",
                "Idempotency-Key": self.key,
            },
        }

    async def begun(self) -> None:
        """The client asks again with its key, as long as it is not answered."""
        path, headers = self.beginning["path"], {"Idempotency-Key": self.key}
        body = {"provider": "stripe"}
        answer = await self.api.post(path, body, self.patient, headers=headers)
        if answer.status_code != 201:
            await self.time_goes_by()
            answer = await self.api.post(path, body, self.patient, headers=headers)
        assert answer.status_code == 201, answer.text
        self.payment = answer.json()

    async def time_goes_by(self) -> None:
        async with self.api.container.database().driver_transaction() as connection:
            for statement in TIME_GOES_BY:
                await connection.execute(statement)

    async def work(self) -> None:
        """Another worker does what the dead one left."""
        for _ in range(3):
            await self.time_goes_by()
            await self.counter.work()

    async def books(self) -> Made:
        payment_id = UUID(self.payment["id"])
        async with self.api.container.database().reading() as connection:
            return {
                name: [tuple(row) for row in await connection.fetch(query, payment_id)]
                for name, query in BOOKS.items()
            }

    async def is_reconciled(self) -> None:
        """Reconciling finds nothing wrong, and doing so again changes nothing."""
        reconcile = self.api.container.payments.reconcile()
        first = await reconcile(since=WEEK)
        assert (first.unanswered, first.drifting) == ([], [])
        await self.work()
        before = await self.books()
        again = await reconcile(since=WEEK)
        assert (again.repaired, again.unanswered, again.drifting) == ([], [], [])
        await self.work()
        assert await self.books() == before
        assert before["work"] == before["matters"] == []

    async def is_paid_once(self) -> None:
        await self.is_reconciled()
        assert await self.counter.booked(self.booking, self.patient) == ("confirmed", "paid")
        books = await self.books()
        assert [len(books[name]) for name in ("payments", "ledger", "receipts")] == [1, 1, 1]
        paid = [
            one
            for one in self.emulator.charges.values()
            if one["payment_intent"] == self.session["payment_intent"]
        ]
        assert [one["amount_captured"] for one in paid] == [5000]

    async def is_given_back_once(self) -> None:
        await self.is_reconciled()
        booked = await self.counter.booked(self.booking, self.patient)
        assert booked == ("confirmed", "partially_paid")
        books = await self.books()
        assert [len(books[name]) for name in ("ledger", "refunds", "receipts")] == [2, 1, 2]
        refunds = [
            one
            for one in self.emulator.refunds.values()
            if one["payment_intent"] == self.session["payment_intent"]
        ]
        assert [one["amount"] for one in refunds] == [1000]

    async def hook_of(self) -> Made:
        self.emulator.pay(self.session["id"])
        delivery = self.emulator.events()[-1]
        return {
            "path": f"{HOOK}/stripe",
            "content": delivery.body.decode("latin-1"),
            "headers": dict(delivery.headers),
        }


async def begin(one: Dying, dies_at: str) -> list[str]:
    """The API dies while a payment begins."""
    steps = await one.process(one.beginning, dies_at)
    await one.begun()
    (session,) = [
        made
        for made in one.emulator.sessions.values()
        if made["client_reference_id"] == one.payment["id"]
    ]
    await one.hook_of()
    await one.work()
    await one.is_paid_once()
    assert session["id"] == one.session["id"]
    return steps


async def hear(one: Dying, dies_at: str) -> list[str]:
    """The API dies while it is told that somebody has paid; the provider tells it again."""
    await one.begun()
    steps = await one.process(await one.hook_of(), dies_at)
    assert (await told(one.api, "stripe", one.emulator.events()[-1])).status_code == 200
    await one.work()
    await one.is_paid_once()
    return steps


async def settle(one: Dying, dies_at: str) -> list[str]:
    """The worker dies while it takes the money into the books; nobody tells it again."""
    await one.begun()
    await one.hook_of()
    assert (await told(one.api, "stripe", one.emulator.events()[-1])).status_code == 200
    steps = await one.process(None, dies_at)
    await one.work()
    await one.is_paid_once()
    return steps


async def give_back(one: Dying, dies_at: str) -> list[str]:
    """The worker dies while it gives back a part, so that the provider would do it again."""
    await one.begun()
    await one.hook_of()
    assert (await told(one.api, "stripe", one.emulator.events()[-1])).status_code == 200
    await one.work()
    desk = await one.api.receptionist(one.counter.clinic["id"])
    path = f"/v1/payments/{one.payment['id']}/refunds"
    await one.api.made(path, {"amount": 1000, "reason": "Example reason"}, desk)
    steps = await one.process(None, dies_at)
    await one.work()
    await one.is_given_back_once()
    return steps


Act = Callable[[Dying, str], Awaitable[list[str]]]


@asynccontextmanager
async def dying(database_url: str, place: Path) -> AsyncIterator[Callable[[], Awaitable[Dying]]]:
    """Yields what makes a new booking for the next process that dies."""
    async with stripe(database_url, place) as (api, emulator):
        counter = await Counter.open(api)

        async def another() -> Dying:
            # On a slow machine the token and the moment of the first are over before the last dies.
            api.admin = await api.platform_admin()
            late = datetime.now(UTC) - emulator.clock.now()
            emulator.clock.pass_by(seconds=late.total_seconds())
            doctor = await api.doctor(counter.clinic)
            about: Made = {"price": {"amount": 5000, "currency": "EUR"}, "payment": "required"}
            service = await api.service(counter.clinic, doctor_ids=[doctor["id"]], **about)
            own = Counter(api, counter.clinic, service, await api.slots(doctor, 1))
            patient = await api.patient()
            booking = await own.book(patient)
            return Dying(own, emulator, place, database_url, patient, booking)

        yield another


async def test_a_payment_ends_right_where_a_process_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    async with dying(database_url, tmp_path) as another:
        assert not await begin(await another(), "answer 1")
        assert not await hear(await another(), "statement 5")
        assert not await settle(await another(), "answer 1")
        assert not await give_back(await another(), "answer 2")


@pytest.mark.proof
@pytest.mark.parametrize("act", [begin, hear, settle, give_back])
async def test_a_payment_ends_right_wherever_a_process_is_killed(
    database_url: str, tmp_path: Path, act: Act
) -> None:
    async with dying(database_url, tmp_path) as another:
        steps = await act(await another(), NOWHERE)
        assert "statement 5" in steps
        for kind in {step.split()[0] for step in steps}:
            # One run has some statements more than another, so each goes on until none is left.
            killed = 0
            while not await act(await another(), f"{kind} {killed + 1}"):
                killed += 1
            assert killed > 0, f"nothing dies at its first {kind}"
