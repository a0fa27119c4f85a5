"""What emulators of providers share: a server on loopback, and how they misbehave on command."""

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.notifications.carriers.listening import listening

BEGINNING = datetime(2027, 3, 1, 9, tzinfo=UTC)


class Hands:
    """A clock that is moved by hand."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def pass_by(self, **time: float) -> None:
        self._now += timedelta(**time)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it came; `key` is the idempotency key."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    key: str | None = None

    @property
    def what(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook, as it would arrive."""

    id: str
    kind: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cut:
    """The answer is cut: all is done, and the connection breaks before the answer, or within it."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Deaf:
    """The connection breaks before anything is done."""


@dataclass(frozen=True, slots=True)
class Slow:
    """All is done, and the answer comes when `until` is set; the caller may have left by then."""

    until: asyncio.Event


@dataclass(frozen=True, slots=True)
class Says:
    """Another answer; `does` says whether what was asked is done as well."""

    answer: Answer
    does: bool = False


Misbehaviour = Cut | Deaf | Slow | Says


def busy(retry_after: str | None = None) -> Says:
    rest = {} if retry_after is None else {"Retry-After": retry_after}
    return Says(Answer(429, b'{"error":{"type":"invalid_request_error"}}', rest))


@dataclass(slots=True)
class _Told:
    what: re.Pattern[str]
    how: Misbehaviour
    times: int


class Emulator(ABC):
    """Serves one provider's protocol. All that happens there is a method of its subclass.

    `calls` are the requests so far, and `faults` what of requests or answers was not as the vendor
    describes it: looked at when `serving` ends, since an error in a server is nobody's exception.
    """

    def __init__(self, clock: Hands | None = None) -> None:
        self.clock = clock or Hands()
        self.calls: list[Call] = []
        self.faults: list[str] = []
        self.url = ""
        self.tells: Callable[[Delivery], Awaitable[None]] | None = None
        """Where webhooks go by themselves, before the answer to what caused them."""
        self._deliveries: list[Delivery] = []
        self._told: list[_Told] = []
        self._number = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Listen on loopback; afterwards nothing may have been against the description."""
        async with listening(self._serve) as port:
            self.url = f"http://127.0.0.1:{port}"
            try:
                yield self.url
            finally:
                assert not self.faults, self.faults

    def misbehave(self, how: Misbehaviour, *, on: str = "", times: int = 1) -> None:
        """The next `times` requests that fit `on` (a pattern such as `POST /v1/refunds`)."""
        self._told.append(_Told(re.compile(on), how, times))

    def events(self) -> list[Delivery]:
        """All webhooks so far, oldest first; to be sent late, twice, or in another order."""
        return list(self._deliveries)

    def called(self, what: str) -> list[Call]:
        """The requests that fit a pattern such as `POST /v1/refunds`."""
        return [call for call in self.calls if re.search(what, call.what)]

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Do what is asked."""

    @abstractmethod
    def key_of(self, headers: Mapping[str, str]) -> str | None: ...

    def _next(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number:08d}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (call := await self._call(reader)) is not None:
            self.calls.append(call)
            how = self._behaviour(call)
            if isinstance(how, Deaf):
                return
            raw = await self._done(call, how)
            if isinstance(how, Cut):
                writer.write(raw[: how.after_bytes])
                await writer.drain()
                return
            if isinstance(how, Slow):
                await how.until.wait()
            writer.write(raw)
            await writer.drain()

    async def _done(self, call: Call, how: Misbehaviour | None) -> bytes:
        before = len(self._deliveries)
        if not isinstance(how, Says) or how.does:
            try:
                answer = self.answer(call)
            except Exception as error:  # noqa: BLE001  (told when the test ends)
                self.faults.append(f"{call.what}: {type(error).__name__}: {error}")
                answer = Answer(500, b"{}")
        if isinstance(how, Says):
            answer = how.answer
        if self.tells is not None:
            for delivery in self._deliveries[before:]:
                await self.tells(delivery)
        fields = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {answer.status} Said\r\n{lines}\r\n".encode() + answer.body

    def _behaviour(self, call: Call) -> Misbehaviour | None:
        for one in self._told:
            if one.times > 0 and one.what.search(call.what):
                one.times -= 1
                return one.how
        return None

    async def _call(self, reader: asyncio.StreamReader) -> Call | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Call(method, parts.path, query, headers, body, self.key_of(headers))


def as_json(value: Any) -> bytes:
    """JSON in the manner of a provider: not as our own library would write it."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
