"""Swagger's page, used as a front-end developer uses it: by looking and clicking."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page, Route, async_playwright

NAME = "booking.example.com"
"""The pages ask more of the outside for a site with a name than for 127.0.0.1."""
SECONDS = 120


@dataclass
class Watched:
    """A page in a browser without a network, and what it tried and complained of."""

    page: Page
    site: str
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    asked: int = 0
    """How many requests there were, of all kinds."""

    async def visit(self, path: str) -> None:
        await self.page.goto(f"{self.site}{path}")

    async def settle(self) -> None:
        """Wait until the page has asked for nothing for a second: some come late."""
        before = -1
        while before != self.asked:
            before = self.asked
            await asyncio.sleep(1)

    async def let_through(self, route: Route) -> None:
        self.asked += 1
        if route.request.url.startswith(f"{self.site}/"):
            await route.continue_()
        else:
            self.outside.append(route.request.url)
            await route.abort()

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[Watched]:
    """A browser that finds nothing but the API at this address, under a name of its own."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "this proof needs Chromium: `apt-get install chromium` brings it"
    port = urlsplit(address).port
    arguments = ["--no-sandbox", f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND"]
    async with async_playwright() as started:
        browser = await started.chromium.launch(executable_path=program, args=arguments)
        page = await browser.new_page(viewport={"width": 1100, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        watched = Watched(page, f"http://{NAME}:{port}")
        await page.route("**/*", watched.let_through)
        page.on("console", watched.hear)
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        yield watched
        await browser.close()


class Swagger:
    """What can be done on the page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def authorize(self, username: str, password: str) -> None:
        """The dialog behind the lock, with no word about clients."""
        await self._page.locator(".auth-wrapper button.authorize").click()
        dialog = self._page.locator(".modal-ux")
        form = dialog.locator(".auth-container").filter(has_text="OAuth2, password")
        await form.locator("#oauth_username").fill(username)
        await form.locator("#oauth_password").fill(password)
        await form.get_by_role("button", name="Apply given OAuth2 credentials").click()
        await form.locator("button", has_text="Logout").wait_for()
        await dialog.locator("button.close-modal").click()

    async def execute(
        self, operation: str, body: object = None, **parameters: object
    ) -> tuple[int, Any]:
        """Try an operation out; what the page then shows as status and body."""
        block = self._page.locator(f"#operations-{operation}")
        if "is-open" not in (await block.get_attribute("class") or ""):
            await block.locator(".opblock-summary-control").click()
            await block.get_by_role("button", name="Try it out").click()
        for name, value in parameters.items():
            await block.locator(f'tr[data-param-name="{name}"] input').fill(str(value))
        if body is not None:
            await block.locator("textarea.body-param__text").fill(json.dumps(body, indent=2))
        async with self._page.expect_response(lambda one: "/v1/" in one.url) as coming:
            await block.locator("button.execute").click()
        answer = await coming.value
        shown = block.locator(
            ".live-responses-table .response", has_text=answer.headers["x-request-id"]
        )
        told = answer.status, await answer.json()
        # The page may still be drawing: the body of the answer before can stand beside the new id.
        for _ in range(10 * SECONDS):
            read = await _shown(shown)
            if read == told:
                break
            await asyncio.sleep(0.1)
        return read

    async def picture(self, operation: str, place: Path) -> None:
        """The operation with its answer, without the command that holds a token."""
        await self._page.add_style_tag(content=".curl-command { display: none }")
        await self._page.set_viewport_size({"width": 1100, "height": 1500})
        await self._page.locator(f"#operations-{operation}").evaluate("e => e.scrollIntoView()")
        await self._page.screenshot(path=place)


async def _shown(answer: Locator) -> tuple[int, Any]:
    status = await answer.locator(".response-col_status").inner_text()
    text = await answer.locator(".highlight-code").first.inner_text()
    return int(status.split()[0]), json.loads(text[text.index("{") : text.rindex("}") + 1])
