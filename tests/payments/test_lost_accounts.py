"""Work for an account that is set up no more: it waits for a day, then people have to look."""

from datetime import timedelta

import pytest

from booking_system.payments.application.without_account import WAITED_FOR
from booking_system.payments.domain.attempt import AttemptState, PaymentId
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.owed import Standing
from booking_system.payments.domain.refunds import Refund, RefundState
from booking_system.payments.domain.sighting import RefundStage, Stage
from tests.payments.desk import MemoryDesk
from tests.payments.scripted import LOST_BEFORE
from tests.payments.test_flows import WINDOW, paid, reference_of

HOUR = timedelta(hours=1)


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


async def hours_go_by(desk: MemoryDesk, hours: int) -> None:
    for _ in range(hours):
        await desk.work(after=HOUR)


async def refunds_of(desk: MemoryDesk, payment_id: PaymentId) -> tuple[Refund, ...]:
    shown = await desk.reader.show(payment_id)
    assert shown is not None
    return shown.refunds


def matters(desk: MemoryDesk) -> list[tuple[MatterKind, str, int]]:
    return [(one.kind, one.about, one.money.amount) for one in desk.memory.matters]


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
async def test_an_open_checkout_of_a_lost_account_is_over_and_people_look(
    desk: MemoryDesk, provider: str
) -> None:
    shown = await desk.start(desk.owed, provider)
    desk.providers.known.clear()
    await desk.work(after=WINDOW)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CLOSING
    await hours_go_by(desk, 23)
    assert (await desk.attempt(shown.attempt.id)).is_live, "a slip in the settings may be mended"
    assert desk.owed.status is Standing.EXPIRED, "its slot waits for nobody"
    await hours_go_by(desk, 3)
    ended = await desk.attempt(shown.attempt.id)
    assert (ended.state, ended.problem) == (AttemptState.CANCELLED, "no_account")
    assert matters(desk) == [(MatterKind.NO_ACCOUNT, reference_of(shown), 5000)]
    assert not desk.memory.work, "nothing is repeated for ever"


async def test_an_account_that_comes_back_in_time_goes_on_as_before(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.stripe.pay(reference_of(shown))
    desk.providers.known.remove(desk.stripe)
    await hours_go_by(desk, 20)
    desk.providers.known.append(desk.stripe)
    await hours_go_by(desk, 1)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.SUCCEEDED
    assert not matters(desk)


async def test_what_failed_otherwise_before_is_no_account_missing(desk: MemoryDesk) -> None:
    """Only the time without the account counts, and of that only what has no look between."""
    shown = await desk.start(desk.owed)
    desk.stripe.set(reference_of(shown), stage=Stage.PROCESSING)
    await desk.look(shown)
    await hours_go_by(desk, 60)
    for _ in range(3):
        desk.providers.known.remove(desk.stripe)
        await hours_go_by(desk, 20)
        desk.providers.known.append(desk.stripe)
        await hours_go_by(desk, 2)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.PROCESSING
    desk.providers.known.remove(desk.stripe)
    await hours_go_by(desk, int(WAITED_FOR / HOUR) + 2)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED
    assert [kind for kind, *_ in matters(desk)] == [MatterKind.NO_ACCOUNT]


async def test_a_silence_before_is_no_missing_account(desk: MemoryDesk) -> None:
    shown = await desk.start(desk.owed)
    desk.stripe.set(reference_of(shown), stage=Stage.PROCESSING)
    await desk.look(shown)
    desk.stripe.goes_wrong("read", *[LOST_BEFORE] * 999)
    await hours_go_by(desk, 30)
    desk.providers.known.remove(desk.stripe)
    await hours_go_by(desk, 2)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.PROCESSING


async def test_nobody_was_given_an_address_so_there_is_nothing_to_look_for(
    desk: MemoryDesk,
) -> None:
    desk.stripe.goes_wrong("create", LOST_BEFORE)
    shown = await desk.start(desk.owed)
    desk.providers.known.clear()
    await hours_go_by(desk, 30)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CANCELLED
    assert not matters(desk)
    assert not desk.memory.work


async def test_a_refund_of_a_lost_account_fails_and_is_for_people(desk: MemoryDesk) -> None:
    shown = await paid(desk)
    desk.providers.known.clear()
    await desk.refund(shown, 2000)
    await hours_go_by(desk, 20)
    (refund,) = await refunds_of(desk, shown.attempt.id)
    assert refund.state is RefundState.ASKED
    await hours_go_by(desk, 12)
    (refund,) = await refunds_of(desk, shown.attempt.id)
    assert (refund.state, refund.problem) == (RefundState.FAILED, "no_account")
    assert matters(desk) == [(MatterKind.REFUND_FAILED, str(refund.id), 2000)]
    assert not desk.memory.work


async def test_a_refund_that_was_on_its_way_is_a_matter_of_its_own(desk: MemoryDesk) -> None:
    shown = await paid(desk)
    desk.stripe.instant_refunds = False
    await desk.refund(shown, 2000)
    await desk.work()
    assert desk.stripe.sessions[reference_of(shown)].refunds[0].stage is RefundStage.PENDING
    desk.providers.known.clear()
    await hours_go_by(desk, 30)
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.SUCCEEDED
    assert matters(desk) == [(MatterKind.NO_ACCOUNT, reference_of(shown), 2000)]
    assert not desk.memory.work
