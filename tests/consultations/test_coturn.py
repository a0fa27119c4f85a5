"""A real relay, coturn, takes the credentials that pages are given, and none that have ended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from booking_system.consultations.domain.ice import IceSettings
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.consultations.relay import SECRET, coturn
from tests.patience import PATIENCE

pytestmark = pytest.mark.proof
PARTY = Party(
    room_id=AppointmentId(UUID(int=1)),
    seat=Seat.PATIENT,
    user_id=UUID(int=2),
    subject_id=UUID(int=3),
    session_id=None,
)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[int]:
    """The port of it."""
    async with coturn(tmp_path) as started:
        yield started.port


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
