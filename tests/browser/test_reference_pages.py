"""The API's two reference pages in a real browser that has no network."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api import Api, running_api
from tests.browser.swagger import Swagger, Watched, browsing
from tests.servers import serving

pytestmark = pytest.mark.proof
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "swagger-booking.png"
WANTED = "TAKE_SCREENSHOTS"
"""The variable of the environment that asks for the picture anew."""
PATIENT = {
    "email": "patient@example.com",
    "password": "three quiet otters",
    "full_name": "Example Patient",
}
TAKEN = "Failed to load resource: the server responded with a status of 409 (Conflict)"


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path) as api:
        yield api


@pytest.fixture
async def browser(api: Api, database_url: str, tmp_path: Path) -> AsyncIterator[Watched]:
    with serving(database_url, tmp_path) as address:
        async with browsing(address) as watched:
            yield watched


async def test_a_developer_books_by_clicking_without_a_network(api: Api, browser: Watched) -> None:
    await api.slot()
    swagger = Swagger(browser.page)
    await browser.visit("/docs")

    status, _ = await swagger.execute("Identity-register_account", PATIENT)
    assert status == 201
    await swagger.authorize(PATIENT["email"], PATIENT["password"])
    status, found = await swagger.execute("Slots-search_slots", limit=5)
    assert status == 200
    (slot,) = found["items"]

    wish = {"time_slot_id": slot["id"], "reason": "First visit"}
    status, booked = await swagger.execute("Bookings-create_booking", wish)
    assert (status, booked["status"]) == (201, "confirmed")
    if os.environ.get(WANTED):
        await swagger.picture("Bookings-create_booking", PICTURE)
    assert browser.complaints == []

    status, refused = await swagger.execute("Bookings-create_booking", wish)
    assert (status, refused["code"]) == (409, "slot_already_booked")
    await browser.settle()
    assert browser.complaints == [TAKEN]
    assert browser.outside == []


async def test_the_page_to_read_renders_without_a_network(browser: Watched) -> None:
    await browser.visit("/redoc")
    await browser.page.get_by_role("heading", name="Book a time slot").first.wait_for()
    await browser.settle()
    assert browser.outside == []
    assert browser.complaints == []
