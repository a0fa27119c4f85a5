"""The addresses of providers in the whole application."""

from collections.abc import AsyncIterator

import pytest

from tests.api import Api
from tests.notifications.reports.office import Office
from tests.stage import Stage

OFFICE = Office()
ROUTES = OFFICE.routes()


@pytest.fixture
def office() -> Office:
    OFFICE.empty()
    return OFFICE


@pytest.fixture
async def hooks(database_url: str, stage: Stage, office: Office) -> AsyncIterator[Api]:
    async with stage.api(ROUTES) as api:
        yield api
