"""All that brings messages on their way, with a carrier that keeps what it is given."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_system.booking.adapters.postgres import PostgresBooking
from booking_system.booking.application.patients_word import PatientsWord
from booking_system.notifications.adapters.carriers.choosing import ApiBases
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.adapters.own_channels.carriers import CachedOwnCarriers
from booking_system.notifications.adapters.own_channels.making import OwnCarrierMaker
from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.adapters.own_channels.store import PostgresChannels
from booking_system.notifications.adapters.own_words.at_hand import WordsAtHand
from booking_system.notifications.adapters.planner import Planner
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.adapters.sending_job import SendingJob
from booking_system.notifications.adapters.talks import PostgresTalks
from booking_system.notifications.adapters.words.answer_words import built_in_words
from booking_system.notifications.application.answer_sms import AnswerSms
from booking_system.notifications.application.letters import Letters
from booking_system.notifications.application.send_messages import Carriers, SendMessage
from booking_system.notifications.application.writing_ports import Written
from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.letter import Email, PdfFile, Sms
from booking_system.notifications.domain.message import Channel
from booking_system.platform.clock import SystemClock
from booking_system.platform.keyring import Keyring
from booking_system.platform.outward.connecting import CheckedAddresses
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.feed import Relay
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.shared_kernel.clock import Clock
from tests.api import NOTHING

KEYS: Keyring = NOTHING.keyring()
SENDERS = {Channel.EMAIL: "clinic@example.com", Channel.SMS: "+4915112345678"}
LEDGER = """SELECT kind, channel, offset_minutes, revision, state, reason, due_at, began, attempts
 FROM message_ledger ORDER BY kind, revision, offset_minutes, channel"""


@dataclass
class ShiftedClock(SystemClock):
    """The machine's clock, and so much more."""

    shift: timedelta = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.shift


class PlainWriter:
    """Words that a test can look at."""

    def email(self, message: AppointmentMessage | AccountMessage) -> Written:
        return Written(subject=message.kind, text=self.sms(message), html="", calendar=None)

    def sms(self, message: AppointmentMessage | AccountMessage) -> str:
        assert isinstance(message, AppointmentMessage)
        told = f"{message.kind} {message.appointment.id} {message.appointment.revision}"
        return f"{told} {message.told or ''}".strip()


class NoLinks:
    """There are no accounts: their mails are not needed."""

    async def of(self, *_: object) -> None:
        return None


class NoDocuments:
    """What goes with mails is printed where a test is about that."""

    async def of(self, *_: object) -> Sequence[PdfFile]:
        return ()


PLAIN, NO_LINKS, NO_DOCUMENTS = PlainWriter(), NoLinks(), NoDocuments()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What a provider was given."""

    letter: Email | Sms
    at: float

    @property
    def kind(self) -> str:
        return self.letter.text.partition(" ")[0]

    @property
    def appointment_id(self) -> UUID:
        return UUID(self.letter.text.split(" ")[1])


Hook = Callable[[Email | Sms], Any]


async def nothing(_: Email | Sms) -> None:
    return None


@dataclass
class Carrier:
    """A provider; each step can be made to fail, or to take long."""

    name: str
    arrived: list[Arrived] = field(default_factory=list)
    on_open: Hook = field(default_factory=lambda: nothing)
    on_write: Hook = field(default_factory=lambda: nothing)
    on_answer: Hook = field(default_factory=lambda: nothing)

    @asynccontextmanager
    async def opened(self, letter: Email | Sms) -> AsyncIterator["Handing"]:
        await self.on_open(letter)
        yield Handing(self, letter)

    @property
    def kinds(self) -> list[str]:
        return [one.kind for one in self.arrived]


@dataclass
class Handing:
    carrier: Carrier
    letter: Email | Sms

    async def write(self) -> None:
        await self.carrier.on_write(self.letter)
        at = asyncio.get_running_loop().time()
        self.carrier.arrived.append(Arrived(letter=self.letter, at=at))

    async def answer(self) -> str | None:
        return await self.carrier.on_answer(self.letter) or f"{self.carrier.name} {self.letter.id}"


def an_own_maker(clock: Clock) -> OwnCarrierMaker:
    """For accounts of clinics on this machine."""
    return OwnCarrierMaker(
        http=HttpWhenNeeded(clock),
        bases=ApiBases(),
        addresses=CheckedAddresses(allow_private=True),
        callback=lambda _: None,
    )


class Office:
    """Relay, planner and sender of one worker, on one database."""

    def __init__(
        self,
        database: Database,
        *,
        email: Any,
        sms: Any,
        account_links: Any = NO_LINKS,
        writer: Any = PLAIN,
        manage_url: Callable[[UUID], str | None] = lambda _: None,
        documents: Any = NO_DOCUMENTS,
    ) -> None:
        self.database = database
        self.email, self.sms = email, sms
        self.clock = ShiftedClock()
        identities = RandomIdentities()
        self.relay = Relay(database=database)
        self.planner = Planner(database=database, identities=identities, clock=self.clock)
        self.consumer = Consumer(database=database, name="messages", effect=self.planner.take)
        self.recipients = Recipients(keys=KEYS, clock=self.clock, senders=SENDERS)
        self.ledger = PostgresLedger(
            database=database,
            recipients=self.recipients,
            identities=identities,
            clock=self.clock,
        )
        self.channels = PostgresChannels(database, ChannelVault(KEYS))
        self.words = WordsAtHand(database=database, clock=self.clock)
        letters = Letters(
            writer=writer,
            sender_address=SENDERS[Channel.EMAIL],
            unsubscribe_url="https://example.com/{}".format,
            can_reply=True,
            pay_url="https://example.com/pay/{}".format,
            manage_url=manage_url,
        )
        self.send = SendMessage(
            ledger=self.ledger,
            letters=letters,
            account_links=account_links,
            carriers=Carriers(email=email, sms=sms),
            own_carriers=CachedOwnCarriers(
                store=self.channels, maker=an_own_maker(self.clock), clock=self.clock
            ),
            own_words=self.words,
            documents=documents,
            clock=self.clock,
            chance=random.random,
            monotonic=time.monotonic,
        )
        self.talks = PostgresTalks(
            database=database,
            recipients=self.recipients,
            identities=identities,
            clock=self.clock,
        )
        transaction = PostgresBooking(database).transaction
        self.answer = retried(AnswerSms)(
            talks=self.talks,
            patients_word=PatientsWord(transaction=transaction, clock=self.clock),
            vocabulary=built_in_words,
            clock=self.clock,
        )
        self.job = SendingJob(ledger=self.ledger, send=self.send, clock=self.clock)

    async def plan(self) -> None:
        """Bring all events over, and plan what they call for."""
        await self.relay.once()
        assert await self.consumer.once()

    async def work(self) -> None:
        """Plan, send what is due, and then what goes another way."""
        await self.plan()
        await self.job.once()
        await self.job.once()

    async def rows(self) -> list[dict[str, Any]]:
        async with self.database.reading() as connection:
            return [dict(row) for row in await connection.fetch(LEDGER)]

    async def told(self) -> list[tuple[Any, ...]]:
        """Kind, channel, offset, state and reason of each message."""
        names = ("kind", "channel", "offset_minutes", "state", "reason")
        return [tuple(row[name] for name in names) for row in await self.rows()]
