"""The race's checker sees a hold in force that did not become its booking."""

import pytest

from booking_lab.race.checking import Rule
from tests.bootstrap.test_race_checking import TAKEN, Past

EXPIRED = (409, "hold_expired")


@pytest.mark.parametrize("told", [TAKEN, EXPIRED])
def test_a_hold_that_is_refused_its_booking_is_seen(told: tuple[int, str]) -> None:
    past = Past()
    past.hold("k1", "h1", patient="someone")
    past.book("k2", told, subject="h1", patient="someone")

    assert past.rules() == {Rule.BROKEN_HOLD}


@pytest.mark.parametrize("told", [(409, "patient_overlap"), (409, "idempotency_key_in_use")])
def test_the_patients_own_other_appointment_is_no_fault_of_the_hold(told: tuple[int, str]) -> None:
    past = Past()
    past.hold("k1", "h1", patient="someone")
    past.book("k2", told, subject="h1", patient="someone")

    assert Rule.BROKEN_HOLD not in past.rules()


def test_a_hold_that_is_over_or_may_be_promises_nothing() -> None:
    past = Past()
    past.hold("k1", "h1", patient="someone", lasts=0.15)
    past.book("k2", EXPIRED, subject="h1", patient="someone")
    past.hold("k3", "h3", slot="ten", patient="another")
    past.release("k4", "h3", None)
    past.book("k5", EXPIRED, slot="ten", subject="h3", patient="another")

    assert past.rules() == set()
