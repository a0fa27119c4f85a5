from collections.abc import AsyncIterator
from pathlib import Path

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
async def weave_url(postgres: TestServer) -> AsyncIterator[str]:
    """The address of a database in which nothing but the scene is played."""
    async with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
async def scene(weave_url: str) -> AsyncIterator[Scene]:
    connection = await asyncpg.connect(weave_url)
    scene = Scene(connection)
    await scene.build()
    yield scene
    await connection.close()


@pytest.fixture
async def replay(weave_url: str, scene: Scene, tmp_path: Path) -> AsyncIterator[Replay]:
    await scene.again()
    database = Database.at(sqlalchemy_url(weave_url), pool_size=2)
    yield Replay(Service(weave_url, database, tmp_path))
    await database.close()


@pytest.fixture(scope="session")
async def weaver(weave_url: str) -> AsyncIterator[Weaver]:
    async with weaver_at(weave_url) as weaver:
        yield weaver
