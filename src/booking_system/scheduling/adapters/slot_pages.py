"""Pages of a search: made once, and sent again while the database says that nothing has changed."""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Request, Response

from booking_system.platform.http.answers import JsonAnswer, RawHeader, json_bytes, raw_headers
from booking_system.platform.http.heads import header_of
from booking_system.platform.http.pagination import cursor_after, link_to_next, position_of
from booking_system.scheduling.domain.search import FoundSlot, SlotSearch, search_range
from booking_system.shared_kernel.clock import Clock

LONGEST_TAGS = 2000
MOST_KEPT = 1000
"""Pages; one of a week has some 25 kB."""

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=LONGEST_TAGS)]


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """A query that has passed the input layer: as it was sent, and what it wants."""

    filters: dict[str, Any]
    wanted: dict[str, Any]
    since: datetime | None
    until: datetime | None
    limit: int
    cursor: str | None

    def search(self, now: datetime) -> SlotSearch:
        """Return the search that it means at this instant."""
        return SlotSearch(
            period=search_range(self.since, self.until, now=now),
            after=position_of(self.cursor, self.filters),
            limit=self.limit,
            **self.wanted,
        )


@dataclass(slots=True)
class RememberedPage:
    """What a query asked for, and the page that it got last."""

    asked: SlotQuery
    digest: Hashable
    body: bytes
    headers: dict[str, str]
    raw: Sequence[RawHeader]
    """The same headers, as they are sent."""
    has_any: bool


class SlotPages:
    """The same query, letter by letter, is read once and its page is made once.

    Before a page is sent again the database is asked for a digest of the rows that it shows, so
    nobody sees a slot that was taken before they asked, whichever process took it.
    """

    def __init__(
        self,
        *,
        find: Callable[[SlotSearch], Awaitable[Sequence[FoundSlot]]],
        digest: Callable[[SlotSearch], Awaitable[Hashable]],
        clock: Clock,
    ) -> None:
        """`find` and `digest` look at the same rows."""
        self._find = find
        self._digest = digest
        self._clock = clock
        self._kept: OrderedDict[bytes, RememberedPage] = OrderedDict()

    async def again(self, request: Request) -> Response | None:
        """Answer a query that was asked before; None for any other."""
        kept = self._kept.get(request.scope["query_string"])
        tags = header_of(request.scope, b"if-none-match")
        if kept is None or (tags is not None and len(tags) > LONGEST_TAGS):
            return None
        return await self.page(request, kept.asked, tags)

    async def page(self, request: Request, asked: SlotQuery, if_none_match: str | None) -> Response:
        """Answer with the page, or 304 (RFC 9110, section 13.1.2). Raises `Invalid`."""
        query = request.scope["query_string"]
        search = asked.search(self._clock.now())
        # First: a change between the two makes the page newer than its digest, never older.
        digest = await self._digest(search)
        kept = self._kept.get(query)
        if kept is None or kept.digest != digest:
            kept = await self._made(request, asked, search, digest)
            if not kept.has_any:
                # The next one who asks may have to be told that what they name is gone.
                self._kept.pop(query, None)
                return _answer(kept, if_none_match)
            self._kept[query] = kept
        self._kept.move_to_end(query)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return _answer(kept, if_none_match)

    async def own_page(self, request: Request, asked: SlotQuery, tags: str | None) -> Response:
        """Answer with a page that is good for one caller only; it is kept for nobody else."""
        own = await self._made(request, asked, asked.search(self._clock.now()), None)
        own.headers["Cache-Control"] = "private, no-cache"
        own.raw = raw_headers(own.headers)
        return _answer(own, tags)

    async def _made(
        self, request: Request, asked: SlotQuery, search: SlotSearch, digest: Hashable
    ) -> RememberedPage:
        found = await self._find(search)
        last = found[asked.limit - 1] if len(found) > asked.limit else None
        after = None if last is None else cursor_after(last.starts_at, last.id, asked.filters)
        items = [slot.as_shown() for slot in found[: asked.limit]]
        body = json_bytes({"items": items, "next_cursor": after})
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {**link_to_next(request, after), "ETag": tag, "Cache-Control": "no-cache"}
        raw = raw_headers(headers)
        return RememberedPage(asked, digest, body, headers, raw, has_any=bool(items))


def _answer(kept: RememberedPage, if_none_match: str | None) -> Response:
    if if_none_match is not None:
        known = {text.strip().removeprefix("W/") for text in if_none_match.split(",")}
        if kept.headers["ETag"] in known or "*" in known:
            return Response(status_code=304, headers=kept.headers)
    return JsonAnswer(kept.body, 200, kept.raw)
