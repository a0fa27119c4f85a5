"""Relay, planner and sender meet who books, moves and cancels: only what is true is told, once."""

import pytest

from booking_lab.weave.many import Report, woven
from booking_lab.weave.subjects import MESSAGES
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
from tests.weave.message_mutants import KEY, MUTANTS, SAYS

SOME = 15
ALL = 10_000
WITHOUT_KEY = "DROP CONSTRAINT uq_message_ledger_identity"
WITH_KEY = """ADD CONSTRAINT uq_message_ledger_identity
 UNIQUE NULLS NOT DISTINCT
 (appointment_id, revision, kind, offset_minutes, channel, recipient_key)"""


async def test_only_what_is_true_is_told(weaver: Weaver) -> None:
    report = Report(MESSAGES)
    for seed in range(SOME):
        one, _ = await woven(weaver, seed, MESSAGES)
        report.add(one)
    assert report.wrong == {}
    assert report.steps > SOME * 20, "workers and patients meet"


@pytest.mark.proof
async def test_many_schedules_of_messages_go_right_and_each_coincidence_comes(
    postgres: TestServer,
) -> None:
    await all_go_right(postgres, MESSAGES, ALL)


@pytest.mark.parametrize(
    ("seeds", "times"),
    [(3, 1), pytest.param(100, 5, marks=pytest.mark.proof)],
)
async def test_the_same_seed_is_the_same_run(weaver: Weaver, seeds: int, times: int) -> None:
    await same_again(weaver, MESSAGES, seeds=seeds, times=times)


FOUND_SOON = ("the withdrawal",)
"""In `make test`; all in `make prove`."""


@pytest.mark.parametrize("name", soon_or_proof(list(MUTANTS), FOUND_SOON))
async def test_what_is_taken_out_is_missed(weaver: Weaver, weave_url: str, name: str) -> None:
    key = (weave_url, "message_ledger", WITHOUT_KEY, WITH_KEY)
    async with without_constraint(*key) if name == KEY else nothing_else():
        with MUTANTS[name]():
            assert await first_wrong(weaver, MESSAGES, most=3000, says=SAYS.get(name, "")) >= 0
    one, _ = await woven(weaver, 0, MESSAGES)
    assert one.wrong == (), "it is put back"
