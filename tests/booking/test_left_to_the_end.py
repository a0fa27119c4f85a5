"""What is sent together with COMMIT: a statement that writes all, never one behind another."""

from typing import Any

import pytest

from booking_system.platform.postgres import driver_blocks
from booking_system.platform.postgres.driver_blocks import Last
from tests.api import Api, code_of
from tests.booking.test_waiting_for_money import Desk

MADE = (201, None)
Lasts = list[Last | None]


@pytest.fixture
def lasts(monkeypatch: pytest.MonkeyPatch) -> Lasts:
    """What went along with each commit of the driver's own transactions."""
    seen, commit = Lasts(), driver_blocks.commit

    async def noted(driver: Any, last: Last | None = None) -> str:
        seen.append(last)
        return await commit(driver, last)

    monkeypatch.setattr(driver_blocks, "commit", noted)
    return seen


async def test_a_booking_and_a_hold_go_along_with_their_commit(api: Api, lasts: Lasts) -> None:
    doctor, patient = await api.doctor(await api.clinic()), await api.patient()
    first, second = await api.slots(doctor, 2)
    lasts.clear()
    assert code_of(await api.book(first, patient)) == MADE
    held = await api.post("/v1/holds", {"time_slot_id": second["id"]}, patient)
    assert code_of(held) == MADE
    assert [last is not None for last in lasts] == [True, True]


@pytest.mark.parametrize("is_paid_first", [False, True])
async def test_what_ends_a_hold_or_keeps_time_free_is_written_before_the_commit(
    api: Api, lasts: Lasts, is_paid_first: bool
) -> None:
    """Of two statements that write, the first would stay where the second finds nothing to do."""
    payment = "required" if is_paid_first else "none"
    desk = await Desk.open(api, payment=payment, duration_minutes=60)
    patient = await api.patient()
    held = {"time_slot_id": desk.slots[0]["id"], "service_id": desk.service["id"]}
    assert code_of(await api.post("/v1/holds", held, patient)) == MADE
    reaching = {"doctor_ids": [desk.doctor["id"]], "buffer_after_minutes": 10}
    wider = await api.service(desk.clinic, **reaching)
    lasts.clear()
    assert code_of(await desk.book(patient)) == MADE
    assert code_of(await desk.book(patient, 2, service_id=wider["id"])) == MADE
    assert lasts == [None, None]
