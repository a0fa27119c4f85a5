"""Nothing goes inside, and one receiver holds up no other."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from booking_system.platform.postgres.transaction import Database
from booking_system.webhooks.adapters import posting, queue, sending_job
from tests.patience import PATIENCE, turns
from tests.webhooks.courier import Courier, Dialled, leading
from tests.webhooks.receiving import always, never, receiving

PUBLIC = "93.184.215.14"
INSIDE = ["127.0.0.1", "10.0.0.7", "169.254.169.254", "64:ff9b::7f00:1", "::ffff:127.0.0.1"]


async def sent_to(courier: Courier, url: str = "https://hooks.example.com/in") -> None:
    await courier.endpoint(url)
    await courier.happened("booking.created")
    await courier.job.once()


async def codes(courier: Courier) -> list[tuple[str, str | None, int | None, str | None]]:
    names = ("state", "error_code", "last_status", "answer")
    return [tuple(row[name] for name in names) for row in await courier.rows()]


@pytest.mark.parametrize("inside", INSIDE)
async def test_a_name_that_leads_inside_is_not_connected_to(
    database: Database, inside: str
) -> None:
    async with receiving() as receiver:
        dialled = Dialled(receiver.port)
        courier = Courier(
            database, allow_private=False, resolve=leading([PUBLIC, inside]), dial=dialled
        )
        await sent_to(courier)
        assert dialled.addresses == []
        assert receiver.connections == 0
    assert await codes(courier) == [("pending", "blocked_address", None, None)]


async def test_what_is_looked_at_is_what_is_connected_to(database: Database) -> None:
    """The name leads outside when it is looked at, and inside whenever it is asked again."""
    trusted, served = certificates("hooks.example.com")
    async with receiving(tls=served) as receiver:
        dialled = Dialled(receiver.port)
        resolve = leading([PUBLIC], ["127.0.0.1"])
        courier = Courier(
            database, allow_private=False, resolve=resolve, dial=dialled, trust=trusted
        )
        await sent_to(courier)
        assert dialled.addresses == [(PUBLIC, 443)]
        (got,) = receiver.arrived
        # The name stays what it was for TLS and for the server.
        assert (got.server_name, got.headers["host"]) == ("hooks.example.com",) * 2
        assert await courier.states() == ["delivered"]

        await courier.happened("booking.cancelled")
        await courier.job.once()
        assert dialled.addresses == [(PUBLIC, 443)]
        assert len(receiver.arrived) == 1
    assert (await codes(courier))[1] == ("pending", "blocked_address", None, None)


async def test_a_certificate_of_another_name_is_refused(database: Database) -> None:
    trusted, served = certificates("other.example.com")
    async with receiving(tls=served) as receiver:
        courier = Courier(
            database,
            allow_private=False,
            resolve=leading([PUBLIC]),
            dial=Dialled(receiver.port),
            trust=trusted,
        )
        await sent_to(courier)
        assert receiver.arrived == []
    assert await codes(courier) == [("pending", "tls", None, None)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(database: Database, status: int) -> None:
    async with receiving() as inside, receiving() as receiver:
        receiver.answer = always(status, f"Location: {inside.url}", body="Over there.")
        courier = Courier(database)
        await sent_to(courier, receiver.url)
        assert len(receiver.arrived) == 1
        assert inside.connections == 0
    assert await codes(courier) == [("pending", None, status, "Over there.")]


async def test_no_proxy_of_the_environment_is_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        courier = Courier(database)
        await sent_to(courier, receiver.url)
        assert (proxy.connections, len(receiver.arrived)) == (0, 1)


URLS = ["http://127.0.0.1/", "https://2130706433/", "https://hooks.example.com:8443/", "ftp://a/"]


@pytest.mark.parametrize("url", URLS)
async def test_what_was_allowed_when_it_was_stored_is_judged_again(
    database: Database, url: str
) -> None:
    dialled = Dialled(1)
    courier = Courier(database, allow_private=False, resolve=leading([PUBLIC]), dial=dialled)
    await sent_to(courier, url)
    assert dialled.addresses == []
    assert await codes(courier) == [("pending", "blocked_address", None, None)]


async def test_the_next_address_of_a_name_is_tried(database: Database) -> None:
    async with receiving() as receiver:
        courier = Courier(database, resolve=leading(["::1", "127.0.0.1"]))
        await sent_to(courier, f"http://receiver:{receiver.port}/")
        assert receiver.arrived[0].headers["host"] == f"receiver:{receiver.port}"


async def test_a_receiver_that_hangs_is_left_in_time(database: Database) -> None:
    assert timedelta(seconds=posting.SECONDS) == timedelta(seconds=15) < queue.LEASE
    async with receiving(never) as receiver:
        courier = Courier(database, seconds=0.05)
        await sent_to(courier, receiver.url)
        assert len(receiver.arrived) == 1
    assert await codes(courier) == [("pending", "timeout", None, None)]


async def test_an_answer_counts_though_its_body_never_ends(database: Database) -> None:
    async with dripping() as port:
        courier = Courier(database, seconds=0.2)
        await sent_to(courier, f"http://127.0.0.1:{port}/")
    assert await codes(courier) == [("delivered", None, 200, "drip")]


@asynccontextmanager
async def dripping() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\ndrip")
        await writer.drain()
        await reader.read(-1)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_dead_receivers_hold_up_nobody(database: Database) -> None:
    """More of them hang than a worker has places, and the living one is told at once."""
    courier = Courier(database, seconds=PATIENCE)
    async with receiving(never) as dead, receiving() as living:
        for number in range(20):
            await courier.endpoint(dead.url, events=[f"dead.{'x' * number}y"])
        async with database.driver_transaction() as connection:
            await connection.execute("UPDATE webhook_endpoints SET failures = 1")
        await courier.endpoint(living.url, events=["booking.created"])
        await courier.happened(*(f"dead.{'x' * number}y" for number in range(20)))
        await courier.happened(*(20 * ["booking.created"]))
        async with running(courier), asyncio.timeout(PATIENCE):
            await until(lambda: len(living.arrived) == 20 and len(dead.arrived) == 4)
            # What arrived is not written down yet.
            while (await courier.states()).count("delivered") < 20:
                await turns()


async def test_one_that_begins_to_hang_leaves_places_to_others(database: Database) -> None:
    courier = Courier(database, seconds=PATIENCE)
    async with receiving(never) as dead, receiving() as living:
        await courier.endpoint(dead.url)
        await courier.happened(*(10 * ["a.a"]))
        await courier.endpoint(living.url, events=["booking.created"])
        async with running(courier), asyncio.timeout(PATIENCE):
            await until(lambda: len(dead.arrived) == 4)
            await courier.happened("booking.created")
            await until(lambda: bool(living.arrived))


async def test_a_host_that_is_dead_is_asked_less_and_less(database: Database) -> None:
    courier = Courier(database)
    async with receiving(always(500)) as receiver:
        endpoint_id, _ = await courier.endpoint(receiver.url)
        await courier.happened(*(100 * ["booking.created"]))
        for _ in range(60):
            await courier.later(seconds=60)
        # Else it would have been asked for each of a hundred, three times.
        assert 5 < len(receiver.arrived) < 25
        stored = await courier.stored(endpoint_id)
        assert stored["rests_until"] > courier.clock.now()
        receiver.answer = always(204)
        for _ in range(3):
            await courier.later(hours=3)
        assert set(await courier.states()) == {"delivered"}


async def test_once_sends_all_that_is_due_however_slow_the_endpoint_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = Courier(database)
    monkeypatch.setattr(sending_job, "PAUSE_SECONDS", 0)
    async with receiving(always(204)) as receiver:
        await courier.endpoint(receiver.url)
        await courier.happened(*(20 * ["booking.created"]))
        await courier.job.once()
        assert await courier.states() == 20 * ["delivered"]


async def test_a_worker_that_stops_finishes_what_it_has_begun(database: Database) -> None:
    courier, may_answer = Courier(database), asyncio.Event()

    async def slowly(got: object) -> bytes:
        await may_answer.wait()
        return b"HTTP/1.1 204 Done\r\n\r\n"

    async with receiving(slowly) as receiver:
        await courier.endpoint(receiver.url)
        await courier.happened("booking.created")
        async with asyncio.timeout(PATIENCE):
            async with running(courier, last=PATIENCE):
                await until(lambda: bool(receiver.arrived))
                asyncio.get_running_loop().call_later(0.05, may_answer.set)
        assert await courier.states() == ["delivered"]

    async with receiving(never) as receiver:
        await courier.endpoint(receiver.url, events=["a.a"])
        await courier.happened("a.a")
        async with running(courier):
            await until(lambda: bool(receiver.arrived))
    assert (await courier.states())[-1] == "sending"


@asynccontextmanager
async def running(courier: Courier, *, last: float = 0.01) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending_job, "PAUSE_SECONDS", 0.01)
        patch.setattr(sending_job, "LAST_SECONDS", last)
        async with courier.job.running():
            yield


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def certificates(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a client trusts, and what a server of this name has."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    trusted = ssl.create_default_context(cadata=pem.decode())
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with kept(pem + private) as path:
        served.load_cert_chain(path)
    return trusted, served


@contextmanager
def kept(content: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)
