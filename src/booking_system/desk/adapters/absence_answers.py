"""What time off and closures have in common over HTTP: parameters, and the shape of answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request, Response
from pydantic import BaseModel

from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.etag import etag_of
from booking_system.platform.http.pagination import cursor_after, link_to_next
from booking_system.scheduling.domain.absence import Closure, TimeOff

DryRun = Annotated[bool, Query(description="Say what would happen, and change nothing")]
Absent = TypeVar("Absent", TimeOff, Closure)


def one_absence(
    absence: Absent,
    show: Callable[[Absent], BaseModel],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with one of them, which was made where the status is 201, and its `ETag`."""
    tagged = {**(headers or {}), "ETag": etag_of(absence.version)}
    if status == 201:
        return making_answer(show(absence), [absence.id], headers=tagged)
    return json_answer(show(absence), status=status, headers=tagged)


def absence_page(
    request: Request,
    found: Sequence[Absent],
    show: Callable[[Absent], BaseModel],
    limit: int,
    filters: Mapping[str, Any],
) -> Response:
    """Answer with a page; `found` holds one more than `limit` where there is another."""
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursor_after(last.period.starts_at, last.id, filters)
    page = {"items": [show(one) for one in found[:limit]], "next_cursor": following}
    return json_answer(page, headers=link_to_next(request, following))
