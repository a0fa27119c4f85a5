"""SMTP servers: a real one, and some that do as they are told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.notifications.carriers.listening import listening

USER, PASSWORD = "clinic", "correct-horse /#"


@dataclass
class Inbox:
    """What a server has taken."""

    envelopes: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok: queued as 4F2C1"

    def only(self) -> Envelope:
        (envelope,) = self.envelopes
        return envelope


def knows(_: SMTP, __: Session, ___: Envelope, ____: str, login: Any) -> AuthResult:
    assert isinstance(login, LoginPassword)
    fits = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=False)


@asynccontextmanager
async def smtp_server(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **how: Any) -> Any:
    """A real server; `tls` from the start. Yields its port."""

    def made() -> SMTP:
        return SMTP(inbox, hostname="mx.example", loop=asyncio.get_running_loop(), **how)

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@dataclass
class Scripted:
    """Answers each command by its first word; None closes the connection, "" says nothing."""

    answers: dict[str, str | None]
    said: list[str] = field(default_factory=list)
    content: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = "CONNECT"
        while True:
            answer = self.answers.get(word, USUAL.get(word, "250 ok"))
            if answer is None:
                return
            if answer:
                writer.write(answer.encode() + b"\r\n")
            if word == "DATA" and answer.startswith("354"):
                if self.answers.get("GO ON", "") is None:
                    return
                self.content = await reader.readuntil(b"\r\n.\r\n")
                word = "."
                continue
            line = await reader.readline()
            if not line:
                return
            self.said.append(line.decode().strip())
            word = self.said[-1].split(" ")[0].upper()


USUAL = {"CONNECT": "220 mx.example", "DATA": "354 go on", "QUIT": "221 bye"}


@asynccontextmanager
async def scripted(**answers: str | None) -> AsyncIterator[tuple[int, Scripted]]:
    """A server that answers as told, with `CONNECT`, `GO_ON` and `END` beside the commands."""
    names = {"GO_ON": "GO ON", "END": "."}
    script = Scripted({names.get(name, name): answer for name, answer in answers.items()})
    async with listening(script.serve) as port:
        yield port, script


def tls_contexts(place: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's certificate for `localhost`, and who believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (place / "server.pem").write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(place / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())
