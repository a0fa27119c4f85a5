from collections.abc import AsyncIterator

import asyncpg
import pytest

from booking_lab.weave.replay import Replay
from booking_lab.weave.scene import Scene
from booking_lab.weave.service import Service
from booking_lab.weave.weaver import Weaver, weaver_at
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.postgres import TestServer


@pytest.fixture(scope="session")
async def scene_url(postgres: TestServer) -> AsyncIterator[str]:
    """The address of a database in which the scene stands; whoever commits brings it back."""
    async with postgres.database() as url:
        connection = await asyncpg.connect(url)
        await Scene(connection).build()
        await connection.close()
        yield url


@pytest.fixture
async def replay(scene_url: str) -> AsyncIterator[Replay]:
    database = Database.at(sqlalchemy_url(scene_url), pool_size=2)
    yield Replay(Service(scene_url, database))
    await database.close()


@pytest.fixture(scope="session")
async def weave_url(postgres: TestServer) -> AsyncIterator[str]:
    """The address of a database in which nothing but the weave happens."""
    async with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
async def weaver(weave_url: str) -> AsyncIterator[Weaver]:
    async with weaver_at(weave_url) as weaver:
        yield weaver
