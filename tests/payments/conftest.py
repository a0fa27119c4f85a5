"""An application whose providers are emulators, with several accounts each."""

from collections.abc import AsyncIterator

import pytest

from tests.payments.emulators.several import Several
from tests.payments.own.house import House, a_house, lines
from tests.stage import Stage


@pytest.fixture(scope="session")
async def provider_lines() -> AsyncIterator[tuple[Several, Several]]:
    """Where Stripe and PayPal listen."""
    async with lines() as listening:
        yield listening


@pytest.fixture
async def house(
    stage: Stage, database_url: str, provider_lines: tuple[Several, Several]
) -> AsyncIterator[House]:
    """New accounts at both; what was asked of them is looked at in the end."""
    del database_url
    async with a_house(stage, provider_lines) as house:
        yield house
