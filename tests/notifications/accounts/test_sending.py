"""Messages of accounts in the ledger: their lane, their fence, their blocks, and no secret."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from booking_system.notifications.adapters.reports_taken import TakeReports
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.application.ledger_ports import Claim
from booking_system.notifications.domain.account_planning import WORTH_KNOWING, plan_for_account
from booking_system.notifications.domain.gate import Block, against_accounts
from booking_system.notifications.domain.letter import Email, Sms
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.sending import (
    Fault,
    NotSentError,
    OutcomeUnknownError,
    Report,
    Reported,
)
from booking_system.platform.postgres.consumers import StoredEvent
from booking_system.platform.uuid7 import RandomIdentities
from tests.api import Api, code_of
from tests.lines import SEEN
from tests.notifications.accounts.post import EMAIL, LINK, PASSWORD, Post
from tests.notifications.office import Carrier, Office, nothing
from tests.notifications.test_ledger import booked, interrupted
from tests.patience import PATIENCE

BURST = 40
COPIES = """INSERT INTO message_ledger (id, appointment_id, revision, kind, offset_minutes, channel,
 recipient_key, clinic_id, lane, planned_at, due_at, not_after, state)
 SELECT gen_random_uuid(), appointment_id, revision, 'reminder', n, channel, recipient_key,
 clinic_id, 2, planned_at, due_at - interval '1 hour', not_after, 'planned'
 FROM message_ledger, generate_series(1, $1::int) n WHERE kind = 'confirmation'"""
EVERYTHING = ("outbox", "event_feed", "dead_events", "message_ledger", "message_attempts",
              "account_links", "invitation_links", "invitations", "users", "sessions")  # fmt: skip


@pytest.fixture
def office(api: Api) -> Office:
    """An office with the application's links and words, and a provider that can fail."""
    return Office(
        api.container.database(),
        email=Carrier("mail"),
        sms=Carrier("sms"),
        account_links=api.container.notifications.account_links(),
        writer=TemplateWriter(),
    )


def tokens(office: Office) -> list[str]:
    found = (LINK.search(one.letter.text) for one in office.email.arrived)
    return [link[2] for link in found if link]


async def leases_are_over(post: Post) -> None:
    await post.sql("UPDATE message_ledger SET lease_until = now() - interval '1 s'"
                   " WHERE lease_until IS NOT NULL")  # fmt: skip


async def states(post: Post, kind: str = "password_reset") -> list[tuple[Any, ...]]:
    return [
        (row["channel"], row["state"], row["reason"])
        for row in await post.rows()
        if row["kind"] == kind
    ]


async def test_a_burst_of_reminders_holds_up_no_password(
    api: Api, post: Post, office: Office
) -> None:
    await booked(api)
    await office.work()
    await post.sql(COPIES, BURST)
    held, brought = asyncio.Event(), asyncio.Event()

    async def holds(letter: Email | Sms) -> None:
        if "new password" in letter.text:
            brought.set()
        else:
            await held.wait()

    await post.registered()
    await post.sql("DELETE FROM outbox")
    office.email.on_open = holds
    async with office.job.running():
        await asyncio.sleep(0.5)
        await post.wants_reset()
        await office.plan()
        try:
            async with asyncio.timeout(PATIENCE):
                await brought.wait()
        except TimeoutError:
            held.set()
            raise
        waiting = await post.sql("SELECT 1 FROM message_ledger WHERE kind = 'reminder'"
                                 " AND state IN ('planned', 'claimed')")  # fmt: skip
        assert len(waiting) >= BURST
        held.set()


async def test_a_mail_that_is_sent_once_more_has_another_token(post: Post, office: Office) -> None:
    await post.registered()
    await post.sql("DELETE FROM outbox")

    async def silent(_: object) -> None:
        raise OutcomeUnknownError("timeout")

    office.email.on_answer = silent
    await post.wants_reset()
    await office.work()
    office.email.on_answer = nothing
    await leases_are_over(post)
    await office.job.once()
    first, second = tokens(office)
    assert first != second
    assert await states(post) == [("email", "sent", None)]
    assert (await post.reset(first)).status_code == 204
    assert code_of(await post.reset(second)) == (409, "link_over")


async def test_an_event_calls_for_one_message(post: Post, office: Office) -> None:
    made = await post.registered()
    told = StoredEvent(
        seq=2**40,
        id=uuid4(),
        name="account.password_changed",
        clinic_id=None,
        occurred_at=datetime.now(UTC),
        data={"user_id": made["user_id"]},
    )
    for _ in range(2):
        async with office.database.driver_transaction() as connection:
            await office.planner.take(connection, [told])
    (row,) = await post.rows()
    assert row == {
        "kind": "password_changed",
        "channel": "email",
        "recipient_key": f"user:{made['user_id']}",
        "lane": 0,
        "appointment_id": None,
        "state": "planned",
        "reason": None,
    }


def test_only_known_events_of_somebody_call_for_a_message() -> None:
    now, somebody = datetime(2027, 3, 10, 11, tzinfo=UTC), UUID(int=1)
    wish = "account.password_reset_requested"
    assert plan_for_account(wish, {"user_id": None}, now) is None
    assert plan_for_account("account.other", {"user_id": str(somebody)}, now) is None
    planned = plan_for_account(wish, {"user_id": str(somebody)}, now)
    assert planned is not None
    assert planned.not_after == now + timedelta(hours=1)
    hours = {kind: life.total_seconds() / 3600 for kind, life in WORTH_KNOWING.items()}
    assert hours == {
        Kind.EMAIL_VERIFICATION: 72,
        Kind.PASSWORD_RESET: 1,
        Kind.PASSWORD_CHANGED: 72,
        Kind.INVITATION: 72,
    }


async def test_what_waited_too_long_is_not_sent(post: Post, office: Office) -> None:
    await post.registered()
    await post.wants_reset()
    await office.plan()
    office.clock.shift = timedelta(hours=1)
    await office.job.once()
    assert await states(post) == [("email", "skipped", "too_late")]
    assert await states(post, "email_verification") == [("email", "sent", None)]


async def test_a_refused_address_is_let_be_and_no_number_is_tried(
    post: Post, office: Office
) -> None:
    await post.registered()
    await post.sql("DELETE FROM outbox")

    async def refused(_: object) -> None:
        raise NotSentError(Fault.RECIPIENT, "550 5.1.1")

    office.email.on_open = refused
    await post.wants_reset()
    await office.work()
    assert await states(post) == [("email", "failed", "recipient")]
    blocks = await post.sql("SELECT reason, until IS NOT NULL AS ends FROM recipient_blocks")
    assert [tuple(one) for one in blocks] == [("bounced", True)]
    # One bounce may be the fault of a server: the next mail is tried all the same.
    office.email.on_open = nothing
    await post.wants_reset()
    await office.work()
    assert (await states(post))[1:] == [("email", "sent", None)]
    # The second within a month is the address's own.
    office.email.on_open = refused
    await post.wants_reset()
    await office.work()
    office.email.on_open = nothing
    await post.wants_reset()
    await office.work()
    assert (await states(post))[3:] == [("email", "skipped", "bounced")]
    assert office.sms.arrived == []


async def test_what_a_provider_tells_later_counts(post: Post, office: Office) -> None:
    take = TakeReports(
        database=office.database,
        recipients=office.recipients,
        identities=RandomIdentities(),
        clock=office.clock,
        answer=office.answer,
    )
    await post.registered()
    await office.work()
    (message,) = office.email.arrived
    report = Report(
        provider="mail",
        event_id="1",
        channel=Channel.EMAIL,
        reported=Reported.BOUNCED,
        at=office.clock.now(),
        message_id=message.letter.id,
        fault=Fault.RECIPIENT,
        code="550",
    )
    await take([report])
    assert await states(post, "email_verification") == [("email", "failed", "recipient")]
    async with office.database.reading() as connection:
        blocked = await office.recipients.blocked(connection, Channel.EMAIL, EMAIL)
    assert blocked is Skipped.BOUNCED


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([], None),
        ([Block(Skipped.BOUNCED, has_end=True)], None),
        ([Block(Skipped.BOUNCED, has_end=False)], Skipped.BOUNCED),
        ([Block(Skipped.OPTED_OUT, has_end=False)], None),
        ([Block(Skipped.COMPLAINED, has_end=False)], Skipped.COMPLAINED),
        (
            [Block(Skipped.OPTED_OUT, has_end=False), Block(Skipped.BOUNCED, has_end=False)],
            Skipped.BOUNCED,
        ),
    ],
)
def test_mails_of_accounts_ignore_what_has_an_end(
    blocks: list[Block], reason: Skipped | None
) -> None:
    assert against_accounts(blocks) is reason


async def test_nobody_unsubscribes_from_a_password(post: Post, office: Office) -> None:
    await post.registered()
    for reason in (Skipped.OPTED_OUT, Skipped.BOUNCED):
        async with office.database.driver_transaction() as connection:
            await office.recipients.block(connection, Channel.EMAIL, EMAIL, reason)
    await post.wants_reset()
    await office.work()
    assert await states(post) == [("email", "sent", None)]


async def test_who_lost_the_claim_hands_nothing_over(post: Post, office: Office) -> None:
    await post.registered()
    await office.plan()

    async def lost(claim: Claim) -> None:
        await post.sql("UPDATE message_ledger SET token = token + 1 WHERE id = $1", claim.id)

    await interrupted(office, lost).once()
    assert office.email.arrived == []


async def test_what_is_done_while_a_mail_is_written_stops_it(post: Post, office: Office) -> None:
    await post.registered()
    await office.plan()

    async def meanwhile(_: object) -> None:
        await post.sql("UPDATE users SET email_verified_at = now()")

    office.email.on_open = meanwhile
    await office.job.once()
    assert office.email.arrived == []
    assert await states(post, "email_verification") == [("email", "withdrawn", "superseded")]


async def test_no_secret_and_no_address_is_kept_or_logged(api: Api, post: Post) -> None:
    clinic = await api.clinic()
    staff = {"email": "desk@example.org", "full_name": "Ravi Iyer", "role": "receptionist"}
    with structlog.testing.capture_logs() as lines:
        await api.made(f"/v1/clinics/{clinic['id']}/staff", staff)
        await post.registered()
        token = await post.reset_token()
        found = {token}
        for to in (EMAIL, "desk@example.org"):
            for mail in await post.mails(to):
                found |= {link[1] for link in LINK.findall(mail["text"])}
        assert (await post.reset(token)).status_code == 204
        await post.brought()
    assert len(found) == 3
    told = "".join(map(str, lines)) + "".join(SEEN)
    for table in EVERYTHING:
        told += "".join(str(row[0]) for row in await post.sql(f"SELECT t::text FROM {table} t"))
    assert not [one for one in (*found, PASSWORD) if one in told]
    payloads = "".join(
        row["payload"] for row in await post.sql("SELECT payload::text FROM event_feed")
    )
    names = {row["name"] for row in await post.sql("SELECT name FROM event_feed")}
    assert names >= {
        "account.registered",
        "account.password_reset_requested",
        "account.password_changed",
        "invitation.made",
    }
    assert not [one for one in (EMAIL, "example.org", "Priya", "Ravi") if one in payloads]
