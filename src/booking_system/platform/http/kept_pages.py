"""Pages of a list that anybody may read: made once, and sent again while nothing has changed.

Before a page is sent again the database is asked for a digest of the rows that it shows, so nobody
sees what was changed before they asked, whichever process changed it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fastapi import Request, Response

from booking_system.platform.http.answers import JsonAnswer, RawHeader, json_bytes, raw_headers
from booking_system.platform.http.pagination import link_to_next

MOST_KEPT = 1000
"""Pages; one of a week's slots has some 25 kB."""


class NewPage(NamedTuple):
    """What a page shows: its items, and the cursor of the page behind it."""

    items: Sequence[object]
    after: str | None


class SharedPage(NamedTuple):
    """The page as it is sent, and the cursor of the page behind it."""

    after: str | None
    body: bytes


class SharedPages(Protocol):
    """Where processes leave pages for each other. Nothing need be there."""

    async def find(self, list_name: str, address: bytes, digest: Hashable) -> SharedPage | None:
        """Return the page of a list that was asked for by this address, with this digest."""
        ...

    def keep(self, list_name: str, address: bytes, digest: Hashable, page: SharedPage) -> None:
        """Leave it there."""
        ...


class NoSharedPages:
    """Every process makes its own."""

    async def find(self, *_: object) -> SharedPage | None:
        """Find nothing."""
        return None

    def keep(self, *_: object) -> None:
        """Leave it."""


NO_SHARED_PAGES: SharedPages = NoSharedPages()


@dataclass(slots=True)
class KeptPage:
    """A page as it was sent last."""

    asked: Any
    """What its address means, as the list has read it."""
    digest: Hashable
    body: bytes
    headers: dict[str, str]
    raw: Sequence[RawHeader]
    """The same headers, as they are sent."""

    def answer(self, if_none_match: str | None) -> Response:
        """Answer with the page, or 304 (RFC 9110, section 13.1.2)."""
        if if_none_match is not None:
            known = {text.strip().removeprefix("W/") for text in if_none_match.split(",")}
            if self.headers["ETag"] in known or "*" in known:
                return Response(status_code=304, headers=self.headers)
        return JsonAnswer(self.body, 200, self.raw)


class KeptPages:
    """The pages of one list, each under the address that it was asked by, letter by letter."""

    def __init__(self, list_name: str, shared: SharedPages, *, tags: bool) -> None:
        """No other list has this name. `tags` says whether its pages have an `ETag`."""
        self._list_name = list_name
        self._shared = shared
        self._tags = tags
        self._kept: OrderedDict[bytes, KeptPage] = OrderedDict()

    def find(self, address: bytes) -> KeptPage | None:
        """Return the page that the address got last; it may be another by now."""
        return self._kept.get(address)

    async def page(
        self,
        request: Request,
        address: bytes,
        *,
        asked: Any = None,
        digest: Hashable,
        make: Callable[[], Awaitable[NewPage]],
    ) -> KeptPage:
        """Return the page with this digest, which was asked for before the page is made.

        A change between the two makes it newer than its digest, never older.
        """
        kept = self._kept.get(address)
        if kept is None or kept.digest != digest:
            found = await self._shared.find(self._list_name, address, digest)
            if found is None:
                made = await make()
                found = page_of(made)
                if not made.items:
                    # The next one who asks may have to be told that what they name is gone.
                    self._kept.pop(address, None)
                    return sent(request, found, asked, digest, tags=self._tags)
                self._shared.keep(self._list_name, address, digest, found)
            kept = sent(request, found, asked, digest, tags=self._tags)
            self._kept[address] = kept
        self._kept.move_to_end(address)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept


def page_of(made: NewPage) -> SharedPage:
    """Write it down."""
    body = json_bytes({"items": made.items, "next_cursor": made.after})
    return SharedPage(made.after, body)


def sent(
    request: Request, page: SharedPage, asked: Any, digest: Hashable, *, tags: bool
) -> KeptPage:
    """Return it with the headers that it is sent with."""
    headers = link_to_next(request, page.after)
    if tags:
        tag = f'"{hashlib.blake2b(page.body, digest_size=12).hexdigest()}"'
        headers |= {"ETag": tag, "Cache-Control": "no-cache"}
    return KeptPage(asked, digest, page.body, headers, raw_headers(headers))
