"""Letters: what a message is sent as, from what is known of it now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.notifications.application.account_links import MailedLink
from booking_system.notifications.application.ledger_ports import Found, FoundAccount
from booking_system.notifications.application.writing_ports import Writer
from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.gate import REMINDING
from booking_system.notifications.domain.letter import Email, Mailbox, PdfFile, Sms
from booking_system.notifications.domain.message import ASKING_FOR_MONEY, Channel, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """Writes them, mails from the clinic's own sender, else from the installation's.

    `pay_url` and `manage_url` say where an appointment can be paid for, and where it can be seen,
    moved and cancelled.
    """

    writer: Writer
    sender_address: str
    unsubscribe_url: Callable[[UUID], str]
    pay_url: Callable[[UUID], str]
    manage_url: Callable[[UUID], str | None]
    can_reply: bool

    def email(self, message_id: UUID, found: Found, documents: Sequence[PdfFile] = ()) -> Email:
        """Write the mail; an answer goes to the clinic."""
        written = self.writer.email(self._message(found))
        assert found.due.address is not None, "nothing goes without an address"
        clinic = found.clinic
        return Email(
            id=message_id,
            sender=Mailbox(address=self._sender_of(found), name=clinic.name),
            reply_to=None if clinic.email is None else Mailbox(address=clinic.email),
            to=Mailbox(address=found.due.address, name=found.recipient_name),
            subject=written.subject,
            text=written.text,
            html=written.html,
            calendar=written.calendar,
            unsubscribe_url=self._unsubscribe_url(found),
            documents=documents,
        )

    def account_email(self, message_id: UUID, found: FoundAccount, link: MailedLink) -> Email:
        """Write a mail of an account.

        The owner's name stands in no address: whose that is nobody may have proved yet.
        """
        written = self.writer.email(
            AccountMessage(
                kind=found.due.kind,
                recipient_name=found.recipient_name,
                recipient_locale=found.recipient_locale,
                time_zone=found.time_zone,
                link=link.url,
                expires_at=link.expires_at,
                clinic_name=found.clinic_name,
                role=found.role,
            )
        )
        assert found.due.address is not None, "nothing goes without an address"
        return Email(
            id=message_id,
            sender=Mailbox(address=self.sender_address, name=found.clinic_name),
            reply_to=None,
            to=Mailbox(address=found.due.address),
            subject=written.subject,
            text=written.text,
            html=written.html,
        )

    def sms(self, message_id: UUID, found: Found) -> Sms:
        """Write the SMS."""
        assert found.due.address is not None, "nothing goes without a number"
        return Sms(
            id=message_id,
            to=found.due.address,
            text=self.writer.sms(self._message(found)),
            not_after=found.due.not_after,
        )

    def _unsubscribe_url(self, found: Found) -> str | None:
        """Of reminders alone: what has happened to an appointment, its patient has to know."""
        if found.due.kind not in REMINDING or found.recipient_id is None:
            return None
        return self.unsubscribe_url(found.recipient_id)

    def _sender_of(self, found: Found) -> str:
        own = found.own
        is_mail = found.due.channel is Channel.EMAIL
        return own.sender if is_mail and own and own.sender else self.sender_address

    def _message(self, found: Found) -> AppointmentMessage:
        is_for_patient = found.recipient_id is not None
        appointment_id = found.appointment.id
        return AppointmentMessage(
            kind=found.due.kind,
            clinic=found.clinic,
            appointment=found.appointment,
            recipient_name=found.recipient_name,
            recipient_email=found.recipient_email,
            recipient_locale=found.recipient_locale,
            sender_address=self._sender_of(found),
            manage_url=self.manage_url(appointment_id) if is_for_patient else None,
            told=found.told if found.due.kind is Kind.STAFF_NOTICE else None,
            # Answers through a clinic's own account change no appointment.
            can_reply=self.can_reply and found.own is None,
            choices=found.choices,
            money=found.money,
            pay_url=self.pay_url(appointment_id) if found.due.kind in ASKING_FOR_MONEY else None,
        )
