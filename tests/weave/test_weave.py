"""One seed decides who goes next, at every statement and every commit: nothing ever goes wrong."""

import asyncio
from collections import Counter

import asyncpg
import pytest

from booking_lab.weave.chance import AsBefore
from booking_lab.weave.coincidences import SOMETIMES
from booking_lab.weave.deeds import Deed, Part, Plan
from booking_lab.weave.loom import Choice
from booking_lab.weave.many import Report, run_all, told, woven
from booking_lab.weave.threads import Order
from booking_lab.weave.weaver import Weaver
from tests.postgres import TestServer
from tests.weave.mutants import MUTANTS

SOME = 50
"""Seeds in `make test`: most of the coincidences come in them."""
ALL = 50_000


async def test_whoever_goes_next_nothing_goes_wrong(weaver: Weaver) -> None:
    report = Report()
    for seed in range(SOME):
        one, _ = await woven(weaver, seed)
        report.add(one)
    assert report.wrong == {}
    assert len(report.missed()) < len(SOMETIMES) / 2, report.missed()


@pytest.mark.proof
async def test_fifty_thousand_schedules_go_right_and_each_coincidence_comes(
    postgres: TestServer,
) -> None:
    async with postgres.database() as one, postgres.database() as other:
        report = await asyncio.to_thread(run_all, [one, other], range(ALL), tell=lambda _: None)
    assert report.wrong == {}
    assert report.missed(least=20) == []


def test_at_least_25_coincidences_are_named() -> None:
    assert len(SOMETIMES) >= 25


@pytest.mark.parametrize(
    ("seeds", "times"),
    [(5, 1), pytest.param(100, 10, marks=pytest.mark.proof)],
)
async def test_the_same_seed_is_the_same_run(weaver: Weaver, seeds: int, times: int) -> None:
    for seed in range(seeds):
        traces = Counter[str]()
        for _ in range(1 + times):
            _, outcome = await woven(weaver, seed)
            traces[outcome.trace()] += 1
        assert len(traces) == 1, seed


async def test_whoever_waits_is_seen_and_goes_on_when_the_other_has_committed(
    weaver: Weaver,
) -> None:
    deeds = Deed("book", 0, 0), Deed("book", 1, 0)
    ann, ben = (Part(name, (deed,)) for name, deed in zip(("Ann", "Ben"), deeds, strict=True))
    plan = Plan((), (ann, ben), (Choice("Ann"), Choice("Ben"), Choice("Ann")))

    outcome = await weaver.run(plan, AsBefore(plan.choices))

    assert outcome.wrong == []
    happened = [(who, what) for who, what, *_ in outcome.happenings]
    assert happened.index(("Ben", "waits")) < happened.index(("Ben", "goes on"))
    assert [(one.actor, one.answer) for one in outcome.records] == [
        ("Ann", "ok"),
        ("Ben", "slot_already_booked"),
    ]


@pytest.mark.parametrize(
    ("order", "left"),
    [(Order.CUT, []), (Order.LOSE_ANSWER, ["visit Ann 0: confirmed version 1"])],
)
async def test_a_commit_is_lost_before_or_after_it_arrived(
    weaver: Weaver, order: Order, left: list[str]
) -> None:
    plan = Plan((), (Part("Ann", (Deed("book", 0, 0),)),))
    choices = (Choice("Ann"), Choice("Ann"), Choice("Ann", order))

    outcome = await weaver.run(plan, AsBefore(choices))

    assert outcome.wrong == []
    assert [one.answer for one in outcome.records] == ["outcome_unknown"]
    assert [row for row in outcome.rows if row.startswith("visit")] == left


@pytest.mark.parametrize("what", ["remove service", "remove patient"])
async def test_what_goes_cancels_no_booking_whose_slots_it_has_not_locked(
    weaver: Weaver, what: str
) -> None:
    ann = Part("Ann", (Deed("book", 0, 1), Deed("cancel", 0, 1)))
    other = Part("other", (Deed(what, how="cancel"),))
    turns = [("Ann", 2), ("other", 4), ("Ann", 1), ("other", 3), ("Ann", 3), ("other", 1)]
    choices = tuple(Choice(who) for who, times in turns for _ in range(times))

    outcome = await weaver.run(Plan((), (ann, other), choices), AsBefore(choices))

    assert ("other", "waits") in [(who, what) for who, what, *_ in outcome.happenings]
    assert outcome.wrong == []
    assert {one.answer for one in outcome.records} == {"ok"}


async def test_a_hold_of_two_slots_that_comes_while_one_is_awaited_leaves_no_lock_out_of_order(
    weaver: Weaver,
) -> None:
    deeds = (
        ("Ben", Deed("hold", 1, 1, is_long=True)),
        ("Cleo", Deed("book", 2, 2)),
        ("the desk", Deed("overbook", 0, 0, is_long=True)),
    )
    parts = tuple(Part(name, (deed,)) for name, deed in deeds)
    turns = [("Ben", 3), ("Cleo", 1), ("Ben", 5), ("the desk", 1), ("Cleo", 2), ("the desk", 4)]
    choices = tuple(Choice(who) for who, times in turns for _ in range(times))

    outcome = await weaver.run(Plan((), parts, choices), AsBefore(choices))

    assert ("Cleo", "waits") in [(who, what) for who, what, *_ in outcome.happenings]
    assert outcome.wrong == []


@pytest.mark.parametrize("what", ["extend", "release"])
async def test_a_booking_waits_for_a_change_of_its_hold(weaver: Weaver, what: str) -> None:
    parts = (Part("Ann", (Deed("book", 0, 0),)), Part("Ann 2", (Deed(what, 0, 0),)))
    choices = tuple(Choice(who) for who in ("Ann 2", "Ann 2", "Ann", "Ann", "Ann"))

    outcome = await weaver.run(Plan((Deed("hold", 0, 0),), parts, choices), AsBefore(choices))

    assert outcome.wrong == []
    assert [(one.actor, one.answer) for one in outcome.records[1:]] == [
        ("Ann", "ok"),
        ("Ann 2", "ok"),
    ]
    happened = [(who, what) for who, what, *_ in outcome.happenings]
    assert ("Ann", "waits") in happened


PROCESSES = """SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'weave'"""


@pytest.mark.parametrize(
    ("choices", "goes_on"),
    [
        ((Choice("Ann"), Choice("Ann"), Choice("Ann", Order.CUT)), True),
        ((Choice("Ann"), Choice("Ann"), Choice("Ann", Order.LEAVE)), True),
        ((Choice("Ann"), Choice("Ben"), Choice("Ben", Order.CUT)), False),
    ],
)
async def test_a_broken_connections_process_is_used_again_unless_it_waits(
    weaver: Weaver, weave_url: str, choices: tuple[Choice, ...], goes_on: bool
) -> None:
    deeds = Deed("book", 0, 0), Deed("book", 1, 0)
    parts = tuple(Part(name, (deed,)) for name, deed in zip(("Ann", "Ben"), deeds, strict=True))
    await weaver.run(Plan((), parts), AsBefore(()))
    connection = await asyncpg.connect(weave_url)

    before = await connection.fetchval(PROCESSES)
    outcome = await weaver.run(Plan((), parts, choices), AsBefore(choices))
    assert outcome.wrong == []
    await weaver.run(Plan((), parts), AsBefore(()))
    assert (await connection.fetchval(PROCESSES) == before) is goes_on

    await connection.close()


async def test_a_fault_is_told_with_as_little_as_is_needed(weaver: Weaver) -> None:
    with MUTANTS["the look for the key on a refusal"]():
        story = await told(weaver, await first_wrong(weaver, most=300))

    assert len([line for line in story if line[:3].strip().isdigit()]) <= 12
    assert story[-1].startswith("Again: booking-system weave --seeds ")
    assert any(line.startswith("Wrong: ") for line in story)


async def first_wrong(weaver: Weaver, *, most: int) -> int:
    for seed in range(most):
        one, _ = await woven(weaver, seed)
        if one.wrong:
            return seed
    raise AssertionError("nothing went wrong")


FOUND_SOON = ("the slot's lock of a booking", "the locks of a move", "the slots that a move leaves")
"""Some of them in `make test`, all in `make prove`."""


@pytest.mark.parametrize(
    "name",
    [
        name if name in FOUND_SOON else pytest.param(name, marks=pytest.mark.proof)
        for name in MUTANTS
    ],
)
async def test_what_is_taken_out_is_missed(weaver: Weaver, name: str) -> None:
    with MUTANTS[name]():
        assert await first_wrong(weaver, most=2000) >= 0
    one, _ = await woven(weaver, 0)
    assert one.wrong == (), "it is put back"
