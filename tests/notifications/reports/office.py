"""The addresses that providers call, with keys of our own making."""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.reports.certificates import Certificates, fetched_by
from booking_system.notifications.adapters.reports.http import ReportRoutes
from booking_system.notifications.adapters.reports.sendgrid import public_key
from booking_system.notifications.adapters.reports.sns import SnsConfirmation
from booking_system.notifications.adapters.reports.twilio import TwilioSignature
from booking_system.notifications.domain.sending import Report, SmsReply
from tests.notifications.carriers.providers import when_needed

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ID = UUID("01957b2e-7b7c-7000-8000-00000000abcd")
PUBLIC_URL = "https://booking.example.com"
TOKENS = ["an-old-token", "a-new-token"]
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"
CERTIFICATE = (
    "https://sns.eu-central-1.amazonaws.com/"
    "SimpleNotificationService-60eadc530605d63b8e62a523676ef735.pem"
)
SENDGRID_KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
AMAZON_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


def certificate(key: Any = AMAZON_KEY, *, until: datetime = NOW + timedelta(days=90)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=90))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


PEM = certificate()


def shown(key: ec.EllipticCurvePrivateKey) -> str:
    """As SendGrid's page shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


class Office:
    """What was told, and what was asked of Amazon meanwhile."""

    def __init__(self) -> None:
        self.told: list[Report | SmsReply] = []
        self.asked: list[httpx.Request] = []
        self.answers: dict[str, httpx.Response] = {}
        self.clock = Clock()
        self.fails = False
        transport = httpx.MockTransport(self._amazon)
        client = httpx.AsyncClient(transport=transport, follow_redirects=True)
        self.http = when_needed(HttpWay(client=client, clock=self.clock))
        self.certificates = Certificates(fetched_by(self.http), clock=self.clock)
        self._hooks: ReportRoutes

    def empty(self) -> None:
        """As new, for the next test."""
        self.told.clear()
        self.asked.clear()
        self.answers = {CERTIFICATE: httpx.Response(200, content=PEM)}
        self.clock.at, self.fails = NOW, False
        self.certificates._kept.clear()
        self.certificates._rests_until = None

    @contextmanager
    def behind(self, hooks: ReportRoutes) -> Iterator[None]:
        """Let an application's own hooks know these secrets, and tell what they hear to here."""
        self._hooks = hooks
        twilio = TwilioSignature([SecretStr(token) for token in TOKENS], public_url=PUBLIC_URL)
        keys = tuple(public_key(shown(key)) for key in SENDGRID_KEYS)
        confirm = SnsConfirmation(http=self.http)
        with (
            patch.object(hooks.twilio, "_tokens", twilio._tokens),
            patch.object(hooks.twilio, "_origins", twilio._origins),
            patch.object(hooks.sendgrid, "_keys", keys),
            patch.object(hooks.sns, "_topics", frozenset({TOPIC})),
            patch.object(hooks.sns, "_certificates", self.certificates),
            _set(hooks, sink=self._take, clock=self.clock, confirm=confirm),
        ):
            yield

    @contextmanager
    def not_set_up(self) -> Iterator[None]:
        """As where nobody has set anything: the same hooks with nothing to verify with."""
        with (
            patch.object(self._hooks.twilio, "_tokens", ()),
            patch.object(self._hooks.sendgrid, "_keys", ()),
            patch.object(self._hooks.sns, "_topics", frozenset()),
        ):
            yield

    async def _take(self, told: Sequence[Report | SmsReply]) -> None:
        if self.fails:
            raise LookupError("the database is gone")
        self.told += told

    def _amazon(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers.get(str(request.url)) or httpx.Response(200)


def envelope(message: object = "", *, kind: str = "Notification", **other: Any) -> dict[str, Any]:
    """What SNS would send, not yet signed."""
    text = message if isinstance(message, str) else json.dumps(message)
    made = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": "2027-03-01T08:59:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
    }
    if kind != "Notification":
        made |= {"Token": "a-token", "SubscribeURL": "https://evil.example.com/?Action=Confirm"}
    return {**made, **other}


def signed_by_amazon(told: dict[str, Any], key: Any = AMAZON_KEY) -> bytes:
    """Sign as Amazon's guide tells: names in alphabetical order, a line for each."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn"]
    text = "".join(f"{name}\n{told[name]}\n" for name in [*names, "Type"] if name in told)
    hashed = hashes.SHA1() if told["SignatureVersion"] == "1" else hashes.SHA256()
    signature = key.sign(text.encode(), PKCS1v15(), hashed)
    return json.dumps({"Signature": base64.b64encode(signature).decode(), **told}).encode()


@contextmanager
def _set(frozen: object, **values: object) -> Iterator[None]:
    before = {name: getattr(frozen, name) for name in values}
    for name, value in values.items():
        object.__setattr__(frozen, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(frozen, name, value)
