"""E-mails as bytes (RFC 5322, MIME): text, HTML, calendar and documents, in seven bits.

Every part is quoted or in base64 where it is not plain ASCII, so that a server without 8BITMIME
takes it, and nobody on the way has a reason to write it anew.
"""

from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime

from booking_system.notifications.adapters.carriers.mailboxes import ascii_domain, one_line, shown
from booking_system.notifications.domain.letter import CalendarPart, Email
from booking_system.shared_kernel.clock import Clock

NEVER_FOLDED = frozenset({"list-unsubscribe", "message-id"})
"""They hold one long word, which Python would encode in order to break it."""


class _Lines(EmailPolicy):
    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in NEVER_FOLDED:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


SEVEN_BITS = _Lines(linesep=SMTP.linesep, cte_type="7bit", max_line_length=78)


def mail_bytes(email: Email, *, clock: Clock, utf8: bool = False) -> bytes:
    """Return the mail with lines that end in CRLF.

    `utf8`: fields of the head may hold UTF-8 as it is (RFC 6532); else all is ASCII.
    """
    policy = SEVEN_BITS.clone(utf8=True) if utf8 else SEVEN_BITS
    mail = EmailMessage(policy)
    mail["From"] = shown(email.sender)
    mail["To"] = shown(email.to)
    if email.reply_to is not None:
        mail["Reply-To"] = shown(email.reply_to)
    mail["Subject"] = one_line(email.subject)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{email.id}@{ascii_domain(email.sender.address)}>"
    for name, value in further_fields(email).items():
        mail[name] = value
    mail.set_content(email.text)
    mail.add_alternative(email.html, subtype="html")
    if email.calendar is not None:
        _add_calendar(mail, email.calendar)
    for one in email.documents:
        # Behind the alternatives, of which calendars take the last one.
        mail.add_attachment(
            one.content, maintype="application", subtype="pdf", filename=one.filename
        )
    return mail.as_bytes()


def needs_utf8(email: Email) -> bool:
    """Say whether an address has a name before the @ that is not ASCII (RFC 6531)."""
    boxes = [email.sender, email.to, *([email.reply_to] if email.reply_to else [])]
    return not all(box.address.rpartition("@")[0].isascii() for box in boxes)


def further_fields(email: Email) -> dict[str, str]:
    """Return what the head says to programs: no answering machine, one click to be left alone."""
    fields = {"Auto-Submitted": "auto-generated"}
    if email.unsubscribe_url is not None:
        fields["List-Unsubscribe"] = f"<{one_line(email.unsubscribe_url)}>"
        fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return fields


def _add_calendar(mail: EmailMessage, calendar: CalendarPart) -> None:
    # The last alternative, so that calendars take it in; the copy is for people who open files.
    mail.add_alternative(
        calendar.content.decode("utf-8"),
        subtype="calendar",
        params={"method": calendar.method.value},
        disposition="inline",
        cte="base64",
    )
    mail.add_attachment(
        calendar.content, maintype="application", subtype="ics", filename="invite.ics"
    )
