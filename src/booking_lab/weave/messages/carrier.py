"""A provider in memory: it keeps what it is given, and when that began."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from booking_lab.weave.background import turn_elsewhere
from booking_lab.weave.service import SetClock
from booking_lab.weave.threads import Order
from booking_system.notifications.application.writing_ports import Written
from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.letter import Email, Sms
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError

CONNECT, GIVE_BYTES, HEAR = "CONNECT", "GIVE_BYTES", "HEAR"
"""Its three steps, at each of which it may be somebody else's turn, or the connection breaks."""
LOST = "connection_lost"


class PlainWords:
    """Words that say just which message it is: those of people cost more than all the rest."""

    def __init__(self, clock: SetClock) -> None:
        """They tell by the clock when they were written."""
        self._clock = clock

    def email(self, message: AppointmentMessage | AccountMessage) -> Written:
        """Say it as the text of a mail."""
        return Written(subject=message.kind, text=self.sms(message), html="", calendar=None)

    def sms(self, message: AppointmentMessage | AccountMessage) -> str:
        """Say kind, appointment, revision and the moment."""
        assert isinstance(message, AppointmentMessage), "the scene sends nothing of accounts"
        about = message.appointment
        return f"{message.kind} {about.id} {about.revision} {self._clock.moment.isoformat()}"


class Attempt(NamedTuple):
    """The bytes of a message began to go out, by the clock `at` an instant (UTC).

    `written_at`: when its words were written. `is_taken`: the provider has it, whether anybody
    knows or not.
    """

    message_id: UUID
    kind: str
    appointment_id: UUID
    revision: int
    is_mail: bool
    written_at: datetime
    at: datetime
    is_taken: bool


Hears = Callable[[Attempt], None]


class Carrier:
    """Takes mails and SMS; a turn decides whether it does, and whether its answer arrives."""

    name = "weave"

    def __init__(self, clock: SetClock, hears: Hears) -> None:
        """`hears` is told of each attempt at the moment it begins."""
        self._clock, self._hears = clock, hears

    @asynccontextmanager
    async def opened(self, letter: Email | Sms) -> AsyncIterator["Handing"]:
        """Connect."""
        if await turn_elsewhere(CONNECT) is not Order.GO:
            raise NotSentError(Fault.TEMPORARY, "no_connection")
        yield Handing(self, letter)

    def now(self) -> datetime:
        """Return what the clock shows, UTC."""
        return self._clock.moment

    def begins(self, letter: Email | Sms, *, at: datetime, is_taken: bool) -> None:
        """Write down that the message goes out, which began at an instant (UTC)."""
        kind, appointment_id, revision, written_at = letter.text.split(" ")
        is_mail = isinstance(letter, Email)
        about = (letter.id, kind, UUID(appointment_id), int(revision), is_mail)
        written = datetime.fromisoformat(written_at)
        self._hears(Attempt(*about, written, at, is_taken))


class Handing:
    """A message before an open connection."""

    def __init__(self, carrier: Carrier, letter: Email | Sms) -> None:
        """None of its bytes is out yet."""
        self._carrier, self._letter = carrier, letter

    async def write(self) -> None:
        """Let the bytes go."""
        at = self._carrier.now()
        # Its transaction is open while it hands over.
        order = await turn_elsewhere(GIVE_BYTES, in_transaction=True)
        self._carrier.begins(self._letter, at=at, is_taken=order is not Order.CUT)
        if order is not Order.GO:
            raise OutcomeUnknownError(LOST)

    async def answer(self) -> str | None:
        """Wait for the provider's word."""
        if await turn_elsewhere(HEAR) is not Order.GO:
            raise OutcomeUnknownError(LOST)
        return None
