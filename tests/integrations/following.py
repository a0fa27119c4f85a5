"""A booking page that follows live slots: what it shows is what it read, and what it was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_system.integrations.adapters.live_pages import Here
from booking_system.integrations.adapters.live_slots import LiveSlots
from booking_system.integrations.domain.live_slots import SlotState, Wanted
from booking_system.scheduling.domain.search import search_range
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId
from tests.api import Api
from tests.patience import PATIENCE

Params = dict[str, str]


class Page:
    """One page. It comes again with its last place each time it was told `most` things.

    Each time it was told `anew` things it reads anew what it shows, as people do.
    """

    def __init__(self, api: Api, live: LiveSlots, params: Params, most: int, anew: int = 5) -> None:
        self.api, self.live, self.params, self.most, self.anew = api, live, params, most, anew
        self.shown: set[str] = set()
        self.place: int | None = None
        self.heard = self.came_again = self.resets = 0
        self.is_there = asyncio.Event()

    def wanted(self) -> Wanted:
        now = self.api.container.clock().now()
        given: dict[str, Any] = {
            name: UUID(self.params[name]) if name in self.params else None
            for name in ("doctor_id", "service_id")
        }
        since, until = (_instant(self.params[name]) for name in ("from", "to"))
        return Wanted(
            clinic_id=ClinicId(UUID(self.params["in"])),
            doctor_id=given["doctor_id"] and DoctorId(given["doctor_id"]),
            service_id=given["service_id"] and ServiceId(given["service_id"]),
            period=search_range(since, until, now=now),
        )

    async def read(self, **narrower: Any) -> set[str]:
        """Ask the search anew."""
        params: Params = {name: one for name, one in self.params.items() if name != "in"}
        params |= {name: one for name, one in narrower.items() if one is not None}
        found: set[str] = set()
        cursor: Params = {}
        while True:
            answer = await self.api.get("/v1/slots", limit=200, **params, **cursor)
            if answer.status_code == 422:
                return found
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found |= {one["id"] for one in page["items"]}
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def follow(self) -> None:
        while True:
            await self._once()
            self.came_again += 1

    async def _once(self) -> None:
        stream = self.live.follow(self.wanted(), self.place)
        told = 0
        try:
            async for one, seq in stream:
                if isinstance(one, Here):
                    if not self.is_there.is_set():
                        self.shown = await self.read()
                        self.is_there.set()
                elif isinstance(one, SlotState):
                    (self.shown.add if one.is_open else self.shown.discard)(str(one.id))
                    self.heard += 1
                else:
                    self.resets += 1
                    self.shown = await self.read()
                if seq is not None:
                    self.place = seq
                told += 1
                if told % self.anew == 0:
                    self.shown = await self.read()
                if told >= self.most:
                    return
        finally:
            await stream.aclose()

    async def agrees(self) -> None:
        """Wait until it shows what the search answers."""
        async with asyncio.timeout(PATIENCE):
            while self.shown != await self.read():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@asynccontextmanager
async def following(*pages: Page) -> AsyncIterator[None]:
    """Follow for as long as the block lasts; all have read what there is when it begins."""
    tasks = [asyncio.create_task(page.follow()) for page in pages]
    try:
        async with asyncio.timeout(PATIENCE):
            for page in pages:
                await page.is_there.wait()
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
