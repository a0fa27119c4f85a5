"""The pages on which the links of mails end, in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_system.shared_kernel.identifiers import UserId
from tests.api import Api, Person, running_api
from tests.browser.swagger import Watched, browsing
from tests.servers import serving

pytestmark = pytest.mark.proof
PASSWORD = "three quiet otters"


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(database_url, tmp_path) as api:
        yield api


@pytest.fixture
async def browser(api: Api, database_url: str, tmp_path: Path) -> AsyncIterator[Watched]:
    with serving(database_url, tmp_path) as address:
        async with browsing(address) as watched:
            yield watched


async def is_proved(api: Api, one: Person) -> bool:
    return (await api.get("/v1/me", one)).json()["email_verified"] is True


async def test_an_address_is_proved_by_a_press_of_a_button(api: Api, browser: Watched) -> None:
    one = await api.person()
    link = await api.container.identity.verification_link()(UserId(one.user_id))
    assert link is not None
    page = browser.page
    await browser.visit(f"/verify-email#{link.token}")
    button = page.get_by_role("button", name="Yes, it is mine")
    await button.wait_for()
    assert not await is_proved(api, one)
    await button.click()
    await page.get_by_text("Thank you: your address is confirmed.").wait_for()
    # The token is not left in the address, which others may see or keep.
    assert page.url.endswith("/verify-email")
    assert await is_proved(api, one)
    await browser.visit("/verify-email")
    await page.get_by_text("This link is not complete").wait_for()
    assert browser.complaints == []


async def test_a_new_password_is_chosen_and_a_link_asked_for(api: Api, browser: Watched) -> None:
    one = await api.person()
    link = await api.container.identity.reset_link()(UserId(one.user_id))
    assert link is not None
    page = browser.page
    await browser.visit(f"/reset-password#{link.token}")
    await page.get_by_label("Choose a new password").fill(PASSWORD)
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_text("you are signed out everywhere").wait_for()
    assert page.url.endswith("/reset-password")
    assert (await api.get("/v1/me", one)).status_code == 401
    await browser.visit("/reset-password")
    await page.get_by_label("E-mail").fill(f"{one.user_id}@example.com")
    await page.get_by_role("button", name="Send me a link").click()
    await page.get_by_text("a mail is on its way").wait_for()
    assert browser.complaints == []


async def test_a_new_password_is_chosen_in_german(api: Api, browser: Watched) -> None:
    one = await api.person()
    link = await api.container.identity.reset_link()(UserId(one.user_id))
    assert link is not None
    page = browser.page
    await page.set_extra_http_headers({"Accept-Language": "de"})
    await browser.visit(f"/reset-password#{link.token}")
    await page.get_by_label("Wählen Sie ein neues Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Passwort ändern").click()
    await page.get_by_text("Sie sind überall abgemeldet").wait_for()
    await browser.visit(f"/reset-password#{link.token}")
    await page.get_by_label("Wählen Sie ein neues Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Passwort ändern").click()
    await page.get_by_text("Dieser Link gilt nicht mehr").wait_for()
