"""The page of the message outbox, in a real browser."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from booking_system.notifications.adapters.kept.messages import PostgresKeptMessages
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.kept import KeptMessage
from booking_system.notifications.domain.letter import Mailbox
from booking_system.notifications.domain.message import Channel
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from tests.api import running_api
from tests.browser.swagger import browsing
from tests.notifications.words.samples import an_appointment_message
from tests.servers import serving

pytestmark = pytest.mark.proof
CHIEF, PASSWORD = "chief@example.com", "three quiet otters"
EVIL = """<h1>Hello</h1><script>parent.document.title = "taken"; document.title = "taken"</script>
<img src="https://evil.example/x.png" onerror="parent.document.title = 'taken'">
<form action="https://evil.example/"><button>Press</button></form>"""


async def keep(database: Database, **about: Any) -> None:
    usual = {
        "id": uuid7(),
        "message_id": uuid4(),
        "channel": Channel.EMAIL,
        "to": Mailbox(address="priya@example.org", name="<b>Priya</b>"),
        "kept_at": datetime.now(UTC),
    }
    await PostgresKeptMessages(database).add(KeptMessage(**(usual | about)))


async def test_messages_are_seen_as_people_see_them_and_run_nothing(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    mail = TemplateWriter().email(an_appointment_message())
    await keep(database, channel=Channel.SMS, text="Grüße: reply C", to=Mailbox(address="+4930"))
    await keep(database, subject="Evil", text="Hello", html=EVIL)
    await keep(
        database, subject=mail.subject, text=mail.text, html=mail.html, calendar=mail.calendar
    )
    async with running_api(database_url, tmp_path) as api:
        await api.container.identity.ensure_admin()(email=CHIEF, password=PASSWORD)
    with serving(database_url, tmp_path, processes=1) as address:
        async with browsing(address) as watched:
            page = watched.page
            await watched.visit("/dev/outbox")
            await page.get_by_label("E-mail").fill(CHIEF)
            await page.get_by_label("Password").fill(PASSWORD)
            # The browser speaks of what it was refused before anybody had signed in.
            watched.complaints.clear()
            await page.get_by_role("button", name="Sign in").click()
            await page.get_by_text("3 messages").wait_for()
            assert not await page.get_by_label("Password").is_visible()
            frame = page.frame_locator("iframe")
            await frame.get_by_role("heading", name="Your appointment is confirmed").wait_for()
            await page.get_by_role("button", name="Calendar").click()
            await page.get_by_text("REQUEST, revision 1, CONFIRMED").wait_for()
            await page.get_by_role("button", name="Text", exact=True).click()
            await page.get_by_text("Hello Priya Sharma,").wait_for()
            await page.get_by_role("button", name="reply C").click()
            await page.get_by_text("1 segment, 14 units of GSM-7").wait_for()
            assert watched.complaints == []

            await page.get_by_role("button", name="Evil").click()
            await page.get_by_role("button", name="As seen").click()
            await frame.get_by_role("heading", name="Hello").wait_for()
            await frame.get_by_role("button", name="Press").click()
            await watched.settle()
            assert await page.title() == "Message outbox"
            assert await page.get_by_text("<b>Priya</b>").first.is_visible()
            assert watched.outside == []
            # The browser says that it ran nothing and loaded nothing.
            assert len(watched.complaints) >= 2
