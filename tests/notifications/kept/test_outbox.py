"""Messages without a provider are kept, and developers can look at them."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from booking_system.bootstrap.container import build
from booking_system.bootstrap.http_app import create_app
from booking_system.notifications.adapters.kept.carriers import KeptEmails, KeptSms
from booking_system.notifications.adapters.kept.http import OutboxRoutes
from booking_system.notifications.adapters.kept.messages import PostgresKeptMessages
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.kept import KeptMessage
from booking_system.notifications.domain.letter import (
    CalendarMethod,
    CalendarPart,
    Email,
    Mailbox,
    PdfFile,
    Sms,
)
from booking_system.notifications.domain.message import Kind
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from booking_system.platform.clock import SystemClock
from booking_system.platform.postgres.faults import OutcomeUnknown, Overloaded
from booking_system.platform.postgres.tidying import Tidying
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.shared_kernel.errors import Transient
from tests.api import NOTHING, Api, code_of, nothing_at
from tests.notifications.words.samples import an_appointment_message

WRITER = TemplateWriter()
OUTBOX = "/v1/dev/outbox"


def an_email(to: str = "priya@example.org", **about: Any) -> Email:
    written = WRITER.email(an_appointment_message(Kind.CONFIRMATION))
    given = {
        "id": uuid4(),
        "sender": Mailbox(address="clinic@mail.example.com", name="Example Clinic"),
        "reply_to": Mailbox(address="desk@example.com"),
        "to": Mailbox(address=to, name="Priya Sharma"),
        "subject": written.subject,
        "text": written.text,
        "html": written.html,
        "calendar": written.calendar,
        "unsubscribe_url": "https://booking.example.com/u/abc",
    }
    return Email(**(given | about))


def an_sms(to: str, text: str = "Hello €") -> Sms:
    return Sms(id=uuid4(), to=to, text=text, not_after=datetime(2027, 1, 1, tzinfo=UTC))


def carriers(database: Database) -> tuple[KeptEmails, KeptSms]:
    about: Mapping[str, Any] = {
        "kept": PostgresKeptMessages(database),
        "clock": SystemClock(),
        "identities": RandomIdentities(),
    }
    return KeptEmails(**about), KeptSms(**about)


async def carried(api: Api, message: Email | Sms) -> str:
    emails, sms = carriers(api.container.database())
    opened = emails.opened(message) if isinstance(message, Email) else sms.opened(message)
    async with opened as handover:
        await handover.write()
        kept = await handover.answer()
    assert kept is not None
    return kept


async def shown(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(OUTBOX, api.admin, **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def an_address() -> str:
    return f"{uuid4().hex}@example.org"


async def test_an_email_is_shown_as_it_would_have_been_sent(api: Api) -> None:
    to = an_address()
    email = an_email(to)
    kept = await carried(api, email)
    (one,) = await shown(api, to=to.upper())
    assert email.calendar is not None
    event = one["attachments"][0].pop("event")
    sent_at = one.pop("sent_at")
    assert one == {
        "id": kept,
        "message_id": str(email.id),
        "channel": "email",
        "to": to,
        "to_name": "Priya Sharma",
        "sender": {"address": "clinic@mail.example.com", "name": "Example Clinic"},
        "reply_to": {"address": "desk@example.com", "name": None},
        "subject": email.subject,
        "text": email.text,
        "html": email.html,
        "attachments": [
            {
                "filename": "invite.ics",
                "content_type": "text/calendar; charset=utf-8; method=REQUEST",
                "content": email.calendar.content.decode(),
            }
        ],
        "unsubscribe_url": "https://booking.example.com/u/abc",
        "segments": None,
    }
    assert sent_at.endswith("Z")
    assert (event["method"], event["sequence"], event["status"]) == ("REQUEST", 1, "CONFIRMED")
    assert event["starts_at"] == "2026-11-27T08:30:00Z"
    assert event["attendee"] == "priya@example.org"
    assert event["organizer"] == "clinic@mail.example.com"
    assert event["summary"] == "Appointment at Example Clinic"


async def test_an_sms_is_shown_with_what_it_costs(api: Api) -> None:
    to = f"+4930{uuid4().int % 10**8:08}"
    sms = an_sms(to, "Grüße\x00 von [uns]")
    await carried(api, sms)
    (one,) = await shown(api, to=to)
    assert (one["channel"], one["to"], one["text"]) == ("sms", to, "Grüße von [uns]")
    assert one["segments"] == {"alphabet": "gsm_7", "units": 17, "segments": 1}
    assert one["subject"] is one["html"] is one["sender"] is one["unsubscribe_url"] is None
    assert one["attachments"] == []


async def test_the_newest_come_first_and_what_was_sent_twice_is_there_twice(api: Api) -> None:
    to = an_address()
    email = an_email(to)
    kept = [await carried(api, email), await carried(api, email), await carried(api, an_email(to))]
    items = await shown(api, to=to)
    assert [one["id"] for one in items] == kept[::-1]
    assert [one["message_id"] == str(email.id) for one in items] == [False, True, True]
    assert [one["id"] for one in await shown(api, to=to, limit=1)] == kept[-1:]
    assert [one["id"] for one in await shown(api, limit=3)] == kept[::-1]
    assert await shown(api, to=an_address()) == []


async def test_a_calendar_part_that_cannot_be_read_says_so(api: Api) -> None:
    to = an_address()
    broken = CalendarPart(method=CalendarMethod.REQUEST, content=b"BEGIN:VCALENDAR\r\n\xff")
    await carried(api, an_email(to, calendar=broken))
    (one,) = await shown(api, to=to)
    assert one["attachments"][0]["event"] is None


PDFS = [
    PdfFile(filename="2027-000042.pdf", content=b"%PDF-1.7\n\x00\xff"),
    PdfFile(filename="2027-000043.pdf", content=b"%PDF-1.7\nanother"),
]


async def test_documents_are_shown_behind_the_calendar(api: Api) -> None:
    to = an_address()
    await carried(api, an_email(to, documents=PDFS))
    (one,) = await shown(api, to=to)
    calendar, *documents = one["attachments"]
    assert calendar["filename"] == "invite.ics"
    assert [b64decode(each.pop("content"), validate=True) for each in documents] == [
        file.content for file in PDFS
    ]
    assert documents == [
        {"filename": file.filename, "content_type": "application/pdf", "event": None}
        for file in PDFS
    ]
    await carried(api, an_email(to, documents=PDFS[:1], calendar=None))
    assert [each["filename"] for each in (await shown(api, to=to))[0]["attachments"]] == [
        PDFS[0].filename
    ]


async def test_a_message_from_before_documents_is_still_shown(api: Api) -> None:
    to = an_address()
    await carried(api, an_email(to))
    async with api.container.database().driver_transaction() as connection:
        # As a program of before keeps it.
        await connection.execute(
            "UPDATE kept_messages SET documents = NULL, document_names = NULL WHERE recipient = $1",
            to,
        )
    (one,) = await shown(api, to=to)
    assert [each["filename"] for each in one["attachments"]] == ["invite.ics"]


async def test_each_kept_document_has_a_name(api: Api) -> None:
    to = an_address()
    await carried(api, an_email(to, documents=PDFS))
    without_names = "UPDATE kept_messages SET document_names = NULL WHERE recipient = $1"
    with pytest.raises(asyncpg.CheckViolationError):
        async with api.container.database().driver_transaction() as connection:
            await connection.execute(without_names, to)


async def test_what_is_kept_inside_of_a_whole_is_kept_if_the_whole_is(api: Api) -> None:
    to, database = an_address(), api.container.database()
    emails, _ = carriers(database)
    with pytest.raises(ZeroDivisionError):
        async with database.whole(), emails.opened(an_email(to)) as handover:
            await handover.write()
            raise ZeroDivisionError
    assert await shown(api, to=to) == []
    async with database.whole(), emails.opened(an_email(to)) as handover:
        await handover.write()
    assert len(await shown(api, to=to)) == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Overloaded(retry_after=1), NotSentError),
        (Transient(), NotSentError),
        (OutcomeUnknown(retry_after=1), OutcomeUnknownError),
    ],
)
async def test_a_database_that_fails_is_told_as_a_provider_would_be(
    fault: Exception, told: type[Exception]
) -> None:
    class Failing:
        async def add(self, message: KeptMessage) -> None:
            raise fault

        async def newest(self, *, to: str | None, limit: int) -> list[KeptMessage]:
            return []

    for carrier, message in (
        (KeptEmails, an_email()),
        (KeptSms, an_sms("+493012345678")),
    ):
        made = carrier(kept=Failing(), clock=SystemClock(), identities=RandomIdentities())
        assert made.name == "outbox"
        with pytest.raises(told) as caught:
            async with made.opened(message) as handover:  # type: ignore[arg-type]
                await handover.write()
        if isinstance(caught.value, NotSentError):
            assert caught.value.fault is Fault.TEMPORARY


HERE = {"host": "127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("client", "headers", "seen"),
    [
        ("127.0.0.1", HERE, True),
        ("127.0.0.9", {"host": "localhost:8000"}, True),
        ("::1", {"host": "[::1]:8000"}, True),
        ("::ffff:127.0.0.1", {"host": "LOCALHOST"}, True),
        ("127.0.0.1", HERE | {"sec-fetch-site": "same-origin"}, True),
        ("192.0.2.7", HERE, False),
        ("10.0.0.7", HERE, False),
        # A name of a stranger's that leads here.
        ("127.0.0.1", {"host": "rebound.example.com:8000"}, False),
        ("127.0.0.1", {"host": "127.0.0.1.example.com"}, False),
        ("127.0.0.1", {"host": "[::1"}, False),
        ("127.0.0.1", {"host": ""}, False),
        # A proxy beside the API.
        ("127.0.0.1", HERE | {"x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", HERE | {"forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", HERE | {"x-real-ip": "127.0.0.1"}, False),
        ("127.0.0.1", HERE | {"via": "1.1 proxy"}, False),
        # Another site's page in a browser here.
        ("127.0.0.1", HERE | {"sec-fetch-site": "cross-site"}, False),
        ("127.0.0.1", HERE | {"sec-fetch-site": "same-site"}, False),
    ],
)
async def test_who_is_at_the_machine_needs_no_token(
    api: Api, client: str, headers: dict[str, str], seen: bool
) -> None:
    transport = httpx.ASGITransport(app=api.app, client=(client, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as outside:
        for path in (OUTBOX, f"{OUTBOX}?limit=2", OUTBOX):
            answer = await outside.get(path, headers=headers)
            assert answer.headers["cache-control"] == "no-store"
            assert code_of(answer) == ((200, None) if seen else (401, "unauthenticated"))


async def test_only_administrators_of_the_platform_look_from_elsewhere(api: Api) -> None:
    clinic = await api.clinic()
    for person in (await api.clinic_admin(clinic["id"]), await api.patient()):
        assert code_of(await api.get(OUTBOX, person)) == (403, "forbidden")
    assert code_of(await api.get(OUTBOX)) == (401, "unauthenticated")
    assert code_of(await api.get(OUTBOX, api.admin, limit=201)) == (422, "validation_error")


def test_production_has_no_outbox_to_look_at(tmp_path: Path) -> None:
    settings = nothing_at(tmp_path)

    def paths(*, in_production: bool) -> set[str]:
        container = build(settings)
        container.notifications.in_production.override(in_production)
        app = create_app(container)
        return {getattr(route, "path", "") for route in app.router.routes}

    gone = paths(in_production=False) - paths(in_production=True)
    assert gone == {OUTBOX, "/dev/outbox"}
    production = settings.model_copy(update={"env": "production"})
    assert list(build(production).notifications.outbox_routes().routes()) == []
    assert isinstance(build(production).notifications.outbox_routes(), OutboxRoutes)


async def test_the_page_holds_nothing_and_loads_nothing(api: Api) -> None:
    answer = await api.get("/dev/outbox")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy.pop("script-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "style-src": "'unsafe-inline'",
        "connect-src": "'self'",
    }
    assert 'made("iframe", {sandbox: "", ' in answer.text
    assert "innerHTML" not in answer.text
    assert "http://" not in answer.text.replace("https?:", "")


async def test_what_is_a_week_old_goes(database: Database) -> None:
    emails, _ = carriers(database)
    ids: list[UUID] = []
    for _ in range(2):
        async with emails.opened(an_email()) as handover:
            await handover.write()
            ids.append(UUID(await handover.answer()))
    async with database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE kept_messages SET kept_at = kept_at - interval '7 days 1 minute' WHERE id = $1",
            ids[0],
        )
        await connection.execute(
            "UPDATE kept_messages SET kept_at = kept_at - interval '6 days 23 hours' WHERE id = $1",
            ids[1],
        )
    chores = [one for one in build(NOTHING).tidying().chores if one.name == "kept_messages"]
    await Tidying(database=database, chores=chores).once()
    left = await PostgresKeptMessages(database).newest(to=None, limit=10)
    assert [one.id for one in left] == ids[1:]
