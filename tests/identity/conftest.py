"""The worlds that tests of identity take place in."""

from collections.abc import AsyncIterator

import pytest

from booking_system.platform.postgres.transaction import Database
from tests.identity.site import Site, running_site
from tests.identity.world import World


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    """One contract for the fake and for PostgreSQL: each test runs over both."""
    if request.param == "memory":
        return World.in_memory()
    return World.over(request.getfixturevalue("database"))


@pytest.fixture
def real_world(database: Database) -> World:
    """PostgreSQL only: races, and what other processes see."""
    return World.over(database)


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    """Identity over HTTP, with one account."""
    async with running_site(database) as site:
        yield site
