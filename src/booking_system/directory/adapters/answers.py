"""How the directory answers: one resource with its tag, or a page of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel

from booking_system.directory.application.ports import Search
from booking_system.directory.application.public_lists import DigestList, Listed
from booking_system.platform.http.answers import (
    JsonAnswer,
    json_answer,
    making_answer,
    raw_headers,
)
from booking_system.platform.http.etag import etag_of
from booking_system.platform.http.kept_pages import KeptPages, NewPage, page_of
from booking_system.platform.http.pagination import cursor_after, link_to_next


class Resource(Protocol):
    """Something that the directory keeps."""

    @property
    def id(self) -> UUID:
        """Its identity."""
        ...

    @property
    def version(self) -> int:
        """Goes up with every change."""
        ...


Thing = TypeVar("Thing", bound=Resource)
Shown = Callable[[Thing], BaseModel | dict[str, Any]]


def one(
    thing: Thing,
    show: Callable[[Thing], BaseModel],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with one resource, which was made where the status is 201, and its `ETag`."""
    tagged = {**(headers or {}), "ETag": etag_of(thing.version)}
    if status == 201:
        return making_answer(show(thing), [thing.id], headers=tagged)
    return json_answer(show(thing), status=status, headers=tagged)


def new_page(
    found: Sequence[Thing],
    show: Shown[Thing],
    *,
    limit: int,
    filters: Mapping[str, Any],
) -> NewPage:
    """Return a page; `found` holds one more than `limit` where there is another."""
    more = len(found) > limit
    following = cursor_after(None, found[limit - 1].id, filters) if more else None
    return NewPage([show(thing) for thing in found[:limit]], following)


def page(
    request: Request,
    found: Sequence[Thing],
    show: Shown[Thing],
    *,
    limit: int,
    filters: Mapping[str, Any],
) -> Response:
    """Answer with that page."""
    made = page_of(new_page(found, show, limit=limit, filters=filters))
    return JsonAnswer(made.body, 200, raw_headers(link_to_next(request, made.after)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPages:
    """The pages of a list that anybody may read, which are kept while nothing has changed."""

    listed: Listed
    kept: KeptPages
    digest: DigestList

    async def answer(
        self,
        request: Request,
        search: Search,
        filters: Mapping[str, Any],
        *,
        find: Callable[[], Awaitable[Sequence[Thing]]],
        show: Callable[[Thing], BaseModel],
    ) -> Response:
        """Answer with a page of what `find` returns, one more than its `limit` where it goes on."""

        async def make() -> NewPage:
            return new_page(await find(), show, limit=search.limit, filters=filters)

        digest = await self.digest(listed=self.listed, search=search)
        address = b"%s?%s" % (request.scope["path"].encode(), request.scope["query_string"])
        kept = await self.kept.page(request, address, digest=digest, make=make)
        return kept.answer(None)
