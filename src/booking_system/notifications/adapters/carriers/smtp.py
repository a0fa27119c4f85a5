"""E-mails by SMTP (RFC 5321), over TLS or with STARTTLS, signed in or not."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cached_property
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from aiosmtplib.protocol import SMTPProtocol

from booking_system.notifications.adapters.carriers.addresses import SmtpAddress
from booking_system.notifications.adapters.carriers.mailboxes import ascii_domain, on_the_wire
from booking_system.notifications.adapters.carriers.mime import mail_bytes, needs_utf8
from booking_system.notifications.adapters.carriers.smtp_answers import Step, refusal
from booking_system.notifications.adapters.carriers.waits import SEND_BUFFER, Waits
from booking_system.notifications.domain.letter import Email
from booking_system.notifications.domain.sending import Fault, NotSentError, OutcomeUnknownError
from booking_system.platform.outward.connecting import (
    CheckedAddresses,
    NotConnectedError,
    connected_socket,
)
from booking_system.shared_kernel.clock import Clock

STUFFED = re.compile(rb"(?m)^\.")


class SmtpCarrier:
    """Brings e-mails to one SMTP server, each over a connection of its own."""

    name = "smtp"

    def __init__(
        self,
        address: SmtpAddress,
        *,
        clock: Clock,
        waits: Waits | None = None,
        tls: ssl.SSLContext | None = None,
        addresses: CheckedAddresses | None = None,
    ) -> None:
        """`tls` says whom to believe; without it the system's authorities.

        `addresses` say what a host may lead to that the operator has not named.
        """
        self._address = address
        self._clock = clock
        self._waits = waits or Waits()
        self._given_tls = tls
        self._addresses = addresses

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    @asynccontextmanager
    async def opened(self, email: Email) -> AsyncIterator["SmtpHandover"]:
        """Connect and go on until the server waits for the content."""
        server = self._server(email)
        try:
            with _understood():
                async with asyncio.timeout(self._waits.opening):
                    handover = await self._prepared(server, email)
            try:
                yield handover
            finally:
                handover.drop()
            if handover.is_over:
                with suppress(SMTPException, OSError):
                    await server.quit(timeout=self._waits.goodbye)
        finally:
            server.close()

    def _server(self, email: Email) -> SMTP:
        address = self._address
        return SMTP(
            hostname=address.host,
            # A connection that was made already has its port.
            port=address.port if self._addresses is None else None,
            username=address.user,
            password=None if address.password is None else address.password.get_secret_value(),
            local_hostname=ascii_domain(email.sender.address),
            timeout=self._waits.opening,
            use_tls=address.is_tls,
            start_tls=None if address.is_tls or not address.needs_starttls else True,
            tls_context=self._tls,
        )

    async def _prepared(self, server: SMTP, email: Email) -> "SmtpHandover":
        await self._connect(server)
        # Room for all of the mail, so that it is the kernel's as soon as it is written.
        server.get_transport_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER
        )
        if server.is_ehlo_or_helo_needed:
            await server.ehlo()
        utf8 = needs_utf8(email)
        if utf8 and not server.supports_extension("smtputf8"):
            raise NotSentError(Fault.RECIPIENT, "smtputf8_missing")
        content = mail_bytes(email, clock=self._clock, utf8=utf8)
        await self._say_envelope(server, email, len(content), utf8=utf8)
        assert server.protocol is not None, "it has just answered"
        go_on = await server.protocol.execute_command(b"DATA", timeout=self._waits.opening)
        if go_on.code != 354:
            raise refusal(Step.CONTENT, go_on.code, go_on.message)
        return SmtpHandover(server.protocol, STUFFED.sub(b"..", content) + b".\r\n", self._waits)

    async def _connect(self, server: SMTP) -> None:
        if self._addresses is None:
            await server.connect()
            return
        address = self._address
        try:
            connected = await connected_socket(self._addresses, address.host, address.port)
        except NotConnectedError as error:
            is_final = error.code == "blocked_address"
            code = "no_connection" if error.code == "connection" else error.code
            raise NotSentError(Fault.REFUSED if is_final else Fault.TEMPORARY, code) from None
        try:
            await server.connect(sock=connected)
        except BaseException:
            connected.close()
            raise

    async def _say_envelope(self, server: SMTP, email: Email, size: int, *, utf8: bool) -> None:
        options = ["SMTPUTF8"] if utf8 else []
        if server.supports_extension("size"):
            options.append(f"SIZE={size}")
        encoding = "utf-8" if utf8 else "ascii"
        try:
            await server.mail(on_the_wire(email.sender.address), options=options, encoding=encoding)
        except SMTPResponseException as no:
            raise refusal(Step.SENDER, no.code, no.message) from None
        try:
            await server.rcpt(on_the_wire(email.to.address), encoding=encoding)
        except SMTPResponseException as no:
            raise refusal(Step.RECIPIENT, no.code, no.message) from None
        except ValueError:
            raise NotSentError(Fault.RECIPIENT, "unusable_address") from None


class SmtpHandover:
    """A mail before a server that waits for its content."""

    def __init__(self, protocol: SMTPProtocol, content: bytes, waits: Waits) -> None:
        """`content` ends with the dot."""
        self._protocol = protocol
        self._content = content
        self._waits = waits
        self._answer: asyncio.Task[SMTPResponse] | None = None
        self.is_over = False
        """The server has answered, so it can be taken leave of."""

    async def write(self) -> None:
        """Give content and dot to the socket."""
        transport = self._protocol.transport
        try:
            self._protocol.write(self._content)
        except SMTPServerDisconnected:
            raise NotSentError(Fault.TEMPORARY, "connection_lost") from None
        # An answer that nobody waits for would be thrown away.
        self._answer = asyncio.create_task(self._protocol.read_response(self._waits.answer))
        try:
            async with asyncio.timeout(self._waits.writing):
                await asyncio.sleep(0)
                # Nobody is told when its buffer is empty.
                while cast(asyncio.WriteTransport, transport).get_write_buffer_size():  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise OutcomeUnknownError("slow_write") from None

    async def answer(self) -> None:
        """Wait for the server to take the mail; it gives no id that means anything elsewhere."""
        assert self._answer is not None, "written first"
        try:
            said = await self._answer
        except TimeoutError:
            raise OutcomeUnknownError("timeout") from None
        except SMTPResponseException:
            raise OutcomeUnknownError("malformed_answer") from None
        except (SMTPException, OSError):
            raise OutcomeUnknownError("connection_lost") from None
        self.is_over = True
        if 400 <= said.code <= 599:
            raise refusal(Step.CONTENT, said.code, said.message)
        if not 200 <= said.code <= 299:
            raise OutcomeUnknownError("malformed_answer")

    def drop(self) -> None:
        """Leave nothing behind that still goes out, or that is waited for."""
        if self._answer is not None and self._answer.cancel():
            self._answer.add_done_callback(_forgotten)
        if not self.is_over and self._protocol.transport is not None:
            # Closing it would first send what is still in its buffer.
            cast(asyncio.WriteTransport, self._protocol.transport).abort()


@contextmanager
def _understood() -> Iterator[None]:
    """Say of each fault before the content what it means, without the server's words."""
    try:
        yield
    except SMTPAuthenticationError as no:
        raise refusal(Step.LOGIN, no.code, no.message) from None
    except SMTPConnectResponseError as no:
        raise refusal(Step.GREETING, no.code, no.message) from None
    except SMTPResponseException as no:
        raise refusal(Step.GREETING, no.code, no.message) from None
    except TimeoutError:
        raise NotSentError(Fault.TEMPORARY, "timeout") from None
    except ssl.SSLError:
        raise NotSentError(Fault.TEMPORARY, "tls_failed") from None
    except OSError as error:
        is_tls = isinstance(error.__cause__, ssl.SSLError)
        raise NotSentError(Fault.TEMPORARY, "tls_failed" if is_tls else "no_connection") from None
    except SMTPException:
        # The server lacks what is asked of it: STARTTLS, or a way to sign in.
        raise NotSentError(Fault.REFUSED, "not_supported") from None


def _forgotten(answer: asyncio.Task[SMTPResponse]) -> None:
    if not answer.cancelled():
        answer.exception()
