"""Payers, providers, the desk and workers meet at an appointment's money: it never drifts apart."""

import pytest

from booking_lab.weave.chance import AsBefore
from booking_lab.weave.deeds import Deed, Plan
from booking_lab.weave.many import Report, woven
from booking_lab.weave.payments.coincidences import SOMETIMES
from booking_lab.weave.subjects import PAYMENTS
from booking_lab.weave.weaver import Weaver
from tests.postgres import TestServer
from tests.weave.finding import (
    all_go_right,
    first_wrong,
    nothing_else,
    same_again,
    soon_or_proof,
    without_constraint,
)
from tests.weave.payment_mutants import LINES, MUTANTS

SOME = 30
ALL = 10_000
ONCE = "uq_payment_ledger_once"
WITH_ONCE = f"ADD CONSTRAINT {ONCE} UNIQUE (provider, account_key, provider_id, kind)"


async def test_money_and_appointments_never_drift_apart(weaver: Weaver) -> None:
    report = Report(PAYMENTS)
    for seed in range(SOME):
        one, _ = await woven(weaver, seed, PAYMENTS)
        report.add(one)
    assert report.wrong == {}
    assert report.steps > SOME * 40, "payers and workers meet"
    assert len(report.reached) > len(SOMETIMES) / 4, report.missed()


@pytest.mark.proof
async def test_many_schedules_of_payments_go_right_and_each_coincidence_comes(
    postgres: TestServer,
) -> None:
    await all_go_right(postgres, PAYMENTS, ALL)


@pytest.mark.parametrize(
    ("seeds", "times"),
    [(3, 1), pytest.param(100, 5, marks=pytest.mark.proof)],
)
async def test_the_same_seed_is_the_same_run(weaver: Weaver, seeds: int, times: int) -> None:
    await same_again(weaver, PAYMENTS, seeds=seeds, times=times)


async def test_what_expires_gives_a_part_that_the_desk_took_to_people(weaver: Weaver) -> None:
    """Nobody began to pay for it, so nothing but the feed tells payments that it is over."""
    deeds = (
        Deed("book", how="with a deposit"),
        Deed("desk takes", how="500"),
        Deed("wait", how="12"),
        Deed("sweep"),
        *(Deed(what) for what in ("relay", "follower", "money")),
    )
    outcome = await weaver.run(Plan(deeds, (), about="payments"), AsBefore([]))
    assert outcome.wrong == []
    assert "matters: [('refund_by_hand', 500)]" in outcome.rows


FOUND_SOON = ("money follows what becomes of appointments",)
"""In `make test`; all in `make prove`."""


@pytest.mark.parametrize("name", soon_or_proof(list(MUTANTS), FOUND_SOON))
async def test_what_is_taken_out_is_missed(weaver: Weaver, weave_url: str, name: str) -> None:
    once = (weave_url, "payment_ledger", f"DROP CONSTRAINT {ONCE}", WITH_ONCE)
    async with without_constraint(*once) if name == LINES else nothing_else():
        with MUTANTS[name]():
            assert await first_wrong(weaver, PAYMENTS, most=3000) >= 0
    one, _ = await woven(weaver, 0, PAYMENTS)
    assert one.wrong == (), "it is put back"
