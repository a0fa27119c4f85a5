"""A payer's pages in a real browser, at the width of a telephone: paid in time, and too late."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.api import Api, Person, running_api
from tests.browser.swagger import Watched, browsing
from tests.payments.test_payments_http import Counter, Made
from tests.servers import serving

pytestmark = pytest.mark.proof
PHONE = {"width": 375, "height": 740}


async def checkout(counter: Counter, by: Person, slot: int) -> tuple[Made, str]:
    """A booking that waits, and the path of its checkout."""
    booking = await counter.book(by, slot)
    payment = await counter.begin(booking, by)
    return booking, "/" + str(payment["checkout_url"]).split("/", 3)[3]


def result(api: Api, booking: Made) -> str:
    """The path that the payer comes back to."""
    link = api.container.payments.links().link(UUID(booking["id"]))
    return "/" + link.split("/", 3)[3]


async def fits(watched: Watched) -> None:
    width = await watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "nothing is to be scrolled sideways"


async def test_who_pays_sees_it_confirmed_and_who_is_late_reads_what_became_of_it(
    database_url: str, tmp_path: Path
) -> None:
    async with running_api(database_url, tmp_path) as api:
        counter, patient, rival = await Counter.open(api), await api.patient(), await api.patient()
        with serving(database_url, tmp_path, processes=1) as address:
            async with browsing(address) as watched:
                page = watched.page
                await page.set_viewport_size(PHONE)
                booking, path = await checkout(counter, patient, 0)
                await watched.visit(path)
                await page.get_by_text("no money moves here").wait_for()
                await page.get_by_role("button", name="Have the card declined").click()
                await page.get_by_text("The card was declined").wait_for()
                await fits(watched)
                await page.screenshot(path=tmp_path / "declined.png")
                await watched.visit(result(api, booking))
                await page.get_by_text("We are checking your payment").wait_for()
                await watched.visit(path)
                await page.get_by_role("button", name="Pay €50.00").click()
                await page.get_by_text("Paid.").wait_for()
                await counter.work()
                await watched.visit(result(api, booking))
                await page.get_by_role("heading", name="Your appointment is confirmed").wait_for()
                await fits(watched)

                late, path = await checkout(counter, patient, 1)
                await watched.visit(path)
                await page.get_by_role("button", name="Let the checkout run out").click()
                await page.get_by_text("This checkout is over").wait_for()
                await counter.work()
                await counter.time_goes_by(late)
                await api.container.booking.expire_unpaid()()
                await counter.book(rival, 1)
                await page.get_by_role("button", name="Pay too late").click()
                await page.get_by_text("Paid.").wait_for()
                await counter.work()
                await watched.visit(result(api, late))
                await page.get_by_text(
                    "What you paid all the same goes back to you, all of it."
                ).wait_for()
                await page.screenshot(path=tmp_path / "late.png")
                assert await counter.booked(late, patient) == ("expired", "refunded")
                assert watched.complaints == []
