"""What providers tell later: once each, forward only, and with its consequences."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from booking_system.notifications.adapters.reports_taken import TakeReports
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.sending import (
    Fault,
    OutcomeUnknownError,
    Report,
    Reported,
    SmsReply,
)
from tests.api import Api
from tests.notifications.conftest import MAIL, NUMBER
from tests.notifications.office import Office
from tests.notifications.test_messages import booked

CONFIRMATION = "SELECT id, provider_id, state FROM message_ledger WHERE kind = 'confirmation'"


@pytest.fixture
def take(office: Office) -> TakeReports:
    return TakeReports(
        database=office.database,
        recipients=office.recipients,
        identities=office.ledger.identities,
        clock=office.clock,
        answer=office.answer,
    )


async def confirmation(office: Office) -> Any:
    async with office.database.reading() as connection:
        return await connection.fetchrow(CONFIRMATION)


def report(reported: Reported, number: int = 1, **about: Any) -> Report:
    usual: dict[str, Any] = {
        "provider": "mail",
        "event_id": f"event {number}",
        "channel": Channel.EMAIL,
        "reported": reported,
        "at": datetime.now(UTC),
    }
    return Report(**usual | about)


STORY = [Reported.ACCEPTED, Reported.DELAYED, Reported.DELIVERED, Reported.DELIVERED]


@pytest.mark.parametrize("order", sorted(set(permutations(STORY))))
async def test_a_story_ends_the_same_in_any_order(
    api: Api, office: Office, take: TakeReports, order: tuple[Reported, ...]
) -> None:
    await booked(api)
    await office.work()
    row = await confirmation(office)
    for number, reported in enumerate(order):
        await take([report(reported, number, provider_id=row["provider_id"])])
    assert (await confirmation(office))["state"] == "delivered"


async def test_a_report_counts_once(api: Api, office: Office, take: TakeReports) -> None:
    await booked(api)
    await office.work()
    row = await confirmation(office)
    bounce = report(Reported.BOUNCED, message_id=row["id"], fault=Fault.RECIPIENT, code="550")
    for _ in range(3):
        await take([bounce, bounce])
    async with office.database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM message_reports") == 1
        assert await connection.fetchval("SELECT times FROM recipient_blocks") == 1


async def test_a_bounce_fails_the_mail_and_an_sms_goes_instead(
    api: Api, office: Office, take: TakeReports
) -> None:
    await booked(api)
    await office.work()
    row = await confirmation(office)
    await take(
        [report(Reported.BOUNCED, message_id=row["id"], fault=Fault.RECIPIENT, code="550 5.1.1")]
    )
    await office.work()
    assert office.sms is not None
    assert office.sms.kinds == ["confirmation"]
    told = [row[1:] for row in await office.told() if row[0] == "confirmation"]
    assert told == [("email", 0, "failed", "recipient"), ("sms", 0, "sent", None)]


async def test_a_first_bounce_is_forgiven_and_a_second_is_not(
    api: Api, office: Office, take: TakeReports
) -> None:
    async def blocked() -> Skipped | None:
        async with office.database.reading() as connection:
            return await office.recipients.blocked(connection, Channel.EMAIL, MAIL.upper())

    for number, later in enumerate((timedelta(0), timedelta(days=29))):
        office.clock.shift = later
        about = {"recipient": MAIL, "fault": Fault.RECIPIENT}
        await take([report(Reported.BOUNCED, number, **about)])
        assert await blocked() is Skipped.BOUNCED
        office.clock.shift += timedelta(hours=25)
        assert await blocked() is (Skipped.BOUNCED if number else None)


async def test_an_opt_out_holds_for_its_sender_until_it_is_taken_back(
    office: Office, take: TakeReports
) -> None:
    about = {"channel": Channel.SMS, "recipient": NUMBER, "provider": "sms"}
    await take([report(Reported.OPTED_OUT, 1, **about)])
    async with office.database.reading() as connection:
        assert await office.recipients.blocked(connection, Channel.SMS, NUMBER) is Skipped.OPTED_OUT
        office.recipients.senders[Channel.SMS] = "another"
        assert await office.recipients.blocked(connection, Channel.SMS, NUMBER) is None
        office.recipients.senders[Channel.SMS] = "+4915112345678"
    await take([report(Reported.OPTED_OUT, 4, sender="third", **about)])
    async with office.database.reading() as connection:
        office.recipients.senders[Channel.SMS] = "third"
        assert await office.recipients.blocked(connection, Channel.SMS, NUMBER) is Skipped.OPTED_OUT
        office.recipients.senders[Channel.SMS] = "+4915112345678"
    # What goes wrong later does not let an opt-out end.
    await take([report(Reported.FAILED, 2, fault=Fault.RECIPIENT, **about)])
    await take([report(Reported.OPTED_IN, 3, **about)])
    async with office.database.reading() as connection:
        assert await office.recipients.blocked(connection, Channel.SMS, NUMBER) is Skipped.UNUSABLE


async def test_a_complaint_is_not_forgotten_because_of_a_bounce(
    office: Office, take: TakeReports
) -> None:
    await take([report(Reported.COMPLAINED, 1, recipient=MAIL)])
    await take([report(Reported.BOUNCED, 2, recipient=MAIL, fault=Fault.RECIPIENT)])
    office.clock.shift = timedelta(days=2)
    async with office.database.reading() as connection:
        blocked = await office.recipients.blocked(connection, Channel.EMAIL, MAIL)
    assert blocked is Skipped.COMPLAINED


async def test_a_report_of_a_message_nobody_knows_is_kept(
    office: Office, take: TakeReports
) -> None:
    await take([report(Reported.DELIVERED, message_id=UUID(int=7), provider_id="unknown")])
    async with office.database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM message_reports") == 1


async def test_the_providers_word_settles_what_nobody_knew(
    api: Api, office: Office, take: TakeReports
) -> None:
    async def lost(_: object) -> None:
        raise OutcomeUnknownError("timeout")

    await booked(api)
    office.email.on_answer = lost
    await office.work()
    row = await confirmation(office)
    assert row["state"] == "unknown"
    await take([report(Reported.ACCEPTED, message_id=row["id"])])
    async with office.database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE message_ledger SET lease_until = now() - interval '1 s'"
            " WHERE lease_until IS NOT NULL"
        )
    await office.work()
    assert office.email.kinds.count("confirmation") == 1
    assert (await confirmation(office))["state"] == "sent"


async def test_of_an_answer_nothing_is_kept_but_that_it_came(
    office: Office, take: TakeReports
) -> None:
    reply = SmsReply(
        provider="sms", event_id="1", sender=NUMBER, to="x", text="C", at=datetime.now(UTC)
    )
    await take([reply, reply])
    async with office.database.reading() as connection:
        (row,) = await connection.fetch("SELECT * FROM message_reports")
    assert row["reported"] == "replied"
    assert NUMBER not in str(row)


async def test_an_address_is_kept_by_a_name_that_tells_it_to_nobody(
    office: Office, take: TakeReports
) -> None:
    await take([report(Reported.COMPLAINED, recipient=MAIL)])
    async with office.database.reading() as connection:
        kept = await connection.fetch("SELECT * FROM recipient_blocks")
        kept += await connection.fetch("SELECT * FROM message_reports")
    assert MAIL not in str(kept)
