"""Two browsers' pages in one room, with devices that are not real, on processes that may die."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from booking_system.consultations.adapters.page.assets import read_assets
from tests.api import Person
from tests.platform.instances import Instance, instance

SECONDS = 60
FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
]
WATCHED = """(() => {
  window.watched = { connections: [], sockets: [], loss: 0, lost: 0 };
  const Connection = RTCPeerConnection, Plain = WebSocket;
  window.RTCPeerConnection = class extends Connection {
    constructor(...about) { super(...about); watched.connections.push(this); }
  };
  window.WebSocket = class extends Plain {
    constructor(...about) { super(...about); watched.sockets.push(this); }
    send(text) {
      const isPassedOn = /^\\{"type":"(offer|answer|ice)"/.test(text);
      if (isPassedOn && Math.random() < watched.loss) { watched.lost += 1; return; }
      super.send(text);
    }
  };
  window.framesIn = async () => {
    let frames = 0;
    for (const one of watched.connections) {
      if (one.connectionState === 'closed') continue;
      (await one.getStats()).forEach((told) => {
        if (told.type === 'inbound-rtp' && told.kind === 'video') frames += told.framesDecoded || 0;
      });
    }
    return frames;
  };
})()"""
"""All connections and sockets of a page are kept, to be counted, cut, and robbed of frames."""


class Door:
    """An address in front of several processes: the first in their order that answers is taken."""

    def __init__(self, server: asyncio.Server, targets: list[int]) -> None:
        self.port = server.sockets[0].getsockname()[1]
        self.targets = targets

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    targets: list[int] = []

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        with contextlib.suppress(OSError):
            sink.close()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in targets:
            with contextlib.suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(carry(reader, back), carry(there, writer))
                return
        writer.close()

    server = await asyncio.start_server(come, "127.0.0.1", 0)
    try:
        yield Door(server, targets)
    finally:
        server.close()


@dataclass
class House:
    """Two processes, and a door for each side that leads to one of them while it lives."""

    doors: Sequence[Door]
    instances: Sequence[Instance]


@asynccontextmanager
async def house(database_url: str, place: Path, **settings: object) -> AsyncIterator[House]:
    async with door() as first, door() as second:
        origins = f"{first.http},{second.http}"
        usual: dict[str, object] = {"public_url": "http://test", "cors_origins": origins}
        about = usual | settings
        with (
            instance(database_url, place, **about) as one,
            instance(database_url, place, **about) as other,
        ):
            ports = [int(running.address.rpartition(":")[2]) for running in (one, other)]
            first.targets[:], second.targets[:] = ports, ports[::-1]
            yield House([first, second], [one, other])


@dataclass
class Visitor:
    """A page in a browser of its own, and what it complained of."""

    page: Page
    site: str
    complaints: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    async def frames(self) -> int:
        """Pictures that came in and were decoded, over all connections."""
        count: int = await self.page.evaluate("framesIn()")
        return count

    async def until(self, condition: str) -> None:
        """Wait until the page says so; the browser's own waiting would need `unsafe-eval`."""
        async with asyncio.timeout(SECONDS):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def until_moving(self, more: int = 10) -> None:
        """Wait for so many new pictures."""
        before = await self.frames()
        async with asyncio.timeout(SECONDS):
            while await self.frames() < before + more:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "this proof needs Chromium: `apt-get install chromium` brings it"
    async with async_playwright() as started:
        browser = await started.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def visitor(browser: Browser, site: str, *, script: str = "", **about: Any) -> Visitor:
    """A page of somebody's own; `script` runs in it before all others."""
    context = await browser.new_context(permissions=["camera", "microphone"], **about)
    await context.add_init_script(WATCHED)
    await context.add_init_script(script)
    return watched(await context.new_page(), site)


def watched(page: Page, site: str) -> Visitor:
    page.set_default_timeout(SECONDS * 1000)
    one = Visitor(page, site)
    page.on("console", one.hear)
    page.on("pageerror", lambda error: one.complaints.append(str(error)))
    return one


HOST = """([page, token]) => {
  addEventListener('message', ({ source, origin, data }) => {
    if (origin !== new URL(page).origin || data.type !== 'booking.consultation.wants_token') return;
    source.postMessage({ type: 'booking.consultation.token', access_token: token }, origin);
  });
  open(page);
}"""
"""What a front end does that opens the page and hands over the session that it has."""


async def opened_by_front_end(
    browser: Browser, site: str, path: str, person: Person, *, front_end: str, **about: Any
) -> Visitor:
    """The page, opened by a page of another site that the operator has named."""
    host = await visitor(browser, front_end, **about)
    await host.page.goto(f"{front_end}/health/live")
    async with host.page.context.expect_page() as coming:
        await host.page.evaluate(HOST, [f"{site}{path}", person.token])
    return watched(await coming.value, site)


CALL = """async ([version, bookingId, token, options]) => {
  const base = `/consultation/assets/${version}/call`;
  const { Consultation, partyEntry } = await import(`${base}/consultation.js`);
  const call = new Consultation(partyEntry({ bookingId, token: async () => token }), options);
  window.call = call;
  await call.devices.open();
  call.join();
}"""


async def call_module(one: Visitor, booking_id: str, person: Person, **options: Any) -> None:
    """The module without the page: what a front end of somebody else's does with it."""
    await one.page.goto(f"{one.site}/consultation/{booking_id}")
    await one.page.evaluate(CALL, [read_assets().version, booking_id, person.token, options])
