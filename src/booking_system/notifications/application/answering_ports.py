"""What answering by SMS needs from storage and from booking."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from booking_system.booking.domain.card import AppointmentCard
from booking_system.notifications.domain.answers import Heard, Told
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.sending import SmsReply
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message for the ledger, due at once and of use until `not_after` (UTC).

    `offset_minutes`: so long before the start somebody wrote.
    """

    kind: Kind
    channel: Channel
    recipient: str
    appointment_id: AppointmentId
    revision: int
    clinic_id: ClinicId
    not_after: datetime
    offset_minutes: int = 0


class PatientsWord(Protocol):
    """Booking, as far as patients speak to it who have not signed in."""

    async def confirm(
        self, *, appointment_id: AppointmentId, patient_id: PatientId, revision: int
    ) -> AppointmentCard:
        """Note that the patient comes.

        Raises `AppointmentNotFound`, `Stale`, `BookingNotActive`.
        """
        ...

    async def cancel(
        self, *, appointment_id: AppointmentId, patient_id: PatientId, revision: int
    ) -> AppointmentCard:
        """Cancel for the patient. Raises the same, and `CancelTooLate`."""
        ...


class Talks(Protocol):
    """What is said with numbers by SMS. Each call is a part of the `whole` that it stands in."""

    def whole(self) -> AbstractAsyncContextManager[object]:
        """All or nothing of what is done in the block."""
        ...

    async def is_new(self, reply: SmsReply) -> bool:
        """Note that it came, and not what it says; False: it came before.

        Who asks the same at the same time waits for the end of the other's whole.
        """
        ...

    async def hear(self, reply: SmsReply) -> Heard:
        """Return what the answer depends on; nobody else answers the number until the end."""
        ...

    async def opt_out(self, reply: SmsReply) -> None:
        """Write to the number no more as the sender that was answered."""
        ...

    async def opt_in(self, reply: SmsReply) -> None:
        """Take an opt-out back."""
        ...

    async def close(self, reply: SmsReply) -> None:
        """Wait for no answer to a question any more."""
        ...

    async def tell(
        self, reply: SmsReply, messages: Sequence[NewMessage], *, asked: Sequence[Told] = ()
    ) -> None:
        """Plan messages; the first one asks about these, where there are any.

        Nothing is planned where the same was, within a minute, or for a number that has got as
        many answers as one gets in a day.
        """
        ...
