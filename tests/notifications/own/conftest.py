"""An application that may speak with this machine."""

from collections.abc import AsyncIterator, Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests.api import Api
from tests.stage import Stage


@pytest.fixture
async def near(stage: Stage, database_url: str) -> AsyncIterator[Api]:
    """Mail servers of clinics may be on this machine."""
    del database_url
    async with stage.api(webhook_allow_private=True) as api:
        yield api


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Amazon's mail and SMS, as moto plays them."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
