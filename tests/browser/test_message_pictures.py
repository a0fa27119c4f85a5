"""Each message as people see it, in both languages: the mails by themselves, and the outbox."""

import os
import re
from pathlib import Path

import pytest

from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.gate import TO_CLINIC
from booking_system.notifications.domain.letter import Mailbox
from booking_system.notifications.domain.message import Channel
from booking_system.platform.postgres.transaction import Database
from tests.api import running_api
from tests.browser.seen import wrong_looks
from tests.browser.swagger import browsing
from tests.browser.test_outbox_page import CHIEF, PASSWORD, keep
from tests.notifications.words.samples import (
    APPOINTMENT_KINDS,
    BY_SMS,
    LANGUAGES,
    MAILED,
    a_message,
)
from tests.servers import serving

pytestmark = pytest.mark.proof
TEXTED = (*(kind for kind in APPOINTMENT_KINDS if kind not in TO_CLINIC), *BY_SMS)
"""The clinic is told by mail, and so are accounts."""
WIDTHS = (375, 800)
PLACE = "BOOKING_PICTURES"
"""The folder for pictures; without it they go where the test's other files go."""
ENGLISH = re.compile(
    r"\b(the|your|you|appointment|and|please|with|this|from|until|when|where|time|clinic)\b",
    re.IGNORECASE,
)
GIVEN = ("Example Clinic", "Root canal")
"""What clinics call themselves and their services is in no language of ours."""
CLOCK = re.compile(r"\d{1,2}:\d{2}")
ZONE = {
    "en": re.compile(r"(India Standard|Central European|Indian?) (Standard )?Time|\(.*Time\)"),
    "de": re.compile(r"zeit\b", re.IGNORECASE),
}


def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get(PLACE) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_mails_are_read_on_a_telephone_and_on_a_desk(tmp_path: Path) -> None:
    writer, place, wrong = TemplateWriter(), pictures(tmp_path), list[str]()
    async with browsing("http://127.0.0.1:1") as watched:
        page = watched.page
        for kind in MAILED:
            for language in LANGUAGES:
                mail = writer.email(a_message(kind, language))
                for width in WIDTHS:
                    about = f"{kind}-{language}-{width}"
                    await page.set_viewport_size({"width": width, "height": 700})
                    await page.set_content(mail.html)
                    await page.screenshot(path=place / f"mail-{about}.png", full_page=True)
                    wrong += [f"{about}: {one}" for one in await wrong_looks(page)]
                lang = await page.evaluate("document.documentElement.lang")
                assert lang.split("-")[0] == language
                said = await page.evaluate("document.body.innerText")
                wrong += [f"{kind}-{language}: {one}" for one in wrong_words(said, language)]
    assert wrong == []
    assert (watched.outside, watched.complaints) == ([], [])


def wrong_words(said: str, language: str) -> list[str]:
    """English in German, and times of which nobody says whose clock they are by."""
    for one in GIVEN:
        said = said.replace(one, "")
    found = []
    if language != "en" and (english := ENGLISH.findall(said)):
        found.append(f"English words: {sorted(set(english))}")
    if CLOCK.search(said) and not ZONE[language].search(said):
        found.append("a time without its zone")
    return found


async def test_the_outbox_shows_each_message_in_both_languages(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    writer, place, wrong = TemplateWriter(), pictures(tmp_path), list[str]()
    shown = list[tuple[str, str]]()
    for language in LANGUAGES:
        for kind in MAILED:
            mail, to = writer.email(a_message(kind, language)), f"{kind}.{language}@example.org"
            words = {"subject": mail.subject, "text": mail.text, "html": mail.html}
            await keep(database, to=Mailbox(address=to), calendar=mail.calendar, **words)
            shown.append((to, f"mail-{kind}-{language}"))
        for kind in TEXTED:
            text, to = writer.sms(a_message(kind, language)), f"+493012300{len(shown)}"
            await keep(database, channel=Channel.SMS, text=text, to=Mailbox(address=to))
            shown.append((to, f"sms-{kind}-{language}"))
    async with running_api(database_url, tmp_path) as api:
        await api.container.identity.ensure_admin()(email=CHIEF, password=PASSWORD)
    with serving(database_url, tmp_path, processes=1) as address:
        async with browsing(address) as watched:
            page = watched.page
            await page.set_viewport_size({"width": 375, "height": 740})
            await watched.visit("/dev/outbox")
            await page.get_by_label("E-mail").fill(CHIEF)
            await page.get_by_label("Password").fill(PASSWORD)
            wrong += [f"sign in: {one}" for one in await wrong_looks(page)]
            await page.screenshot(path=place / "outbox-sign-in.png")
            watched.complaints.clear()
            await page.get_by_role("button", name="Sign in").click()
            await page.get_by_text(f"{len(shown)} messages").wait_for()
            for to, name in shown:
                one = page.locator("#list button").filter(has=page.get_by_text(to, exact=True))
                # So high that a mail's frame is painted: what is below the edge is not.
                await page.set_viewport_size({"width": 375, "height": 1500})
                await one.click()
                if name.startswith("mail"):
                    await page.frame_locator("iframe").get_by_role("heading").wait_for()
                wrong += [f"{name} 375: {one}" for one in await wrong_looks(page)]
                await page.screenshot(path=place / f"outbox-{name}-375.png")
                await page.set_viewport_size({"width": 1100, "height": 900})
                wrong += [f"{name} 1100: {one}" for one in await wrong_looks(page)]
                await page.screenshot(path=place / f"outbox-{name}-1100.png")
            assert (watched.outside, watched.complaints) == ([], [])
    assert sorted(set(wrong)) == []
