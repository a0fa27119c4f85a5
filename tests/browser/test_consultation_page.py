"""The consultation page as doctors, patients and guests use it: by its words and its keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api import Api, running_api
from tests.browser.calls import chromium, house, opened_by_front_end
from tests.consultations.surgery import surgery

pytestmark = pytest.mark.proof


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path) as api:
        yield api


async def test_pictures(api: Api, database_url: str, tmp_path: Path) -> None:
    room = await surgery(api)
    out = tmp_path / "shots"
    out.mkdir(exist_ok=True)
    async with house(database_url, tmp_path) as home, chromium() as browser:
        one, other = [each.http for each in home.doors]
        path = f"/consultation/{room.id}"
        doctor = await opened_by_front_end(
            browser,
            one,
            path,
            room.doctor,
            front_end=other,
            viewport={"width": 1280, "height": 800},
        )
        patient = await opened_by_front_end(
            browser,
            other,
            path,
            room.patient,
            front_end=one,
            viewport={"width": 375, "height": 740},
        )
        for name, one in (("doctor", doctor), ("patient", patient)):
            await one.page.get_by_role(
                "button", name="Come in" if name == "doctor" else "Go to the waiting room"
            ).wait_for()
            await one.page.wait_for_timeout(700)
            await one.page.screenshot(path=out / f"check-{name}.png")
        await patient.page.get_by_role("button", name="Go to the waiting room").click()
        await patient.page.get_by_text("is not here yet").wait_for()
        await patient.page.screenshot(path=out / "waiting.png")
        await doctor.page.get_by_role("button", name="Come in").click()
        await doctor.page.get_by_text("has been waiting since").wait_for()
        await doctor.page.screenshot(path=out / "queue.png")
        await patient.page.get_by_text("will let you in").wait_for()
        await doctor.page.keyboard.press("a")
        for one in (doctor, patient):
            await one.until_moving()
        await doctor.page.get_by_label("Write a message").fill("Hello, can you hear me?")
        await doctor.page.keyboard.press("Enter")
        await patient.page.get_by_role("button", name="Chat (1)").wait_for()
        await patient.page.wait_for_timeout(500)
        await doctor.page.screenshot(path=out / "call-doctor.png")
        await patient.page.screenshot(path=out / "call-patient.png")
        await patient.page.get_by_role("button", name="Chat (1)").click()
        await patient.page.get_by_text("can you hear me").wait_for()
        await doctor.page.get_by_text("read", exact=True).wait_for()
        await patient.page.get_by_label("Write a message").type("Yes")
        await doctor.page.get_by_text("is writing").wait_for()
        await patient.page.screenshot(path=out / "chat-patient.png")
