"""The consultation page as doctors, patients and guests use it: by its words and its keys."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Download

from booking_system.shared_kernel.identifiers import UserId
from tests.api import Api, Person, running_api
from tests.browser.accessible import serious_faults
from tests.browser.calls import (
    House,
    Visitor,
    chromium,
    house,
    opened_by_front_end,
    visitor,
)
from tests.browser.seen import wrong_looks
from tests.consultations.surgery import Surgery, surgery

pytestmark = pytest.mark.proof
PHONE, DESK = {"width": 375, "height": 740}, {"width": 1280, "height": 800}
PASSWORD = "three quiet otters"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path) as api:
        yield api


@dataclass
class Practice:
    """Somewhere to be seen: two processes, a browser, an appointment of today."""

    home: House
    browser: Browser
    room: Surgery
    pictures: Path

    async def come(self, person: Person, **about: Any) -> Visitor:
        """Open the page as front ends do that have signed somebody in."""
        own, other = self.home.doors
        if person is self.room.patient:
            own, other = other, own
        return await opened_by_front_end(
            self.browser,
            own.http,
            f"/consultation/{self.room.id}",
            person,
            front_end=other.http,
            **about,
        )

    async def shown(self, one: Visitor, name: str) -> None:
        """Look at what is shown, by measure, small and large, by day and by night."""
        page, before = one.page, one.page.viewport_size
        for size in (PHONE, DESK):
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                # Frames of the browser, so that what it draws has settled.
                await page.evaluate("new Promise((go) => setTimeout(go, 150))")
                about = f"{name}, {size['width']}, {scheme}"
                assert await wrong_looks(page) == [], about
                assert await serious_faults(page) == [], about
                place = self.pictures / f"{name}-{size['width']}-{scheme}.png"
                await page.screenshot(path=place)
        await page.emulate_media(color_scheme="light")
        if before is not None:
            await page.set_viewport_size(before)


@asynccontextmanager
async def practice(api: Api, database_url: str, place: Path) -> AsyncIterator[Practice]:
    room = await surgery(api)
    clinic = f"/v1/clinics/{room.clinic['id']}"
    version = (await api.get(clinic, api.admin)).headers["ETag"]
    phone = {"phone": "+49 30 901820"}
    changed = await api.send("PATCH", clinic, api.admin, json=phone, headers={"If-Match": version})
    assert changed.status_code == 200, changed.text
    pictures = place / "pictures"
    pictures.mkdir()
    async with house(database_url, place) as home, chromium() as browser:
        yield Practice(home, browser, room, pictures)


async def says(one: Visitor, text: str | re.Pattern[str]) -> None:
    await one.page.get_by_text(text).first.wait_for()


async def bytes_of(download: Download) -> bytes:
    return await asyncio.to_thread((await download.path()).read_bytes)


async def press(one: Visitor, name: str) -> None:
    await one.page.get_by_role("button", name=name).first.click()


async def come_in(here: Practice) -> tuple[Visitor, Visitor]:
    """Doctor and patient test their devices and meet; the doctor lets the patient in by a key."""
    doctor = await here.come(here.room.doctor, viewport=DESK)
    patient = await here.come(here.room.patient, viewport=PHONE)
    await says(patient, "Consultation with Example Doctor")
    await patient.page.get_by_label("Your own picture, mirrored").wait_for()
    await here.shown(patient, "check")
    await press(patient, "Go to the waiting room")
    await says(patient, "is not here yet")
    await says(doctor, "Consultation with Example Patient")
    await press(doctor, "Come in")
    await says(patient, "is here and will let you in")
    await says(doctor, re.compile("has been waiting since .* camera and microphone ready"))
    await here.shown(patient, "waiting")
    await here.shown(doctor, "queue")
    # One tap says it to everybody who waits.
    await press(doctor, "10 minutes late")
    await says(doctor, "Told: about 10 minutes late")
    await press(doctor, "Take it back")
    assert await patient.frames() == await doctor.frames() == 0
    await doctor.page.get_by_role("heading", name="Who is waiting").click()
    await doctor.page.keyboard.press("a")
    for one in (doctor, patient):
        await one.until_moving()
    return doctor, patient


async def test_a_consultation_from_the_device_test_to_the_end(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with practice(api, database_url, tmp_path) as here:
        doctor, patient = await come_in(here)
        await doctor.page.get_by_label("Write a message").fill("Can you hear me?")
        await doctor.page.keyboard.press("Enter")
        await press(patient, "Chat (1)")
        await says(patient, "Can you hear me?")
        await doctor.page.get_by_text("read", exact=True).wait_for()
        await patient.page.get_by_label("Write a message").press_sequentially("Yes, well")
        await says(doctor, "Example Patient is writing")
        await here.shown(doctor, "call")
        await here.shown(patient, "chat")
        await patient.page.keyboard.press("Enter")
        await says(doctor, "Yes, well")
        await press(patient, "Chat")
        await here.shown(patient, "call-of-patient")

        # Muted, and without a picture: the other side reads it, and the lamp is out.
        await patient.page.get_by_role("main").click(position={"x": 5, "y": 5})
        await patient.page.keyboard.press("m")
        await says(doctor, "Example Patient · muted")
        await patient.page.keyboard.press("v")
        await says(doctor, "Example Patient has the camera off")
        await patient.page.keyboard.press("v")
        for one in (doctor, patient):
            await one.until_moving()

        await press(patient, "Devices")
        await says(patient, "Call by phone instead:")
        phone = patient.page.get_by_role("link", name="+49")
        assert await phone.get_attribute("href") == "tel:+4930901820"
        await here.shown(patient, "devices")
        await patient.page.get_by_role("button", name="Close").click()

        await press(doctor, "Back to the waiting room")
        await says(patient, "Waiting room")
        await press(doctor, "Admit Example Patient")
        for one in (doctor, patient):
            await one.until_moving()

        await doctor.page.keyboard.press("Escape")
        await says(doctor, "Leave the consultation?")
        await here.shown(doctor, "leave")
        await press(doctor, "End for everybody")
        for one in (doctor, patient):
            await one.page.get_by_role("heading", name="The consultation has ended").wait_for()
            await says(one, "Can you hear me?")
        await here.shown(patient, "over")
        async with patient.page.expect_download() as coming:
            await press(patient, "Save the chat as a text")
        assert b"Can you hear me?" in await bytes_of(await coming.value)
        assert doctor.complaints == patient.complaints == []


async def test_a_file_is_sent_and_read(api: Api, database_url: str, tmp_path: Path) -> None:
    async with practice(api, database_url, tmp_path) as here:
        doctor = await here.come(here.room.doctor, viewport=DESK)
        patient = await here.come(here.room.patient, viewport=DESK)
        await press(doctor, "Come in")
        await press(patient, "Go to the waiting room")
        picker = patient.page.locator("input[type=file]")
        wrong = {"name": "report.html", "mimeType": "text/html", "buffer": b"<p>"}
        await picker.set_input_files(wrong)  # type: ignore[arg-type]
        await says(patient, "report.html was not sent")
        right = {"name": "report.pdf", "mimeType": "application/pdf", "buffer": PDF}
        await picker.set_input_files(right)  # type: ignore[arg-type]
        button = doctor.page.get_by_role("button", name="Download report.pdf")
        await button.wait_for()
        async with doctor.page.expect_download() as coming:
            await button.click()
        assert await bytes_of(await coming.value) == PDF
        assert doctor.complaints == patient.complaints == []


async def test_somebody_signs_in_on_the_page_and_a_reload_keeps_it(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with practice(api, database_url, tmp_path) as here:
        person = UserId(here.room.patient.user_id)
        link = await api.container.identity.reset_link()(person)
        assert link is not None
        body = {"token": link.token, "password": PASSWORD}
        assert (await api.post("/v1/auth/password-reset/confirm", body)).status_code == 204
        one = await visitor(here.browser, here.home.doors[0].http, locale="de-AT", viewport=PHONE)
        await one.page.goto(f"{one.site}/consultation/{here.room.id}")
        await one.page.get_by_role("heading", name="Zur Sprechstunde anmelden").wait_for()
        await here.shown(one, "sign-in-de")
        await one.page.get_by_label("E-Mail").fill(f"{person}@example.com")
        await one.page.get_by_label("Passwort").fill("another one")
        await press(one, "Anmelden")
        await says(one, "gehören nicht zusammen")
        await one.page.get_by_label("Passwort").fill(PASSWORD)
        await press(one, "Anmelden")
        await press(one, "Ins Wartezimmer")
        await says(one, "ist noch nicht da")
        await here.shown(one, "waiting-de")
        await one.page.reload()
        await press(one, "Ins Wartezimmer")
        await says(one, "ist noch nicht da")
        assert "?" not in one.page.url
        assert "#" not in one.page.url
        # Cancelled while somebody waits: the right screen comes by itself.
        path = f"/v1/bookings/{here.room.id}"
        version = (await api.get(path, here.room.doctor)).headers["ETag"]
        cancelled = await api.post(
            f"{path}/cancel", {"reason": "Ill"}, here.room.doctor, headers={"If-Match": version}
        )
        assert cancelled.status_code == 200, cancelled.text
        await says(one, "Dieser Termin wurde abgesagt")
        await press(one, "Abmelden")
        await says(one, "Zur Sprechstunde anmelden")
        # Two refusals of the sign-in and none else were noted by the browser.
        assert [one for one in one.complaints if "401" not in one] == []


async def test_a_guest_comes_by_a_link_that_opens_once(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with practice(api, database_url, tmp_path) as here:
        doctor = await here.come(here.room.doctor, viewport=DESK)
        patient = await here.come(here.room.patient, viewport=DESK)
        await press(patient, "Go to the waiting room")
        await press(doctor, "Come in")
        await press(doctor, "Admit Example Patient")
        await doctor.until_moving()
        await press(doctor, "Invite")
        await doctor.page.get_by_label("Name").fill("Example Interpreter")
        await here.shown(doctor, "invite")
        await press(doctor, "Make a link")
        link = await doctor.page.get_by_label("Hand this link over").input_value()
        await doctor.page.get_by_role("button", name="Close").click()
        guest = await visitor(here.browser, here.home.doors[0].http, viewport=PHONE)
        await guest.page.goto(link)
        await press(guest, "Go to the waiting room")
        await says(guest, "You will be let in by the doctor.")
        assert guest.page.url.endswith("/consultation")
        assert await guest.frames() == 0
        await press(doctor, "Admit Example Interpreter")
        for one in (guest, patient, doctor):
            await one.until(
                "watched.connections.filter((c) => c.connectionState === 'connected').length >= 2"
            )
            await one.until_moving()
        await here.shown(doctor, "three")
        # After a break of the tab the guest is the same; the link itself opens nothing more.
        await guest.page.reload()
        await press(guest, "Go to the waiting room")
        await guest.until_moving()
        other = await visitor(here.browser, here.home.doors[1].http)
        await other.page.goto(link.replace(here.home.doors[0].http, here.home.doors[1].http))
        await press(other, "Go to the waiting room")
        await says(other, "This link does not open the room")
        await press(doctor, "Invite")
        await press(doctor, "Remove Example Interpreter")
        await says(guest, "This link does not open the room")
        await doctor.until_moving()


NO_DEVICES = """navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException('', window.refusedWith || 'NotAllowedError');
}"""
REFUSALS = {
    "NotFoundError": "No camera was found",
    "NotReadableError": "Another program is using the camera",
    "OverconstrainedError": "This camera cannot be used",
    "UnknownError": "The camera did not start",
    "NotAllowedError": "The camera is blocked for this page",
}


async def test_without_devices_there_is_a_way_on(
    api: Api, database_url: str, tmp_path: Path
) -> None:
    async with practice(api, database_url, tmp_path) as here:
        patient = await here.come(here.room.patient, viewport=PHONE, script=NO_DEVICES)
        await says(patient, "The microphone")
        for name, words in REFUSALS.items():
            await patient.page.evaluate(f"window.refusedWith = '{name}'")
            await press(patient, "Try again")
            await says(patient, words)
        await here.shown(patient, "blocked")
        await press(patient, "Go to the waiting room")
        doctor = await here.come(here.room.doctor, viewport=DESK)
        await press(doctor, "Come in")
        await says(doctor, "no camera, no microphone")
        await press(doctor, "Admit Example Patient")
        # Seen and heard one way, and written the other.
        await patient.until_moving()
        await says(doctor, "Example Patient has the camera off")
        await press(patient, "Chat")
        await patient.page.get_by_label("Write a message").fill("I can only write")
        await patient.page.keyboard.press("Enter")
        await says(doctor, "I can only write")
