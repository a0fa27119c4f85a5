"""What the races of booking share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api import Api
from tests.postgres import TestServer
from tests.servers import Crowd, served_api


@pytest.fixture(scope="session")
async def served(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Api, Crowd]]:
    """Two processes that serve, on a database that races fill; each test has clinics of its own."""
    place: Path = tmp_path_factory.mktemp("served")
    async with postgres.database() as url, served_api(url, place) as served:
        yield served
