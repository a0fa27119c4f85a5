"""The model of money: every edge of it is what the program does."""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from booking_lab.weave.payments.model import Model
from booking_lab.weave.payments.replay import MoneyReplay
from booking_lab.weave.payments.rules import came, net, stuck, under_way
from booking_lab.weave.payments.states import LIVE, PRICE, TAKES_PLACE, Ask, State, Try, asks
from booking_lab.weave.scene import Scene
from booking_lab.weave.service import Service
from booking_lab.weave.walking import OK, Step, explore, some_of
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.weave.finding import until_wrong

Edge = Step[State, Ask]


@pytest.fixture
async def replay(weave_url: str, scene: Scene, tmp_path: Path) -> AsyncIterator[MoneyReplay]:
    await scene.again()
    database = Database.at(sqlalchemy_url(weave_url), pool_size=2)
    yield MoneyReplay(Service(weave_url, database, tmp_path))
    await database.close()


@cache
def explored() -> Sequence[Edge]:
    return list(explore(Model().answer, State(), asks))


def test_the_model_is_explored_whole() -> None:
    edges = explored()
    assert len(edges) == len(set(edges)) > 45_000
    assert {edge.after for edge in edges} <= {edge.before for edge in edges}
    assert {edge.code for edge in edges} == {
        OK,
        "booking_not_active",
        "cancel_too_late",
        "payment_already_made",
        "payment_in_progress",
        "refund_exceeds_payment",
        "slot_held",
    }


def test_money_and_appointment_fit_in_every_state() -> None:
    for edge in explored():
        before, after = edge.before, edge.after
        assert edge.code in {OK, "payment_in_progress"} or after == before
        assert sum(one.state in LIVE for one in after.tries) <= 1
        assert all(sum(b.amount for b in one.backs if b.state != "failed") <= one.amount
                   for one in after.tries)  # fmt: skip
        gone = {"cancelled": {"cancelled"}, "expired": {"expired", "confirmed"},
                "confirmed": {"confirmed", "cancelled"}}  # fmt: skip
        assert after.status in gone.get(before.status, {after.status})
        if before.status in {"pending_payment", "expired"} and after.status == "confirmed":
            assert came(after) > 0
            assert not after.has_rival
        if edge.ask.what == "settle":
            surplus = net(after) - (PRICE if after.status in TAKES_PLACE else after.fee)
            assert surplus <= under_way(after) + stuck(after) + after.by_hand


def test_settling_again_changes_nothing() -> None:
    model = Model()
    for edge in explored():
        if edge.ask.what == "settle":
            assert model.answer(edge.after, edge.ask) == (OK, edge.after)


@pytest.mark.parametrize("most", [120, pytest.param(None, id="all", marks=pytest.mark.proof)])
async def test_the_program_does_what_the_model_says(replay: MoneyReplay, most: int | None) -> None:
    edges, chosen = explored(), explored()
    if most is not None:
        chosen = some_of(edges, seed=19, most=most, kind=lambda ask: (ask.what, ask.how))
    difference = await replay.run(edges, chosen)
    assert difference is None, str(difference)
    assert replay.replayed >= len(chosen)


class TimeToPayHasNoEnd(Model):
    def is_waiting(self, state: State) -> bool:
        return state.pay_by is not None


class PayersHaveTimeUntilTheEnd(Model):
    def may_begin(self, state: State) -> bool:
        return state.pay_by is None or state.now < state.pay_by


class LateMoneyIsNeverInTime(Model):
    def has_time(self, state: State) -> bool:
        return self.is_waiting(state)


class LateMoneyTakesWhatIsTaken(Model):
    def has_time(self, state: State) -> bool:
        return True


class WhatExpiredKeepsItsMoney(Model):
    def most_kept(self, state: State) -> int:
        return PRICE if state.status == "expired" else super().most_kept(state)


class PaidTwiceIsKept(Model):
    def most_kept(self, state: State) -> int:
        return 2 * PRICE if state.status in TAKES_PLACE else super().most_kept(state)


class CancellingCostsNothing(Model):
    def fee_of(self, state: State) -> int:
        return 0


class ADepositIsForgotten(Model):
    def asked_for(self, state: State) -> int:
        return max(0, PRICE - net(state))


class ACaptureKeepsNothing(Model):
    def kept(self, state: State) -> State | None:
        kept = super().kept(state)
        return None if kept is None else state


class WhatNobodyWantsIsCaptured(Model):
    def is_wanted(self, state: State, one: Try) -> bool:
        return True


class TheFirstChargeGoesBackFirst(Model):
    def planned(self, state: State, wanted: int) -> Iterator[tuple[int, int]]:
        return super().planned(state._replace(last=1 - state.last), wanted)


class UnwantedPaymentsStayOpen(Model):
    def is_unwanted(self, state: State, one: Try) -> bool:
        return False


MUTANTS = [
    TimeToPayHasNoEnd,
    PayersHaveTimeUntilTheEnd,
    LateMoneyIsNeverInTime,
    LateMoneyTakesWhatIsTaken,
    WhatExpiredKeepsItsMoney,
    PaidTwiceIsKept,
    CancellingCostsNothing,
    ADepositIsForgotten,
    ACaptureKeepsNothing,
    WhatNobodyWantsIsCaptured,
    TheFirstChargeGoesBackFirst,
    UnwantedPaymentsStayOpen,
]


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_a_broken_rule_of_the_model_is_found(
    replay: MoneyReplay, mutant: type[Model]
) -> None:
    edges = until_wrong(explored(), mutant().answer)
    assert await replay.run(edges, edges[-1:]) is not None
    assert await replay.run(edges, edges[:-1][-10:]) is None, "what it does not break is right"
