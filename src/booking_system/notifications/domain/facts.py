"""What a message is written from: read when it is sent, not when it was planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from booking_system.notifications.domain.message import Kind
from booking_system.payments.domain.receipts import DocumentId
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId
from booking_system.shared_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicFacts:
    """The clinic that writes; `time_zone` is an IANA name, and all times are told in it."""

    id: ClinicId
    name: str
    time_zone: str
    locale: str
    address: str | None
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentFacts:
    """The appointment as it is now; times in UTC, `ends_at` without buffers.

    `revision` is the SEQUENCE of calendars.
    """

    id: AppointmentId
    revision: int
    starts_at: datetime
    ends_at: datetime
    booked_at: datetime
    mode: Literal["in_person", "online", "phone"] | None
    service_name: str | None
    doctor_name: str
    doctor_title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFacts:
    """One of several appointments that a patient is asked about; `number` is what to answer."""

    number: int
    starts_at: datetime
    clinic_id: ClinicId
    clinic_name: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """A document that a message names; `number` as it is printed."""

    id: DocumentId
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyFacts:
    """The money of an appointment, as far as a message tells of it; None: not told.

    `amount` is what the message is about: what is to be paid, came, or goes back. `paid` is what is
    there of the patient's money, `left` what is to be paid still. `pay_until` (UTC) is the end of
    the payer's time. `receipts` are those of what the message is about, `documents` what goes with
    it as files, if it is a mail: both in the order of issue. `happened` is the state of a dispute,
    or the kind of a matter. `is_correction`: it was told before that money went back, which did
    not.
    """

    amount: Money | None = None
    paid: Money | None = None
    left: Money | None = None
    pay_until: datetime | None = None
    receipts: Sequence[ReceiptFacts] = ()
    documents: Sequence[ReceiptFacts] = ()
    happened: str | None = None
    is_correction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentMessage:
    """Of an appointment: of all kinds but those of an `AccountMessage`.

    `recipient_locale` is a BCP 47 tag, such as `de` or `en-GB`: the patient's, or for a staff
    notice the clinic's. `sender_address` is the e-mail address that all mails of the clinic come
    from. `manage_url` leads to a page that shows the appointment, for patients; `told` names what
    a staff notice tells of. `can_reply`: an answer by SMS reaches us. `choices` are what a question
    asks about that is about several. `money` is there where something is told of it, and `pay_url`
    leads to where it can be paid.
    """

    kind: Kind
    clinic: ClinicFacts
    appointment: AppointmentFacts
    recipient_name: str
    recipient_email: str | None
    recipient_locale: str
    sender_address: str
    manage_url: str | None
    told: Literal["booked", "moved", "cancelled"] | None = None
    can_reply: bool = False
    choices: Sequence[ChoiceFacts] = ()
    money: MoneyFacts | None = None
    pay_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMessage:
    """Of an account: `invitation`, `email_verification`, `password_reset`, `password_changed`.

    `link` is where to go on until `expires_at` (UTC); `clinic_name` and `role` are an invitation's.
    """

    kind: Kind
    recipient_name: str | None
    recipient_locale: str
    time_zone: str
    link: str | None
    expires_at: datetime | None
    clinic_name: str | None = None
    role: str | None = None
