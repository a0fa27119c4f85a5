"""Somebody who read docs/asyncapi.json alone is a patient: no browser, not our call module."""

import asyncio
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.api import running_api
from tests.browser.calls import SECONDS, call_module, chromium, house, visitor
from tests.consultations.surgery import surgery

pytestmark = pytest.mark.proof
IS_WAITING = "call.room.people.get('patient')?.state === 'waiting'"


@pytest.fixture
def scripted() -> Any:
    """The peer, imported here: `make test` collects this file without aiortc."""
    assert find_spec("aiortc"), "this proof needs aiortc: `make .venv/proofs` brings it"
    return import_module("tests.browser.scripted")


async def test_a_scripted_patient_sees_and_is_seen(
    database_url: str, tmp_path: Path, scripted: Any
) -> None:
    async with (
        running_api(database_url, tmp_path) as api,
        house(database_url, tmp_path) as home,
        chromium() as browser,
    ):
        room = await surgery(api)
        doctor = await visitor(browser, home.doors[0].http)
        await call_module(doctor, room.id, room.doctor)
        # By the other process.
        ws = home.doors[1].http.replace("http", "ws", 1)
        async with scripted.scripted_patient(ws, await room.way_in(room.patient)) as patient:
            await doctor.until(IS_WAITING)
            assert not any(one["type"] == "offer" for one in await patient.page.quiet())
            await doctor.page.evaluate("call.room.say('Good morning')")
            await patient.page.hear("chat", text="Good morning")
            await patient.page.chat("Is it my turn?")
            await doctor.until("call.room.chat.at(-1).text === 'Is it my turn?'")
            await doctor.page.evaluate("call.room.admit()")
            await patient.page.hear("admitted", who="patient")
            await patient.answer()
            await doctor.until("call.links.get('patient')?.state === 'connected'")
            await doctor.until_moving(30)
            async with asyncio.timeout(SECONDS):
                while patient.pictures < 30 or patient.sounds < 30:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            # Not one picture again and again.
            assert len(patient.looks) > 5
            assert patient.lamp.sent >= 30
            assert await doctor.page.evaluate("call.links.get('patient').recovery.tries") == 0
            assert await doctor.page.evaluate("call.quality") != "none"
            assert doctor.complaints == []
