"""Doctors let in while appointments are cancelled and moved: nobody is in a call by mistake."""

import pytest

from booking_lab.weave.many import Report, woven
from booking_lab.weave.subjects import ROOMS
from booking_lab.weave.weaver import Weaver
from tests.postgres import TestServer
from tests.weave.finding import all_go_right, first_wrong, same_again, soon_or_proof
from tests.weave.room_mutants import MUTANTS

SOME = 30
ALL = 10_000


async def test_nobody_is_in_a_call_whom_no_doctor_has_let_in(weaver: Weaver) -> None:
    report = Report(ROOMS)
    for seed in range(SOME):
        one, _ = await woven(weaver, seed, ROOMS)
        report.add(one)
    assert report.wrong == {}
    assert report.steps > SOME * 10, "they meet"


@pytest.mark.proof
async def test_many_schedules_of_rooms_go_right_and_each_coincidence_comes(
    postgres: TestServer,
) -> None:
    await all_go_right(postgres, ROOMS, ALL)


@pytest.mark.parametrize(
    ("seeds", "times"),
    [(3, 1), pytest.param(100, 5, marks=pytest.mark.proof)],
)
async def test_the_same_seed_is_the_same_run(weaver: Weaver, seeds: int, times: int) -> None:
    await same_again(weaver, ROOMS, seeds=seeds, times=times)


FOUND_SOON = ("the revision of an admission",)
"""In `make test`; all in `make prove`."""


@pytest.mark.parametrize("name", soon_or_proof(list(MUTANTS), FOUND_SOON))
async def test_what_is_taken_out_is_missed(weaver: Weaver, name: str) -> None:
    with MUTANTS[name]():
        assert await first_wrong(weaver, ROOMS, most=3000) >= 0
    one, _ = await woven(weaver, 0, ROOMS)
    assert one.wrong == (), "it is put back"
