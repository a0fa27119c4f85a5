"""The provider of our own: the same port, and all that can happen to a payment."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_system.payments.adapters.providers.sandbox import HEADER, SANDBOX, SandboxProvider
from booking_system.payments.adapters.providers.sandbox_checkout import SandboxCheckout
from booking_system.payments.application.provider_port import (
    Hint,
    InvalidEvent,
    Provider,
    ProviderGone,
    ProviderRefused,
)
from booking_system.payments.domain.sighting import RefundStage, Stage
from booking_system.shared_kernel.money import Money
from tests.payments.emulators.loopback import BEGINNING, Hands
from tests.payments.providers.asking import OUR_ID, REFUND_ID, asked, refund_asked


class Books:
    """Checkouts as documents, as a table keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, object]] = {}

    async def keep(self, checkout: SandboxCheckout) -> SandboxCheckout:
        document = self.kept.setdefault(checkout.reference, checkout.document())
        return SandboxCheckout.read(document)

    async def find(self, reference: str) -> SandboxCheckout | None:
        document = self.kept.get(reference)
        return None if document is None else SandboxCheckout.read(document)

    async def change(
        self, reference: str, change: Callable[[SandboxCheckout], SandboxCheckout]
    ) -> SandboxCheckout | None:
        found = await self.find(reference)
        if found is None:
            return None
        changed = change(found)
        self.kept[reference] = changed.document()
        return changed


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def provider(books: Books, clock: Hands) -> SandboxProvider:
    page = "https://booking.example.com/sandbox"
    return SandboxProvider(books=books, clock=clock, page=page, secret=b"secret")


async def test_it_is_a_provider(provider: SandboxProvider) -> None:
    same: Provider = provider
    checkout = await same.create(asked())
    assert checkout.checkout_url == f"https://booking.example.com/sandbox/sandbox_{OUR_ID}"
    assert await same.create(asked()) == checkout
    found = await same.find(asked())
    assert found is not None
    assert found == await same.read(checkout.reference)
    assert (found.account, found.our_id, found.stage) == (SANDBOX, OUR_ID, Stage.OPEN)
    assert await same.find(asked(our_id="other")) is None
    with pytest.raises(ProviderRefused, match="key_in_use"):
        await same.create(asked(amount=Money(1, "EUR")))


async def test_pay_decline_and_pay_twice(
    provider: SandboxProvider, books: Books, clock: Hands
) -> None:
    reference = (await provider.create(asked())).reference
    await books.change(reference, lambda one: one.declined_once(clock.now()))
    assert (await provider.read(reference)).stage is Stage.OPEN
    await books.change(reference, lambda one: one.paid(clock.now()))
    sighting = await provider.end(reference)
    assert (sighting.stage, sighting.checkout_url) == (Stage.PAID, None)
    with pytest.raises(ProviderRefused, match="not_open"):
        await books.change(reference, lambda one: one.paid(clock.now()))
    await books.change(reference, lambda one: one.paid_again(clock.now()))
    sighting = await provider.capture(reference, key="k")
    assert len({one.id for one in sighting.charges}) == 2
    assert {one.amount for one in sighting.charges} == {Money(5000, "EUR")}
    assert {await provider.locate(one.id) for one in sighting.charges} == {reference}
    assert await provider.locate("ch_1") is None
    assert await provider.locate("sandbox_x_charge_1") is None


async def test_pay_late(provider: SandboxProvider, books: Books, clock: Hands) -> None:
    reference = (await provider.create(asked())).reference
    with pytest.raises(ProviderRefused, match="not_over"):
        await books.change(reference, lambda one: one.paid_late(clock.now()))
    clock.pass_by(minutes=35)
    assert (await provider.read(reference)).stage is Stage.ENDED
    with pytest.raises(ProviderRefused, match="not_open"):
        await books.change(reference, lambda one: one.paid(clock.now()))
    await books.change(reference, lambda one: one.paid_late(clock.now()))
    assert (await provider.read(reference)).stage is Stage.PAID
    other = (await provider.create(asked(our_id="other", key="other"))).reference
    assert (await provider.end(other)).stage is Stage.ENDED


async def test_a_way_to_pay_that_takes_days(
    provider: SandboxProvider, books: Books, clock: Hands
) -> None:
    for n, succeeds in enumerate([True, False]):
        reference = (await provider.create(asked(our_id=f"{n}", key=f"{n}"))).reference
        await books.change(reference, lambda one: one.begun(clock.now()))
        assert (await provider.end(reference)).stage is Stage.PROCESSING
        settled = await books.change(
            reference, lambda one, s=succeeds: one.settled(clock.now(), succeeds=s)
        )
        assert settled is not None
        stage = (await provider.read(reference)).stage
        assert stage is (Stage.PAID if succeeds else Stage.FAILED)
        with pytest.raises(ProviderRefused, match="not_processing"):
            settled.settled(clock.now(), succeeds=True)


async def test_refunds(provider: SandboxProvider, books: Books, clock: Hands) -> None:
    reference = (await provider.create(asked())).reference
    await books.change(reference, lambda one: one.paid(clock.now()))
    (charge,) = (await provider.read(reference)).charges
    wish = refund_asked(reference, charge.id, 2000)
    refund = await provider.refund(wish)
    assert (refund.our_id, refund.stage) == (REFUND_ID, RefundStage.SETTLED)
    assert await provider.refund(wish) == refund
    more = refund_asked(reference, charge.id, 3001, our_id="b")
    for bad in (
        more,
        refund_asked(reference, "nothing", 1, our_id="c"),
        refund_asked(reference, charge.id, 0, our_id="d"),
        refund_asked(reference, charge.id, Money(1, "USD"), our_id="e"),
    ):
        with pytest.raises(ProviderRefused):
            await provider.refund(bad)
    await books.change(reference, lambda one: one.refund_failed(refund.id))
    assert (await provider.refund(more)).amount == Money(3001, "EUR")
    rest = Money(1999, "EUR")
    await books.change(reference, lambda one: one.refunded_by_hand(charge.id, rest, clock.now()))
    sighting = await provider.read(reference)
    assert [one.stage for one in sighting.refunds] == ["failed", "settled", "settled"]
    assert sighting.refunds[-1].our_id is None
    assert not sighting.charges[0].is_refundable
    with pytest.raises(ProviderRefused, match="no_such_refund"):
        await books.change(reference, lambda one: one.refund_failed("x"))


async def test_what_is_not_there(provider: SandboxProvider) -> None:
    for call in (
        provider.read("x"),
        provider.end("x"),
        provider.capture("x", key="k"),
        provider.refund(refund_asked("x", "y")),
    ):
        with pytest.raises(ProviderGone):
            await call


async def test_webhooks(provider: SandboxProvider, clock: Hands) -> None:
    checkout = SandboxCheckout.of(asked())
    body, headers = provider.signed("evt_1", "paid", checkout)
    told = await provider.hint(body, headers, now=clock.now())
    assert told == Hint(
        event_id="evt_1",
        kind="paid",
        is_live=False,
        reference=checkout.reference,
        our_id=OUR_ID,
        account_key="platform",
    )
    for other in (body + b" ", b"{}", b""):
        with pytest.raises(InvalidEvent):
            await provider.hint(other, headers, now=clock.now())
    for seconds in (-301, 301):
        with pytest.raises(InvalidEvent):
            await provider.hint(body, headers, now=clock.now() + timedelta(seconds=seconds))
    nothing = SandboxProvider(
        books=provider.books, clock=clock, page=provider.page, secret=b"another"
    )
    with pytest.raises(InvalidEvent):
        await nothing.hint(body, headers, now=clock.now())


@given(st.binary(max_size=60), st.text(max_size=80))
async def test_any_unsigned_bytes_are_refused(body: bytes, field: str) -> None:
    provider = SandboxProvider(books=Books(), clock=Hands(), page="", secret=b"secret")
    for headers in ({HEADER: field}, {HEADER: f"{int(BEGINNING.timestamp())}:{field}"}, {}):
        with pytest.raises(InvalidEvent):
            await provider.hint(body, headers, now=BEGINNING)
