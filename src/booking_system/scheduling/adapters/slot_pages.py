"""Pages of a search for slots, which are kept while the database says that nothing has changed."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Request, Response

from booking_system.platform.http.answers import raw_headers
from booking_system.platform.http.heads import header_of
from booking_system.platform.http.kept_pages import KeptPages, NewPage, page_of, sent
from booking_system.platform.http.pagination import cursor_after, position_of
from booking_system.scheduling.domain.search import FoundSlot, SlotSearch, search_range
from booking_system.shared_kernel.clock import Clock

LONGEST_TAGS = 2000

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
    day: date | None = None
    """Of which `since` and `until` are the bounds."""

    def search(self, now: datetime) -> SlotSearch:
        """Return the search that it means at this instant."""
        return SlotSearch(
            period=search_range(self.since, self.until, now=now),
            after=position_of(self.cursor, self.filters),
            limit=self.limit,
            **self.wanted,
        )


class SlotPages:
    """The same query, letter by letter, is read once and its page is made once."""

    def __init__(
        self,
        *,
        find: Callable[[SlotSearch], Awaitable[Sequence[FoundSlot]]],
        digest: Callable[[SlotSearch], Awaitable[Hashable]],
        clock: Clock,
        kept: KeptPages,
    ) -> None:
        """`find` and `digest` look at the same rows."""
        self._find = find
        self._digest = digest
        self._clock = clock
        self._kept = kept

    async def again(self, request: Request) -> Response | None:
        """Answer a query that was asked before; None for any other."""
        kept = self._kept.find(request.scope["query_string"])
        tags = header_of(request.scope, b"if-none-match")
        # How long a day is may have changed with the clinic's zone.
        if kept is None or kept.asked is None or (tags is not None and len(tags) > LONGEST_TAGS):
            return None
        return await self.page(request, kept.asked, tags)

    async def page(self, request: Request, asked: SlotQuery, if_none_match: str | None) -> Response:
        """Answer with the page, or 304 (RFC 9110, section 13.1.2). Raises `Invalid`."""
        search = asked.search(self._clock.now())
        kept = await self._kept.page(
            request,
            request.scope["query_string"],
            asked=asked if asked.day is None else None,
            digest=await self._digest(search),
            make=partial(self._made, asked, search),
        )
        return kept.answer(if_none_match)

    async def own_page(self, request: Request, asked: SlotQuery, tags: str | None) -> Response:
        """Answer with a page that is good for one caller only; it is kept for nobody else."""
        made = await self._made(asked, asked.search(self._clock.now()))
        own = sent(request, page_of(made), asked, None, tags=True)
        own.headers["Cache-Control"] = "private, no-cache"
        own.raw = raw_headers(own.headers)
        return own.answer(tags)

    async def _made(self, asked: SlotQuery, search: SlotSearch) -> NewPage:
        found = await self._find(search)
        last = found[asked.limit - 1] if len(found) > asked.limit else None
        after = None if last is None else cursor_after(last.starts_at, last.id, asked.filters)
        return NewPage([slot.as_shown() for slot in found[: asked.limit]], after)
