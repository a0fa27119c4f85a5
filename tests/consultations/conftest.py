"""One server of the worker's application for each test that opens sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.platform.real_server import RealServer, real_server, until
from tests.stage import Stage

RELAY: dict[str, Any] = {
    "ice_servers": "stun:turn.example.com:3478",
    "turn_url": "turns:turn.example.com:443?transport=tcp",
    "turn_secret": "a secret of the relay",
}


@pytest.fixture
async def server(database_url: str, stage: Stage) -> AsyncIterator[RealServer]:
    async with real_server(stage) as server:
        yield server
        live = server.api.container.consultations.live()
        await until(lambda: not live._open)
