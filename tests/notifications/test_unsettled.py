"""An SMS whose answer was lost is asked about at Twilio, and is neither lost nor sent twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

from booking_system.notifications.adapters.asking_job import AskingJob
from booking_system.notifications.adapters.carriers.twilio import TwilioCarrier
from booking_system.notifications.application.ask_provider import AskProvider
from booking_system.platform.postgres.transaction import Database
from tests.api import Api
from tests.notifications.carriers.letters import QUICK
from tests.notifications.carriers.providers import (
    DROPS,
    HANGS,
    Asked,
    Provider,
    a_provider,
    a_way,
    says,
)
from tests.notifications.carriers.test_twilio import ACCOUNT, an_address
from tests.notifications.carriers.vendors import fits_twilio, fits_twilios_list, is_twilios_list
from tests.notifications.conftest import NUMBER
from tests.notifications.office import Carrier, Office
from tests.notifications.test_messages import FAR, booked
from tests.patience import PATIENCE

SENDER = "+4930123456"
SID, OTHER = f"SM{'1' * 32}", f"SM{'2' * 32}"
ROW = "SELECT * FROM message_ledger WHERE kind = 'reminder' AND began > 0"
SOON = timedelta(seconds=20)
"""A patience that is over soon from its beginning: what is not listed now will not be."""


@dataclass
class Twilio:
    """An office that sends by Twilio, which drops the answer to its first message."""

    office: Office
    provider: Provider

    @property
    def sent(self) -> list[Asked]:
        return [one for one in self.provider.asked if one.method == "POST"]

    @property
    def text(self) -> str:
        return fits_twilio(self.sent[0].body)["Body"]

    def lists(self, *messages: dict[str, Any], **about: Any) -> None:
        told = {"messages": list(messages), "page": 0, "page_size": 200, "next_page_uri": None}
        body = orjson.dumps(is_twilios_list(told | about))
        self.provider.answer = says(200, body, Content_Type="application/json")

    def message(self, **about: Any) -> dict[str, Any]:
        usual = {
            "sid": SID,
            "body": self.text,
            "to": NUMBER,
            "from": SENDER,
            "direction": "outbound-api",
            "status": "queued",
            "date_created": format_datetime(datetime.now(UTC)),
            "date_sent": None,
            "account_sid": ACCOUNT,
            "messaging_service_sid": None,
        }
        return usual | about

    async def ask(self, *, is_late: bool = False) -> bool:
        if is_late:
            async with self.office.database.driver_transaction() as connection:
                await connection.execute(
                    "UPDATE message_ledger SET lease_until = now() + $1 WHERE state = 'unknown'",
                    SOON,
                )
        office = self.office
        ask = AskProvider(ledger=office.ledger, letters=office.send.letters, carrier=office.sms)
        return await ask()

    async def row(self) -> Any:
        async with self.office.database.reading() as connection:
            return await connection.fetchrow(ROW)

    async def state(self) -> str:
        return str((await self.row())["state"])


@pytest.fixture
async def twilio(api: Api, database: Database) -> AsyncIterator[Twilio]:
    async with a_provider(DROPS) as provider, a_way() as way:
        carrier = TwilioCarrier(an_address(SENDER), way=way, base=provider.url)
        office = Office(database, email=Carrier("mail"), sms=carrier)
        await booked(api)
        office.clock.shift = FAR - timedelta(hours=23) - datetime.now(UTC)
        await office.work()
        twilio = Twilio(office, provider)
        assert len(twilio.sent) == 1
        assert await twilio.state() == "unknown"
        yield twilio


async def test_what_twilio_has_was_sent(twilio: Twilio) -> None:
    twilio.lists(twilio.message())
    assert await twilio.ask()
    row = await twilio.row()
    assert (row["state"], row["provider_id"]) == ("sent", SID)
    (asked,) = [one for one in twilio.provider.asked if one.method == "GET"]
    assert fits_twilios_list(asked.target) == {"To": NUMBER, "PageSize": "200"}
    assert asked.headers["authorization"] == twilio.sent[0].headers["authorization"]
    await twilio.office.work()
    assert len(twilio.sent) == 1


async def test_what_twilio_does_not_have_goes_again_but_not_at_once(twilio: Twilio) -> None:
    twilio.lists()
    assert await twilio.ask()
    assert await twilio.state() == "unknown"
    assert await twilio.ask(is_late=True)
    assert await twilio.state() == "planned"
    twilio.provider.answer = says(201, orjson.dumps({"sid": OTHER, "status": "queued"}))
    await twilio.office.work()
    row = await twilio.row()
    assert (row["state"], row["provider_id"], row["began"]) == ("sent", OTHER, 2)
    assert len(twilio.sent) == 2


async def test_it_does_not_go_a_third_time(twilio: Twilio) -> None:
    for _ in range(2):
        twilio.lists()
        await twilio.ask(is_late=True)
        twilio.provider.answer = DROPS
        await twilio.office.work()
    assert await twilio.state() == "unknown"
    assert len(twilio.sent) == 2


async def test_a_trial_account_writes_in_front(twilio: Twilio) -> None:
    text = f"Sent from your Twilio trial account - {twilio.text}"
    twilio.lists(twilio.message(body=text))
    await twilio.ask()
    assert await twilio.state() == "sent"


@pytest.mark.parametrize(
    "about",
    [
        {"body": "something else"},
        {"date_created": "who knows"},
        {"date_created": None, "body": None},
    ],
)
async def test_what_may_be_it_is_neither_taken_for_it_nor_sent_again(
    twilio: Twilio, about: dict[str, Any]
) -> None:
    twilio.lists(twilio.message(**{"body": "something else", **about}))
    await twilio.ask(is_late=True)
    assert await twilio.state() == "unknown"


@pytest.mark.parametrize(
    "about",
    [
        {"direction": "inbound"},
        {"from": "+4930999999"},
        {"date_created": format_datetime(datetime(2026, 1, 1, tzinfo=UTC))},
    ],
)
async def test_what_cannot_be_it_does_not_stand_in_the_way(
    twilio: Twilio, about: dict[str, Any]
) -> None:
    twilio.lists(twilio.message(**about))
    await twilio.ask(is_late=True)
    assert await twilio.state() == "planned"


async def test_a_message_that_is_another_rows_is_not_it(twilio: Twilio) -> None:
    twilio.lists(twilio.message())
    async with twilio.office.database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE message_ledger SET provider = 'twilio', provider_id = $1"
            " WHERE kind = 'confirmation'",
            SID,
        )
    await twilio.ask(is_late=True)
    assert await twilio.state() == "planned"


async def test_a_list_that_goes_on_proves_no_absence(twilio: Twilio) -> None:
    twilio.lists(next_page_uri="/2010-04-01/Accounts/AC/Messages.json?Page=1")
    await twilio.ask(is_late=True)
    assert await twilio.state() == "unknown"


@pytest.mark.parametrize(
    "answer", [HANGS, DROPS, says(500), says(429), says(401), says(200, b"[]"), says(200, b"x")]
)
async def test_without_twilios_word_nothing_is_decided(
    twilio: Twilio, answer: bytes | None
) -> None:
    twilio.provider.answer = answer
    carrier = twilio.office.sms
    if answer is HANGS:
        carrier._way = replace(carrier._way, waits=QUICK)
    assert not await twilio.ask(is_late=True)
    assert await twilio.state() == "unknown"
    assert len(twilio.sent) == 1


async def test_of_another_number_nothing_is_asked(twilio: Twilio) -> None:
    async with twilio.office.database.driver_transaction() as connection:
        await connection.execute("UPDATE patients SET phone = '+4915112349999'")
    await twilio.ask(is_late=True)
    assert await twilio.state() == "unknown"
    assert len(twilio.provider.asked) == 1


async def test_what_was_cancelled_meanwhile_does_not_go_again(twilio: Twilio) -> None:
    twilio.lists()
    await twilio.ask(is_late=True)
    async with twilio.office.database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE appointments SET revision = revision + 1, version = version + 1"
        )
    await twilio.office.work()
    assert await twilio.state() == "withdrawn"
    assert len(twilio.sent) == 1


async def test_who_cannot_be_asked_is_not_asked(twilio: Twilio) -> None:
    office = twilio.office
    ask = AskProvider(ledger=office.ledger, letters=office.send.letters, carrier=Carrier("another"))
    assert await ask()
    assert await replace(ask, carrier=None)()
    assert await twilio.state() == "unknown"


async def test_a_worker_asks_by_itself(twilio: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking_system.notifications.adapters.asking_job.PAUSE_SECONDS", 0.01)
    twilio.lists(twilio.message())
    office = twilio.office
    ask = AskProvider(ledger=office.ledger, letters=office.send.letters, carrier=office.sms)

    async with asyncio.timeout(PATIENCE), AskingJob(ask=ask).running():
        while await twilio.state() != "sent":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
