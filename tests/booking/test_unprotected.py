"""A race notices what is missing: each protection is taken away, and the checker sees it."""

import random
from dataclasses import replace
from typing import Any

import pytest
from httpx import ASGITransport

from booking_lab.race import fight
from booking_lab.race.checking import Rule, violations
from booking_lab.race.deployment import Deployment
from booking_lab.race.plan import Plan
from booking_system.booking.adapters import attempt_statements, hold_statements, span_locks
from booking_system.booking.adapters.postgres import PostgresBookingWork
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.domain.appointment import Appointment
from tests.api import Api
from tests.commits import Commit, around_commits
from tests.races import Race

PLAN = Plan(clients=12, desks=3, seconds=0.3, doctors=2, slots_per_doctor=8, hanging_up=0.0, hot=2)
MOST_RACES = 30
LOCKS = [
    attempt_statements.ATTEMPT,
    attempt_statements.ATTEMPT_OWN,
    span_locks.LOCK_NEARBY,
    hold_statements.LOCK,
    span_locks.LOCK_TO_MOVE,
]
WALLS = """ALTER TABLE appointments DROP CONSTRAINT ex_appointments_doctor_never_twice,
 DROP CONSTRAINT ex_appointments_patient_never_twice;
 DROP INDEX uq_appointments_active_slot"""


@pytest.fixture(autouse=True)
def _nothing_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody hangs up, so nothing runs for nobody when the race is over."""
    monkeypatch.setattr(fight, "SETTLING_SECONDS", 0.0)


async def raced(api: Api, plan: Plan = PLAN) -> set[Rule]:
    """In one process and without a network: what is told is the application's own."""
    transport = ASGITransport(api.app, raise_app_exceptions=False)
    race = Race(Deployment(url="http://test", transport=transport), api.admin.token, plan)
    await race.prepare()
    return {one.rule for one in violations(await race.run())}


async def raced_until(api: Api, wanted: set[Rule], plan: Plan = PLAN) -> set[Rule]:
    """Again until one of the wanted is found: what is possible need not happen at once."""
    found: set[Rule] = set()
    for _ in range(MOST_RACES):
        found |= await raced(api, plan)
        if found & wanted:
            break
    return found


def no_lock_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for statement in LOCKS:
        assert statement.text.endswith(" FOR UPDATE OF s")
        monkeypatch.setattr(statement, "text", statement.text.removesuffix(" FOR UPDATE OF s"))


async def no_wall_stands(api: Api) -> None:
    async with api.container.database().reading() as connection:
        await connection.execute(WALLS)


def every_fifth_answer_to_a_commit_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(3)

    async def lost(commit: Commit) -> Any:
        done = await commit()
        if dice.random() < 0.2:
            raise ConnectionResetError
        return done

    around_commits(monkeypatch, lost)


async def nothing_earlier(*_: object) -> None:
    """What a refused caller is asked for, where nobody reads the key again."""


async def test_with_everything_in_place_nothing_is_wrong(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_fifth_answer_to_a_commit_is_lost(monkeypatch)
    assert await raced(api) == set()


async def test_without_locks_and_constraints_slots_are_sold_twice(
    own_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_lock_waits(monkeypatch)
    await no_wall_stands(own_api)
    assert Rule.TWO_OWNERS in await raced_until(own_api, {Rule.TWO_OWNERS})


async def test_without_the_patients_constraint_patients_are_in_two_places(
    own_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await no_wall_stands(own_api)
    # All doctors have time at the same moments.
    plan = replace(PLAN, doctors=8, slots_per_doctor=2, hot=8)
    found = await raced_until(own_api, {Rule.PATIENT_TWICE}, plan)
    assert Rule.PATIENT_TWICE in found
    # The row lock holds alone.
    assert Rule.TWO_OWNERS not in found


async def test_without_reading_the_key_again_owners_are_told_that_it_is_taken(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_fifth_answer_to_a_commit_is_lost(monkeypatch)
    monkeypatch.setattr(BookAppointment, "_earlier", nothing_earlier)
    assert Rule.TOLD_NO in await raced_until(api, {Rule.TOLD_NO})


async def test_a_key_that_is_not_stored_with_its_effect_is_no_key(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it were stored by a transaction of its own, which did not come to pass."""
    every_fifth_answer_to_a_commit_is_lost(monkeypatch)
    add = PostgresBookingWork.add

    async def add_alone(self: PostgresBookingWork, appointment: Appointment, *_: object) -> None:
        await add(self, appointment)

    monkeypatch.setattr(PostgresBookingWork, "add", add_alone)
    wanted = {Rule.TOLD_NO, Rule.ONE_KEY}
    assert wanted & await raced_until(api, wanted)
