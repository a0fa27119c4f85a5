"""The addresses of providers in the whole application."""

from collections.abc import AsyncIterator

import pytest

from tests.api import Api
from tests.notifications.reports.office import Office
from tests.platform.own_routes import undocumented

OFFICE = Office()


@pytest.fixture
def office() -> Office:
    OFFICE.empty()
    return OFFICE


@pytest.fixture
async def hooks(api: Api, office: Office) -> AsyncIterator[Api]:
    with office.behind(api.container.notifications.report_routes()):
        async with undocumented(api):
            yield api
