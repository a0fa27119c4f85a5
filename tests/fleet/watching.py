"""Clients of the fleet that look: at what they have just written, at a stream, at a room."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from websockets.exceptions import WebSocketException

from booking_lab.race.deployment import CONNECTIONS, TIMEOUT_SECONDS, Deployment
from tests.api import Person
from tests.consultations.surgery import Surgery, page
from tests.integrations.reading import Reader, Told

AGAIN_SECONDS = 0.2
TROUBLE = (httpx.HTTPError, WebSocketException, OSError, EOFError, TimeoutError)


@dataclass
class Looks:
    """What clients saw that searched at once for what they had booked."""

    made: int = 0
    unanswered: int = 0
    still_offered: list[str] = field(default_factory=list)


class Looking(httpx.AsyncBaseTransport):
    """Searches for a slot as soon as its booking is acknowledged, and only then passes that on.

    Until then nobody changes the booking: the slot must not be offered.
    """

    def __init__(self, looks: Looks) -> None:
        # One connection more, for the search.
        limits = httpx.Limits(max_connections=CONNECTIONS + 1)
        self._inner = httpx.AsyncHTTPTransport(limits=limits, verify=False)
        self._looks = looks

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if (request.method, request.url.path, answer.status_code) != ("POST", "/v1/bookings", 201):
            return answer
        content = await answer.aread()
        await self._look(request, json.loads(content))
        headers = [one for one in answer.headers.raw if one[0].lower() != b"content-encoding"]
        return httpx.Response(201, headers=headers, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _look(self, booked: httpx.Request, booking: dict[str, Any]) -> None:
        looks, slot_id = self._looks, booking["time_slot_id"]
        params = {
            "doctor_id": booking["doctor"]["id"],
            "from": booking["starts_at"],
            "to": booking["ends_at"],
        }
        url = booked.url.copy_with(path="/v1/slots", query=None)
        search = httpx.Request("GET", url.copy_merge_params(params), extensions=booked.extensions)
        found = await self._inner.handle_async_request(search)
        told = json.loads(await found.aread())
        if found.status_code != 200:
            looks.unanswered += 1
            return
        looks.made += 1
        if slot_id in {one["id"] for one in told["items"]}:
            looks.still_offered.append(slot_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(Deployment):
    """A deployment whose clients look."""

    looks: Looks

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url, timeout=TIMEOUT_SECONDS, transport=Looking(self.looks)
        )


@dataclass
class Follower:
    """Follows a stream, and comes again with the last place that it knows."""

    url: str
    path: str
    params: dict[str, str]
    take: Callable[[Told], None]
    headers: dict[str, str] = field(default_factory=dict)
    place: str = ""
    came: int = 0

    async def follow(self) -> None:
        while True:
            with suppress(*TROUBLE):
                await self._once()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self) -> None:
        headers = self.headers | ({"Last-Event-ID": self.place} if self.place else {})
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=30, verify=False) as client,
            client.stream("GET", self.path, params=self.params, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                return
            self.came += 1
            reader = Reader(answer)
            while True:
                told = await reader.next()
                self.take(told)
                self.place = told.id or self.place


@dataclass
class Talker:
    """A page in a room, which comes again; `says` something again and again until it is over."""

    url: str
    room: Surgery
    by: Person
    says: str = ""
    client: str = field(default_factory=lambda: str(uuid4()))
    said: list[str] = field(default_factory=list)
    heard: list[tuple[int, str]] = field(default_factory=list)
    came: int = 0
    is_over: bool = False

    async def talk(self) -> None:
        while not (self.is_over and self.says and not self._waits):
            with suppress(*TROUBLE):
                await self._once()
            await asyncio.sleep(AGAIN_SECONDS)

    @property
    def _waits(self) -> bool:
        """Whether something was said that is not stored for sure."""
        return len(self.said) > sum(text.startswith(self.says) for _, text in self.heard)

    async def _once(self) -> None:
        path = f"/v1/bookings/{self.room.id}/consultation"
        async with httpx.AsyncClient(base_url=self.url, timeout=30, verify=False) as client:
            answer = await client.get(path, headers=self.by.headers)
        if answer.status_code != 200:
            return
        last = self.heard[-1][0] if self.heard else 0
        ws = self.url.replace("http", "ws", 1)
        async with page(ws, answer.json(), client=self.client, last_seq=last) as (one, _):
            self.came += 1
            while True:
                if self.says and not self.is_over and not self._waits:
                    self.said.append(str(uuid4()))
                if self.says and self._waits:
                    text = f"{self.says} {len(self.said)}"
                    await one.say("chat", id=self.said[-1], text=text)
                elif self.says:
                    return
                self._note(await one.hear("chat"))
                await asyncio.sleep(AGAIN_SECONDS if self.says else 0)

    def _note(self, frame: dict[str, Any]) -> None:
        if not self.heard or frame["seq"] > self.heard[-1][0]:
            self.heard.append((frame["seq"], frame["text"]))
