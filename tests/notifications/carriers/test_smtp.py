"""E-mails by SMTP: what a real server gets, over what, and what its answers mean."""

import asyncio
import base64
import socket
import ssl
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from booking_system.notifications.adapters.carriers.addresses import SmtpAddress, email_address
from booking_system.notifications.adapters.carriers.mime import mail_bytes
from booking_system.notifications.adapters.carriers.smtp import SmtpCarrier
from booking_system.notifications.adapters.carriers.smtp_answers import Step, refusal
from booking_system.notifications.adapters.carriers.waits import SEND_BUFFER, Waits
from booking_system.notifications.domain.letter import (
    MOST_DOCUMENT_BYTES,
    MOST_DOCUMENTS,
    Mailbox,
    PdfFile,
)
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from tests.notifications.carriers.letters import (
    CALENDAR,
    ID,
    OTHER_PDF,
    PATIENT,
    PDF,
    QUICK,
    UNANSWERED,
    UNSUBSCRIBE,
    Frozen,
    an_email,
    sent,
)
from tests.notifications.carriers.listening import listening
from tests.notifications.carriers.providers import TLS
from tests.notifications.carriers.smtp_servers import (
    PASSWORD,
    Inbox,
    knows,
    scripted,
    smtp_server,
    tls_contexts,
)
from tests.patience import PATIENCE

LOGIN = "clinic:correct-horse%20%2F%23@"


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    place: Path = tmp_path_factory.mktemp("tls")
    return tls_contexts(place)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def carrier(
    port: int, *, scheme: str = "smtp", login: str = "", more: str = "", **how: Any
) -> SmtpCarrier:
    address = email_address(f"{scheme}://{login}localhost:{port}{more}")
    assert isinstance(address, SmtpAddress)
    return SmtpCarrier(address, clock=Frozen(), **{"waits": PATIENT, "tls": TLS, **how})


def parsed(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


@pytest.mark.parametrize("how", [{"decode_data": True}, {}, {"enable_SMTPUTF8": True}])
async def test_a_mail_arrives_as_it_was_written(inbox: Inbox, how: dict[str, Any]) -> None:
    """Also where the server has no 8BITMIME, and takes nothing but ASCII."""
    async with smtp_server(inbox, **how) as port:
        assert await sent(carrier(port).opened(an_email())) is None
    envelope = inbox.only()
    assert envelope.mail_from == "termine@praxis.example"
    assert envelope.rcpt_tos == ["joerg@example.org"]
    raw = envelope.original_content
    assert raw is not None
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) < 998
    mail = parsed(raw)
    assert mail["Subject"] == an_email().subject
    assert mail["From"].addresses[0].display_name == "Praxis Müller"
    assert mail["From"].addresses[0].addr_spec == "termine@praxis.example"
    assert mail["To"].addresses[0].addr_spec == "joerg@example.org"
    assert mail["Reply-To"].addresses[0].addr_spec == "desk@praxis.example"
    assert mail["Date"] == "Mon, 01 Mar 2027 09:00:00 +0000"
    fields = raw.split(b"\r\n\r\n")[0].decode().replace("\r\n ", " ").split("\r\n")
    assert f"Message-ID: <{ID}@praxis.example>" in fields
    assert f"List-Unsubscribe: <{UNSUBSCRIBE}>" in fields
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in fields
    assert "Auto-Submitted: auto-generated" in fields
    whole, copy = mail.iter_parts()
    text, html, calendar = whole.iter_parts()
    assert whole.get_content_type() == "multipart/alternative"
    assert text.get_content().replace("\r\n", "\n") == an_email().text
    assert html.get_content().replace("\r\n", "\n") == an_email().html
    assert html.get_content_type() == "text/html"
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_content_disposition() == "inline"
    assert dict(calendar["Content-Type"].params) == {"charset": "utf-8", "method": "REQUEST"}
    assert calendar.get_payload(decode=True) == CALENDAR
    assert copy.get_filename() == "invite.ics"
    assert copy.get_content_disposition() == "attachment"
    assert copy.get_payload(decode=True) == CALENDAR


@pytest.mark.parametrize("has_calendar", [True, False])
async def test_documents_are_attached_and_the_calendar_stays_where_it_was(
    inbox: Inbox, has_calendar: bool
) -> None:
    email = an_email(documents=(PDF, OTHER_PDF), **({} if has_calendar else {"calendar": None}))
    async with smtp_server(inbox) as port:
        await sent(carrier(port).opened(email))
    raw = inbox.only().original_content or b""
    assert raw.isascii()
    mail = parsed(raw)
    assert mail.get_content_type() == "multipart/mixed"
    whole, *attached = mail.iter_parts()
    assert whole.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in whole.iter_parts()]
    calendar = ["text/calendar"] if has_calendar else []
    assert kinds == ["text/plain", "text/html", *calendar]
    copy = ["invite.ics"] if has_calendar else []
    assert [one.get_filename() for one in attached] == [*copy, PDF.filename, OTHER_PDF.filename]
    for one, file in zip(attached[-2:], (PDF, OTHER_PDF), strict=True):
        assert one.get_content_type() == "application/pdf"
        assert one.get_content_disposition() == "attachment"
        assert one["Content-Transfer-Encoding"] == "base64"
        assert one.get_payload(decode=True) == file.content


def test_a_mail_with_all_that_it_may_have_is_given_away_at_once() -> None:
    """Also where Amazon gets it: as bytes, in base64 once more."""
    each = bytes(MOST_DOCUMENT_BYTES // MOST_DOCUMENTS)
    documents = [PdfFile(filename=f"{one}.pdf", content=each) for one in range(MOST_DOCUMENTS)]
    content = mail_bytes(an_email(documents=documents), clock=Frozen())
    assert len(content) > MOST_DOCUMENT_BYTES
    assert len(base64.b64encode(content)) < SEND_BUFFER / 2


async def test_a_mail_of_an_account_has_no_calendar_and_no_way_out(inbox: Inbox) -> None:
    email = an_email(calendar=None, unsubscribe_url=None, reply_to=None)
    async with smtp_server(inbox) as port:
        await sent(carrier(port).opened(email))
    mail = parsed(inbox.only().original_content or b"")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert not {"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"} & set(mail.keys())


async def test_no_field_of_the_head_can_be_smuggled_in(inbox: Inbox) -> None:
    email = an_email(
        subject="Hello\r\nBcc: all@example.com",
        to=Mailbox(address="joerg@example.org", name="J\r\nBcc: x@example.com"),
    )
    async with smtp_server(inbox) as port:
        await sent(carrier(port).opened(email))
    mail = parsed(inbox.only().original_content or b"")
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: all@example.com"
    assert inbox.only().rcpt_tos == ["joerg@example.org"]


async def test_names_of_other_scripts_need_a_server_that_reads_them(inbox: Inbox) -> None:
    email = an_email(to=Mailbox(address="jörg@müller.example"))
    async with smtp_server(inbox, enable_SMTPUTF8=True) as port:
        await sent(carrier(port).opened(email))
    assert inbox.only().rcpt_tos == ["jörg@xn--mller-kva.example"]
    async with smtp_server(Inbox()) as port:
        with pytest.raises(NotSentError) as told:
            await sent(carrier(port).opened(email))
    assert (told.value.fault, told.value.code) == (Fault.RECIPIENT, "smtputf8_missing")
    async with smtp_server(inbox) as port:
        await sent(carrier(port).opened(an_email(to=Mailbox(address="joerg@müller.example"))))
    assert inbox.envelopes[-1].rcpt_tos == ["joerg@xn--mller-kva.example"]


@pytest.mark.parametrize("address", ["a b@example.org", "a@b>\r\nDATA", "x@-ü-.example", "nobody"])
async def test_an_address_that_is_none_is_refused_here(inbox: Inbox, address: str) -> None:
    async with smtp_server(inbox) as port:
        with pytest.raises(NotSentError) as told:
            await sent(carrier(port).opened(an_email(to=Mailbox(address=address))))
    assert told.value.fault is Fault.RECIPIENT
    assert inbox.envelopes == []


async def test_starttls_is_used_where_it_is_offered(
    inbox: Inbox, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = tls
    async with smtp_server(inbox, tls_context=server, require_starttls=True) as port:
        await sent(carrier(port, tls=client).opened(an_email()))
        assert len(inbox.envelopes) == 1
        with pytest.raises(NotSentError) as told:
            # Nobody vouches for it.
            await sent(carrier(port).opened(an_email()))
    assert (told.value.fault, told.value.code) == (Fault.TEMPORARY, "tls_failed")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("starttls", [True, False])
async def test_one_signs_in(
    inbox: Inbox, tls: tuple[ssl.SSLContext, ssl.SSLContext], *, starttls: bool
) -> None:
    """The password has signs that an address must quote."""
    server, client = tls
    how: dict[str, Any] = {"authenticator": knows, "auth_required": True}
    how |= {"tls_context": server} if starttls else {"auth_require_tls": False}
    async with smtp_server(inbox, **how) as port:
        await sent(carrier(port, login=LOGIN, tls=client).opened(an_email()))
        assert len(inbox.envelopes) == 1
        for login, code in (("clinic:wrong@", "535 5.7.8"), ("", "530 5.7.0")):
            with pytest.raises(NotSentError) as told:
                await sent(carrier(port, login=login, tls=client).opened(an_email()))
            assert (told.value.fault, told.value.code) == (Fault.REFUSED, code)
            assert "wrong" not in repr(told.value)


async def test_tls_from_the_start(inbox: Inbox, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = tls
    async with smtp_server(inbox, tls=server) as port:
        await sent(carrier(port, scheme="smtps", tls=client).opened(an_email()))
    assert len(inbox.envelopes) == 1


async def test_a_password_is_not_said_in_the_clear() -> None:
    """Neither where the server offers no STARTTLS, nor where somebody on the way hides it."""
    offered = "250-mx.example\r\n250 AUTH PLAIN LOGIN"
    async with scripted(EHLO=offered, STARTTLS="502 no") as (port, script):
        with pytest.raises(NotSentError) as told:
            more = "?starttls=required"
            await sent(carrier(port, login=LOGIN, more=more).opened(an_email()))
    assert told.value.fault is Fault.REFUSED
    assert not [line for line in script.said if line.startswith(("AUTH", "MAIL"))]
    assert PASSWORD not in repr(told.value)


def test_a_login_elsewhere_needs_tls() -> None:
    for url, needs in [
        ("smtp://u:p@mail.example.com", True),
        ("smtp://u:p@mail.example.com?starttls=offered", False),
        ("smtp://u:p@127.0.0.1", False),
        ("smtp://mail.example.com", False),
        ("smtp://mail.example.com?starttls=required", True),
        ("smtps://u:p@mail.example.com", False),
    ]:
        address = email_address(url)
        assert isinstance(address, SmtpAddress)
        assert address.needs_starttls is needs, url


async def test_nothing_leaves_before_it_is_written(inbox: Inbox) -> None:
    async with smtp_server(inbox) as port:
        async with carrier(port).opened(an_email()):
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)
        assert inbox.envelopes == []


async def test_dots_are_doubled_on_the_way() -> None:
    async with scripted() as (port, script):
        await sent(carrier(port).opened(an_email()))
    assert b"\r\n..hidden\r\n" in script.content
    assert script.said[-1] == "QUIT"


@pytest.mark.parametrize(
    ("answers", "fault", "code"),
    [
        ({"CONNECT": None}, Fault.TEMPORARY, "no_connection"),
        ({"CONNECT": ""}, Fault.TEMPORARY, "timeout"),
        ({"CONNECT": "421 4.3.2 busy"}, Fault.TEMPORARY, "421 4.3.2"),
        ({"CONNECT": "554 no SMTP service here"}, Fault.REFUSED, "554"),
        ({"EHLO": ""}, Fault.TEMPORARY, "timeout"),
        ({"MAIL": "451 4.7.1 later"}, Fault.TEMPORARY, "451 4.7.1"),
        ({"MAIL": "553 5.1.8 who is that"}, Fault.REFUSED, "553 5.1.8"),
        ({"MAIL": "550 5.1.0 who is that"}, Fault.REFUSED, "550 5.1.0"),
        ({"MAIL": "552 5.3.4 too large"}, Fault.POLICY, "552 5.3.4"),
        ({"RCPT": "550 5.1.1 joerg@example.org unknown"}, Fault.RECIPIENT, "550 5.1.1"),
        ({"RCPT": "550 nobody here"}, Fault.RECIPIENT, "550"),
        ({"RCPT": "452 4.2.2 full"}, Fault.TEMPORARY, "452 4.2.2"),
        ({"RCPT": "554 5.7.1 relay access denied"}, Fault.POLICY, "554 5.7.1"),
        ({"RCPT": None}, Fault.TEMPORARY, "no_connection"),
        ({"DATA": "554 no valid recipients"}, Fault.POLICY, "554"),
        ({"DATA": ""}, Fault.TEMPORARY, "timeout"),
        ({"END": "554 5.7.1 spam"}, Fault.POLICY, "554 5.7.1"),
        ({"END": "550 5.1.1 nobody"}, Fault.RECIPIENT, "550 5.1.1"),
        ({"END": "421 4.3.0 out of space"}, Fault.TEMPORARY, "421 4.3.0"),
    ],
)
async def test_what_a_server_refuses(
    answers: dict[str, str | None], fault: Fault, code: str
) -> None:
    waits = QUICK if code == "timeout" else PATIENT
    async with scripted(**answers) as (port, _):
        with pytest.raises(NotSentError) as told:
            await sent(carrier(port, waits=waits).opened(an_email()))
    assert (told.value.fault, told.value.code) == (fault, code)


@pytest.mark.parametrize(
    ("answer", "code"),
    [("", "timeout"), (None, "connection_lost"), ("hello", "malformed_answer"), ("354 more", None)],
)
async def test_what_was_written_and_not_answered_is_unknown(
    answer: str | None, code: str | None
) -> None:
    waits = UNANSWERED if code == "timeout" else PATIENT
    async with scripted(END=answer) as (port, script):
        with pytest.raises(OutcomeUnknownError) as told:
            await sent(carrier(port, waits=waits).opened(an_email()))
    assert told.value.code == (code or "malformed_answer")
    assert script.content


async def test_a_server_that_leaves_before_the_content_has_not_got_it() -> None:
    async with scripted(GO_ON=None) as (port, _), carrier(port).opened(an_email()) as handover:
        await asyncio.sleep(0.05)
        with pytest.raises(NotSentError, match="connection_lost"):
            await handover.write()


async def test_what_is_not_written_in_time_does_not_go_on_behind_ones_back() -> None:
    """The server reads on when we have given up: it must not find the end of the mail."""
    reads_on, got = asyncio.Event(), bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = [b"220 mx.example", b"250 mx.example", b"250 ok", b"250 ok", b"354 go on"]
        for answer in answers:
            writer.write(answer + b"\r\n")
            if answer != answers[-1]:
                await reader.readline()
        await reads_on.wait()
        with suppress(ConnectionError):
            while piece := await reader.read(1_000_000):
                got.extend(piece)
        is_over.set()

    is_over = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    email = an_email(text=("x" * 70 + "\n") * 25_000)
    async with listening(serve, sock=listener) as port:
        async with carrier(port, waits=Waits(opening=PATIENCE)).opened(email) as handover:
            with pytest.raises(OutcomeUnknownError, match="slow_write"):
                await handover.write()
        reads_on.set()
        async with asyncio.timeout(5):
            await is_over.wait()
    assert b"\r\n.\r\n" not in got


async def test_nobody_listens(unused_port: int) -> None:
    with pytest.raises(NotSentError) as told:
        await sent(carrier(unused_port).opened(an_email()))
    assert (told.value.fault, told.value.code) == (Fault.TEMPORARY, "no_connection")


@pytest.mark.parametrize(
    ("step", "code", "text", "fault"),
    [
        (Step.RECIPIENT, 551, "not local", Fault.RECIPIENT),
        (Step.RECIPIENT, 550, "5.4.1 domain does not exist", Fault.RECIPIENT),
        (Step.RECIPIENT, 550, "5.7.13 account disabled", Fault.RECIPIENT),
        (Step.RECIPIENT, 550, "5.7.25 no reverse name", Fault.REFUSED),
        (Step.RECIPIENT, 550, "5.99.1 who knows", Fault.RECIPIENT),
        (Step.RECIPIENT, 550, "4.2.2 a contradiction", Fault.RECIPIENT),
        (Step.RECIPIENT, 530, "5.7.0 sign in first", Fault.REFUSED),
        (Step.RECIPIENT, 503, "bad sequence", Fault.REFUSED),
        (Step.RECIPIENT, 552, "full", Fault.POLICY),
        (Step.CONTENT, 552, "5.2.3 too long", Fault.POLICY),
        (Step.CONTENT, 550, "5.6.0 broken", Fault.POLICY),
        (Step.CONTENT, 550, "", Fault.POLICY),
        (Step.LOGIN, 454, "4.7.0 later", Fault.TEMPORARY),
        (Step.LOGIN, 535, "5.1.1 strange", Fault.REFUSED),
        (Step.CONTENT, 354, "no answer to that", Fault.TEMPORARY),
    ],
)
def test_codes_and_what_they_mean(step: Step, code: int, text: str, fault: Fault) -> None:
    assert refusal(step, code, text).fault is fault
