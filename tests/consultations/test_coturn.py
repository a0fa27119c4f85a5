"""A real relay, coturn, takes the credentials that pages are given, and none that have ended."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from booking_system.consultations.domain.ice import IceSettings
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.patience import PATIENCE

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(
        shutil.which("turnserver") is None, reason="needs coturn: apt-get install coturn"
    ),
]
SECRET = "a secret of the relay"
PARTY = Party(
    room_id=AppointmentId(UUID(int=1)),
    seat=Seat.PATIENT,
    user_id=UUID(int=2),
    subject_id=UUID(int=3),
    session_id=None,
)


def free_port() -> int:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[int]:
    """The port of a coturn as docs/consultations.md sets it up, but for the networks it denies."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "turnserver",
        "-n",
        "--use-auth-secret",
        f"--static-auth-secret={SECRET}",
        "--realm=example.com",
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        f"--listening-port={port}",
        "--allow-loopback-peers",
        "--no-tls",
        "--no-dtls",
        "--no-cli",
        "--log-file=stdout",
        f"--pidfile={tmp_path / 'turn.pid'}",
        f"--userdb={tmp_path / 'turn.db'}",
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(PATIENCE):
        while not await _listens(port):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    yield port
    process.terminate()
    await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def is_relayed(port: int, *, secret: str = SECRET, now: datetime) -> bool:
    """Two clients send each other something by the relay, with what a page was given at an instant.

    coturn's own client does it.
    """
    ice = IceSettings(stun=(), turn=(f"turn:127.0.0.1:{port}",), secret=secret)
    closes_at = now + timedelta(minutes=30)
    (server,) = ice.servers_for(PARTY, closes_at=closes_at, now=now).servers
    assert server.username is not None
    assert server.credential is not None
    process = await asyncio.create_subprocess_exec(
        "turnutils_uclient",
        *("-u", server.username, "-w", server.credential, "-p", str(port)),
        *("-y", "-c", "-n", "3", "127.0.0.1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert told
    return process.returncode == 0 and b"tot_recv_msgs=6" in told


async def test_the_credentials_of_a_page_are_taken(relay: int) -> None:
    assert await is_relayed(relay, now=datetime.now(UTC))


async def test_credentials_that_have_ended_are_refused(relay: int) -> None:
    # Thirty minutes of the window and a quarter of an hour more are over by then.
    assert not await is_relayed(relay, now=datetime.now(UTC) - timedelta(minutes=46))
    assert await is_relayed(relay, now=datetime.now(UTC) - timedelta(minutes=44))


async def test_credentials_of_another_secret_are_refused(relay: int) -> None:
    now = datetime.now(UTC)
    assert not await is_relayed(relay, secret="another secret of it", now=now)
    assert await is_relayed(relay, now=now)
