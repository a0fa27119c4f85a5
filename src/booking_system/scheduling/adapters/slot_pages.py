"""Pages of a search: made once, and sent again while the database says that nothing has changed."""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Request, Response

from booking_system.platform.http.answers import json_bytes
from booking_system.platform.http.input import Instant, ShortText
from booking_system.platform.http.pagination import cursor_after, link_to_next, position_of
from booking_system.scheduling.application.ports import BusyPeriods
from booking_system.scheduling.domain.search import FoundSlot, SlotSearch, search_range
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import PatientId
from booking_system.shared_kernel.mode import Mode

LONGEST_TAGS = 2000
MOST_KEPT = 1000
"""Pages; one of a week has some 25 kB."""

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=LONGEST_TAGS)]


async def slot_filters(  # noqa: PLR0913
    *,
    clinic_id: UUID | None = None,
    doctor_id: UUID | None = None,
    service_id: Annotated[UUID | None, Query(description="Doctors who offer this")] = None,
    specialty: ShortText | None = None,
    language: Annotated[ShortText | None, Query(description="As the doctor has it: `de`")] = None,
    mode: Mode | None = None,
    since: Annotated[Instant | None, Query(alias="from", description="Default: now")] = None,
    until: Annotated[
        Instant | None, Query(alias="to", description="Default: 7 days later; at most 62")
    ] = None,
    exclude_my_conflicts: Annotated[
        bool, Query(description="Leave out when the caller, a patient, has an appointment already")
    ] = False,
) -> dict[str, Any]:
    """Dependency: the filters of a search; a coroutine, so that it needs no thread."""
    return {
        "clinic_id": clinic_id,
        "doctor_id": doctor_id,
        "service_id": service_id,
        "specialty": specialty,
        "language": language,
        "mode": mode,
        "since": since,
        "until": until,
        "is_mine": exclude_my_conflicts,
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that has passed the input layer."""

    filters: dict[str, Any]
    limit: int
    cursor: str | None

    def search(self, now: datetime) -> SlotSearch:
        """Return the search that it means at this instant."""
        asked = dict(self.filters)
        del asked["is_mine"]
        return SlotSearch(
            period=search_range(asked.pop("since"), asked.pop("until"), now=now),
            after=position_of(self.cursor, self.filters),
            limit=self.limit,
            **asked,
        )


@dataclass(slots=True)
class Kept:
    """What a query asked for, and the page that it got last."""

    asked: Asked
    digest: Hashable
    body: bytes
    headers: dict[str, str]


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
        busy: BusyPeriods,
        clock: Clock,
    ) -> None:
        """`find` and `digest` look at the same rows."""
        self._busy = busy
        self._find = find
        self._digest = digest
        self._clock = clock
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    async def again(self, request: Request) -> Response | None:
        """Answer a query that was asked before; None for any other."""
        kept = self._kept.get(request.scope["query_string"])
        tags = request.headers.get("if-none-match")
        if kept is None or (tags is not None and len(tags) > LONGEST_TAGS):
            return None
        return await self.page(request, kept.asked, tags)

    async def page(self, request: Request, asked: Asked, if_none_match: str | None) -> Response:
        """Answer with the page, or 304 (RFC 9110, section 13.1.2). Raises `Invalid`."""
        query = request.scope["query_string"]
        search = asked.search(self._clock.now())
        # First: a change between the two makes the page newer than its digest, never older.
        digest = await self._digest(search)
        kept = self._kept.get(query)
        if kept is None or kept.digest != digest:
            kept = self._kept[query] = await self._made(request, asked, search, digest)
        self._kept.move_to_end(query)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return _answer(kept, if_none_match)

    async def own_page(
        self, request: Request, asked: Asked, patient_id: PatientId | None, tags: str | None
    ) -> Response:
        """Answer with a page without the patient's conflicts; it is kept for nobody else."""
        search = asked.search(self._clock.now())
        busy = () if patient_id is None else await self._busy(patient_id, search.period)
        own = await self._made(request, asked, replace(search, busy=busy), None)
        own.headers["Cache-Control"] = "private, no-cache"
        return _answer(own, tags)

    async def _made(
        self, request: Request, asked: Asked, search: SlotSearch, digest: Hashable
    ) -> Kept:
        found = await self._find(search)
        last = found[asked.limit - 1] if len(found) > asked.limit else None
        after = None if last is None else cursor_after(last.starts_at, last.id, asked.filters)
        items = [slot.as_shown() for slot in found[: asked.limit]]
        body = json_bytes({"items": items, "next_cursor": after})
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {**link_to_next(request, after), "ETag": tag, "Cache-Control": "no-cache"}
        return Kept(asked, digest, body, headers)


def _answer(kept: Kept, if_none_match: str | None) -> Response:
    known = {text.strip().removeprefix("W/") for text in (if_none_match or "").split(",")}
    if kept.headers["ETag"] in known or "*" in known:
        return Response(status_code=304, headers=kept.headers)
    return Response(kept.body, headers=kept.headers, media_type="application/json")
