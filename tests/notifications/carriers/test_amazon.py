"""E-mails by SES and SMS by SNS: against moto's server, botocore's own requests, and by hand."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest
from botocore.credentials import Credentials
from botocore.session import get_session
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from booking_system.notifications.adapters.block_statements import UNLISTED_FOR
from booking_system.notifications.adapters.carriers.addresses import (
    SesAddress,
    SnsAddress,
    amazon_origin,
    email_address,
    sms_address,
)
from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.choosing import Choice
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.ses import SesCarrier
from booking_system.notifications.adapters.carriers.sns import SnsCarrier
from booking_system.notifications.adapters.carriers.sns_opt_outs import SnsOptOuts
from booking_system.notifications.adapters.opt_outs_job import OptOutsJob
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.application.sending_ports import EmailCarrier, SmsCarrier
from booking_system.notifications.domain.letter import Mailbox
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.sending import Fault, NotSentError
from booking_system.platform.postgres.transaction import Database
from tests.notifications.carriers.letters import CALENDAR, ID, PDF, QUICK, an_email, an_sms, sent
from tests.notifications.carriers.providers import Provider, a_provider, a_way, says, when_needed
from tests.notifications.carriers.providers import amazon_keys as keys_of_tests
from tests.notifications.office import KEYS, ShiftedClock

REGION = "eu-central-1"
OURS = "+4930123456"
SECRET = "very/secret+key"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The server of all tests here: it takes long to start."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def keys() -> AmazonKeys:
    return keys_of_tests()


@pytest.fixture
async def way() -> AsyncIterator[HttpWay]:
    async with a_way() as way:
        yield way


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with a_provider(says(200)) as provider:
        yield provider


def ses(way: HttpWay, keys: AmazonKeys, base: str | None, more: str = "") -> SesCarrier:
    address = email_address(f"ses://{REGION}{more}")
    assert isinstance(address, SesAddress)
    return SesCarrier(address, way=way, keys=keys, base=base)


def sns(way: HttpWay, keys: AmazonKeys, base: str | None, more: str = "") -> SnsCarrier:
    address = sms_address(f"sns://{REGION}{more}")
    assert isinstance(address, SnsAddress)
    return SnsCarrier(address, way=way, keys=keys, base=base)


async def test_ses_takes_a_mail(moto: str, way: HttpWay, keys: AmazonKeys) -> None:
    backend = ses_backends[DEFAULT_ACCOUNT_ID][REGION]
    with pytest.raises(NotSentError) as told:
        await sent(ses(way, keys, moto).opened(an_email()))
    assert (told.value.fault, told.value.code) == (Fault.POLICY, "400 MessageRejected")
    backend.verify_email_identity("termine@praxis.example")
    given = await sent(ses(way, keys, moto).opened(an_email(documents=(PDF,))))
    (kept,) = backend.sent_messages
    assert kept.id == given
    assert kept.source == "termine@praxis.example"
    mail = message_from_bytes(kept.raw_data.encode("ascii"), policy=default)
    assert mail["Subject"] == an_email().subject
    (calendar,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    assert calendar["Content-Transfer-Encoding"] == "base64"
    assert calendar.get_payload(decode=True) == CALENDAR
    (receipt,) = (part for part in mail.walk() if part.get_content_type() == "application/pdf")
    assert receipt.get_filename() == PDF.filename
    assert receipt.get_payload(decode=True) == PDF.content


async def test_sns_takes_an_sms(moto: str, way: HttpWay, keys: AmazonKeys) -> None:
    given = await sent(sns(way, keys, moto, "?from=Praxis&max_price=0.20").opened(an_sms()))
    backend = sns_backends[DEFAULT_ACCOUNT_ID][REGION]
    assert backend.sms_messages == {given: (an_sms().to, an_sms().text)}
    with pytest.raises(NotSentError) as told:
        await sent(sns(way, keys, moto).opened(an_sms(to="at home")))
    assert (told.value.fault, told.value.code) == (Fault.RECIPIENT, "400 InvalidParameter")


async def listed(opt_outs: SnsOptOuts) -> list[Sequence[str]]:
    return [page async for page in opt_outs.pages()]


def opt_outs_at(way: HttpWay, keys: AmazonKeys, base: str | None) -> SnsOptOuts:
    address = sms_address(f"sns://{REGION}?from={OURS}")
    assert isinstance(address, SnsAddress)
    return SnsOptOuts(address, way=way, keys=keys, base=base)


async def test_opt_outs_are_read_page_by_page(
    way: HttpWay, keys: AmazonKeys, provider: Provider
) -> None:
    page = "<R><phoneNumbers><member>{}</member></phoneNumbers>{}</R>"
    provider.answer = says(200, page.format(OURS, "<nextToken>a&amp;b+/=</nextToken>").encode())
    pages = opt_outs_at(way, keys, provider.url).pages()
    assert await anext(pages) == [OURS]
    provider.answer = says(200, page.format("+15005550006", "").encode())
    assert [one async for one in pages] == [["+15005550006"]]
    first, second = (parse_qs(one.body.decode()) for one in provider.asked)
    wanted = {"Action": ["ListPhoneNumbersOptedOut"], "Version": ["2010-03-31"]}
    assert (first, second) == (wanted, wanted | {"nextToken": ["a&b+/="]})
    theirs = botocores("sns", "list_phone_numbers_opted_out", nextToken="a&b+/=")
    assert parse_qs(theirs.body.decode() if isinstance(theirs.body, bytes) else theirs.body) == (
        second
    )


@pytest.mark.parametrize("answer", [says(500), says(403, b"<Code>AuthorizationError</Code>")])
async def test_a_list_that_fails_is_no_empty_list(
    way: HttpWay, keys: AmazonKeys, provider: Provider, answer: bytes
) -> None:
    provider.answer = answer
    with pytest.raises(NotSentError):
        await listed(opt_outs_at(way, keys, provider.url))


async def test_amazons_opt_outs_hold_here_until_amazon_lets_them_in(
    moto: str, way: HttpWay, keys: AmazonKeys, database: Database
) -> None:
    backend = sns_backends[DEFAULT_ACCOUNT_ID][REGION]
    backend.opt_out_numbers = ["+4915112340000", "+4915112340001"]
    clock = ShiftedClock()
    recipients = Recipients(keys=KEYS, clock=clock, senders={Channel.SMS: OURS})
    job = OptOutsJob(listed=opt_outs_at(way, keys, moto), database=database, recipients=recipients)

    async def blocked() -> list[bool]:
        async with database.reading() as connection:
            return [
                await recipients.blocked(connection, Channel.SMS, f"+491511234000{n}")
                is Skipped.OPTED_OUT
                for n in range(3)
            ]

    async with database.driver_transaction() as connection:
        # This one told us itself, and Amazon does not know.
        await recipients.block(connection, Channel.SMS, "+4915112340002", Skipped.OPTED_OUT)
    for _ in range(2):
        assert await job.once()
        assert await blocked() == [True, True, True]
    await asyncio.to_thread(backend.opt_in_phone_number, "+4915112340000")
    await job.once()
    assert await blocked() == [True, True, True]
    clock.shift = UNLISTED_FOR + timedelta(minutes=1)
    await job.once()
    assert await blocked() == [False, True, True]


async def test_only_where_sns_sends_it_is_asked(
    way: HttpWay, keys: AmazonKeys, database: Database
) -> None:
    kept = cast("SmsCarrier", None)
    choice = Choice(
        http=when_needed(way), kept_email=cast("EmailCarrier", None), kept_sms=kept,
        amazon_keys=keys,
    )  # fmt: skip
    assert isinstance(choice.opt_outs(f"sns://{REGION}"), SnsOptOuts)
    for url in ("outbox:", f"twilio://AC{'0' * 32}:token@api.twilio.com?from=+4930123456"):
        assert choice.opt_outs(url) is None
    recipients = Recipients(keys=KEYS, clock=ShiftedClock(), senders={Channel.SMS: OURS})
    async with OptOutsJob(listed=None, database=database, recipients=recipients).running():
        pass


def botocores(service: str, operation: str, **given: Any) -> Any:
    """The request that botocore's own client makes of the same."""
    session = get_session()
    session.set_credentials("AKIDEXAMPLE", SECRET)
    client = session.create_client(service, region_name=REGION)
    kept = []

    def keep(request: Any, **_: Any) -> None:
        kept.append(request)
        raise KeptError

    client.meta.events.register(f"before-send.{service}", keep)
    with pytest.raises(KeptError):
        getattr(client, operation)(**given)
    return kept[0]


class KeptError(Exception):
    """The request need not go anywhere."""


async def test_the_requests_are_those_of_botocore(
    way: HttpWay, keys: AmazonKeys, provider: Provider
) -> None:
    carrier = ses(way, keys, provider.url, "?configuration_set=booking")
    await sent(carrier.opened(an_email()))
    asked = provider.asked.pop()
    body = json.loads(asked.body)
    content = base64.b64decode(body["Content"]["Raw"]["Data"])
    same = botocores(
        "sesv2",
        "send_email",
        FromEmailAddress="termine@praxis.example",
        Destination={"ToAddresses": ["joerg@example.org"]},
        Content={"Raw": {"Data": content}},
        EmailTags=[{"Name": "booking_message_id", "Value": str(ID)}],
        ConfigurationSetName="booking",
    )
    assert json.loads(same.body) == body
    assert same.url == f"{amazon_origin('email', REGION)}{asked.target}"

    await sent(sns(way, keys, provider.url, "?from=Praxis&max_price=0.20").opened(an_sms()))
    asked = provider.asked.pop()
    same = botocores(
        "sns",
        "publish",
        PhoneNumber=an_sms().to,
        Message=an_sms().text,
        MessageAttributes={
            "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
            "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Praxis"},
            "AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": "0.20"},
        },
    )
    assert dict(parse_qsl(asked.body.decode())) == dict(parse_qsl(same.body))
    assert same.url == f"{amazon_origin('sns', REGION)}{asked.target}"
    assert same.headers["Content-Type"].decode() == asked.headers["content-type"]


async def test_the_number_of_a_sender(way: HttpWay, keys: AmazonKeys, provider: Provider) -> None:
    await sent(sns(way, keys, provider.url, "?from=+4930123456").opened(an_sms()))
    form = dict(parse_qsl(provider.only().body.decode()))
    assert form["MessageAttributes.entry.2.Name"] == "AWS.MM.SMS.OriginationNumber"
    assert form["MessageAttributes.entry.2.Value.StringValue"] == "+4930123456"


async def test_what_arrives_is_what_was_signed(
    way: HttpWay, keys: AmazonKeys, provider: Provider
) -> None:
    """Reckoned by hand (SigV4) from the bytes that came."""
    await sent(ses(way, keys, provider.url).opened(an_email()))
    await sent(sns(way, keys, provider.url).opened(an_sms()))
    for asked, service in zip(provider.asked, ("ses", "sns"), strict=True):
        said = asked.headers["authorization"]
        names = re.search(r"SignedHeaders=([^,]+)", said)[1].split(";")  # type: ignore[index]
        assert {"host", "content-type", "x-amz-date", "x-amz-security-token"} <= set(names)
        canonical = "\n".join(
            [
                "POST",
                asked.target,
                "",
                *(f"{name}:{asked.headers[name]}" for name in names),
                "",
                ";".join(names),
                hashlib.sha256(asked.body).hexdigest(),
            ]
        )
        moment = asked.headers["x-amz-date"]
        scope = f"{moment[:8]}/{REGION}/{service}/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashed}"
        expected = hmac.digest(key, text.encode(), "sha256").hex()
        assert said.endswith(f"Signature={expected}")
        assert SECRET not in str(asked)


@pytest.mark.parametrize(
    ("status", "kind", "fault"),
    [
        (400, "MessageRejected", Fault.POLICY),
        (400, "BadRequestException", Fault.POLICY),
        (400, "SendingPausedException", Fault.REFUSED),
        (400, "AccountSuspendedException", Fault.REFUSED),
        (400, "MailFromDomainNotVerifiedException", Fault.REFUSED),
        (400, "LimitExceededException", Fault.TEMPORARY),
        (429, "TooManyRequestsException", Fault.TEMPORARY),
        (403, "InvalidSignatureException", Fault.REFUSED),
        (404, "NotFoundException", Fault.REFUSED),
        (400, "SomethingNew", Fault.POLICY),
        (418, "SomethingNew", Fault.REFUSED),
    ],
)
async def test_what_ses_refuses(
    way: HttpWay, keys: AmazonKeys, provider: Provider, status: int, kind: str, fault: Fault
) -> None:
    carrier = ses(way, keys, provider.url)
    for answer in (
        says(status, b'{"message":"no"}', x_amzn_ErrorType=f"{kind}:http://internal/"),
        says(status, json.dumps({"__type": f"com.amazon#{kind}"}).encode()),
    ):
        provider.answer = answer
        with pytest.raises(NotSentError) as told:
            await sent(carrier.opened(an_email()))
        assert (told.value.fault, told.value.code) == (fault, f"{status} {kind}")


@pytest.mark.parametrize(
    ("status", "code", "text", "fault"),
    [
        (400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: +1", Fault.RECIPIENT),
        (400, "InvalidParameter", "Invalid parameter: Message too long", Fault.POLICY),
        (400, "OptedOut", "", Fault.OPTED_OUT),
        (403, "AuthorizationError", "", Fault.REFUSED),
        (400, "Throttled", "", Fault.TEMPORARY),
        (400, "Throttling", "Rate exceeded", Fault.TEMPORARY),
        (500, "InternalError", "", Fault.TEMPORARY),
        (400, "Somebody <joerg@example.org>", "", Fault.POLICY),
    ],
)
async def test_what_sns_refuses(
    way: HttpWay,
    keys: AmazonKeys,
    provider: Provider,
    status: int,
    code: str,
    text: str,
    fault: Fault,
) -> None:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
    provider.answer = says(status, f"<ErrorResponse>{error}</ErrorResponse>".encode())
    with pytest.raises(NotSentError) as told:
        await sent(sns(way, keys, provider.url).opened(an_sms()))
    assert told.value.fault is fault
    assert "joerg" not in told.value.code


async def test_an_answer_without_an_id_is_still_a_yes(
    way: HttpWay, keys: AmazonKeys, provider: Provider
) -> None:
    provider.answer = says(200, b"<html>")
    assert await sent(ses(way, keys, provider.url).opened(an_email())) is None
    assert await sent(sns(way, keys, provider.url).opened(an_sms())) is None


async def test_ses_does_not_know_all_addresses(way: HttpWay, keys: AmazonKeys) -> None:
    with pytest.raises(NotSentError) as told:
        await sent(ses(way, keys, None).opened(an_email(to=Mailbox(address="jörg@example.org"))))
    assert told.value.fault is Fault.RECIPIENT


async def test_keys_that_are_slow_to_find_hold_up_nobody(way: HttpWay, unused_port: int) -> None:
    """Also none of the other messages: they are looked for in a thread."""

    class Slow(AmazonKeys):
        def signed(self, *_: Any) -> dict[str, str]:
            time.sleep(0.7)
            return {}

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(NotSentError) as told:
        quick = replace(way, waits=QUICK)
        await sent(ses(quick, Slow(), f"http://127.0.0.1:{unused_port}").opened(an_email()))
    ticking.cancel()
    assert (told.value.fault, told.value.code) == (Fault.TEMPORARY, "timeout")
    assert ticks > 10


async def test_without_keys_nothing_is_asked(
    way: HttpWay, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(NotSentError) as told:
        await sent(ses(way, AmazonKeys(), provider.url).opened(an_email()))
    assert (told.value.fault, told.value.code) == (Fault.REFUSED, "no_keys")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    await sent(ses(way, AmazonKeys(), provider.url).opened(an_email()))
    assert "Credential=AKIDEXAMPLE/" in provider.only().headers["authorization"]


def test_where_amazon_is() -> None:
    assert amazon_origin("email", "eu-central-1") == "https://email.eu-central-1.amazonaws.com"
    assert amazon_origin("sns", "cn-north-1") == "https://sns.cn-north-1.amazonaws.com.cn"
    assert httpx.URL(amazon_origin("sns", REGION)).scheme == "https"
    assert isinstance(keys_of_tests()._found, Credentials)
