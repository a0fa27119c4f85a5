"""Downloads that are under way: they end with the right of their reader, and never look whole."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message

from booking_system.platform.http import byte_stream
from booking_system.platform.http.lives import ABORT
from tests.api import Person
from tests.client import SITE
from tests.files.conftest import Visit, a_visit
from tests.files.sending import PDF, Files
from tests.patience import soon

CONTENT = PDF[:9] + bytes(2 * 2**20) + b"\n%%EOF\n"


@dataclass
class Reader:
    """A client that has read one piece and reads on when it is told to."""

    files: Files
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    read: int = 0
    is_whole: bool = False

    async def gets(self, path: str, by: Person | None = None) -> None:
        headers = [(b"host", b"test")]
        if by is not None:
            headers += [(key.lower().encode(), one.encode()) for key, one in by.headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "headers": headers,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "server": ("test", None),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "state": {ABORT: self.gone.set},
        }
        await self.files.api.app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.read += len(message["body"])
        self.is_whole = not message.get("more_body", False)
        self.began.set()
        await self.goes_on.wait()


async def a_large_document(files: Files) -> tuple[Visit, dict[str, Any]]:
    visit = await a_visit(files.api)
    file = await files.stored("booking_document", visit.booking, visit.patient, CONTENT)
    return visit, (await files.api.get(f"/v1/files/{file['id']}", visit.patient)).json()


@pytest.mark.parametrize("way", ["by link", "by token"])
async def test_one_that_is_under_way_ends_with_the_session(disk: Files, way: str) -> None:
    visit, file = await a_large_document(disk)
    reader, lives = Reader(disk), disk.api.app.state.lives
    by_link = file["download_url"].removeprefix(SITE), None
    by_token = f"/v1/files/{file['id']}/content", visit.patient
    reading = asyncio.create_task(reader.gets(*(by_link if way == "by link" else by_token)))
    await reader.began.wait()
    (life,) = lives._open
    signed_out = await disk.api.post("/v1/auth/sign-out", None, visit.patient)
    assert signed_out.status_code == 204
    await soon(lambda: life.reason is not None)
    assert life.reason == "access_ended"
    reader.goes_on.set()
    await reading
    assert (reader.status, reader.is_whole, reader.gone.is_set()) == (200, False, True)
    assert 0 < reader.read < len(CONTENT)
    assert len(lives) == 0


async def test_of_one_that_goes_on_all_arrives(disk: Files) -> None:
    _, file = await a_large_document(disk)
    reader = Reader(disk)
    reader.goes_on.set()
    await reader.gets(file["download_url"].removeprefix(SITE))
    assert (reader.status, reader.read) == (200, len(CONTENT))
    assert (reader.is_whole, reader.gone.is_set()) == (True, False)


async def test_one_whose_object_goes_breaks_off(disk: Files) -> None:
    visit, file = await a_large_document(disk)
    objects = disk.objects
    reader = Reader(disk)
    pieces = type(objects).read

    async def failing(self: object, key: str, start: int, end: int) -> Any:
        async for piece in pieces(self, key, start, end):  # type: ignore[arg-type]
            yield piece[:1000]
            raise LookupError(key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(objects), "read", failing)
        reader.goes_on.set()
        await reader.gets(f"/v1/files/{file['id']}/content", visit.patient)
    assert (reader.status, reader.is_whole, reader.gone.is_set()) == (200, False, True)
    assert 0 < reader.read < len(CONTENT)


async def test_who_reads_nothing_loses_the_connection(
    disk: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_stream, "SEND_SECONDS", 0.05)
    _, file = await a_large_document(disk)
    reader = Reader(disk)
    await reader.gets(file["download_url"].removeprefix(SITE))
    assert (reader.is_whole, reader.gone.is_set()) == (False, True)
    assert len(disk.api.app.state.lives) == 0
