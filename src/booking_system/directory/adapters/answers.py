"""How the directory answers: one resource with its tag, or a page of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel

from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.etag import etag_of
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


def page(
    request: Request,
    found: Sequence[Thing],
    show: Callable[[Thing], BaseModel],
    *,
    limit: int,
    filters: Mapping[str, Any],
) -> Response:
    """Answer with a page; `found` holds one more than `limit` where there is another."""
    more = len(found) > limit
    following = cursor_after(None, found[limit - 1].id, filters) if more else None
    items = [show(thing) for thing in found[:limit]]
    body = {"items": items, "next_cursor": following}
    return json_answer(body, headers=link_to_next(request, following))
