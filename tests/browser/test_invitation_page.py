"""The page on which the link of an invitation ends, in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api import Api, running_api
from tests.browser.swagger import Watched, browsing
from tests.servers import serving

pytestmark = pytest.mark.proof
CHIEF = {"email": "chief@example.com", "full_name": "Example Chief", "role": "clinic_admin"}
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


async def link_of(api: Api, clinic_id: str, **about: str) -> str:
    made = await api.made(f"/v1/clinics/{clinic_id}/staff", CHIEF | about)
    return "/invitation#" + str(made["accept_url"]).partition("#")[2]


async def test_a_link_is_accepted_with_a_new_account_and_with_an_old_one(
    api: Api, browser: Watched
) -> None:
    clinic = await api.clinic()
    page = browser.page
    await browser.visit(await link_of(api, clinic["id"]))
    await page.get_by_text("invites you to be an administrator there").wait_for()
    await page.get_by_label("Choose a password").fill(PASSWORD)
    await page.get_by_role("button", name="Accept with a new account").click()
    await page.get_by_text("Welcome. You are an administrator of").wait_for()
    # The token is not left in the address, which others may see or keep.
    assert page.url.endswith("/invitation")

    await browser.visit(await link_of(api, clinic["id"], role="receptionist"))
    await page.get_by_label("E-mail").fill(CHIEF["email"])
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in and accept").click()
    await page.get_by_text("Welcome. You are a receptionist of").wait_for()

    staff = (await api.get(f"/v1/clinics/{clinic['id']}/staff", api.admin)).json()["items"]
    assert {one["role"] for one in staff} == {"clinic_admin", "receptionist"}
    assert len({one["user_id"] for one in staff}) == 1
    assert browser.complaints == []


async def test_a_link_that_does_not_hold_says_so(api: Api, browser: Watched) -> None:
    await browser.visit("/invitation#" + "A" * 43)
    await browser.page.get_by_text("This link does not hold any more").wait_for()
    assert not await browser.page.get_by_role("button").first.is_visible()


async def test_it_is_accepted_in_german(api: Api, browser: Watched) -> None:
    clinic = await api.clinic(name="Praxis $& am %role")
    page = browser.page
    await page.set_extra_http_headers({"Accept-Language": "de-AT"})
    await browser.visit(await link_of(api, clinic["id"]))
    await page.get_by_text("Praxis $& am %role lädt Sie zur Mitarbeit ein").wait_for()
    await page.get_by_label("Wählen Sie ein Passwort").fill("password12")
    await page.get_by_role("button", name="Mit neuem Konto annehmen").click()
    await page.get_by_text("Dieses Passwort ist zu leicht zu erraten").wait_for()
    await page.get_by_label("Wählen Sie ein Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Mit neuem Konto annehmen").click()
    await page.get_by_text("Ihre Rolle: Verwaltung. Sie können sich jetzt anmelden").wait_for()
