"""Scheduling over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side, public
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import Instant, NearDay, StrictRequest
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
)
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.adapters.models import (
    NewSlotOut,
    NewSlotsOut,
    OfferIn,
    SingleSlotOut,
    single_shown,
)
from booking_system.scheduling.adapters.slot_filters import FilterReading, slot_filters
from booking_system.scheduling.adapters.slot_pages import IfNoneMatch, SlotPages, SlotQuery
from booking_system.scheduling.application.change_slot import CloseSlot, DeleteSlot, ReopenSlot
from booking_system.scheduling.application.find_slots import ShowSlot, ShowSlots
from booking_system.scheduling.application.offer_slots import OfferSlots
from booking_system.scheduling.application.overview_slots import FindDay
from booking_system.scheduling.domain.refusals import (
    NonexistentLocalTime,
    SlotAlreadyBooked,
    SlotHeld,
    SlotInPast,
    SlotNotFound,
    SlotOverlap,
    SlotUnavailable,
)
from booking_system.scheduling.domain.search import SlotFilter
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.scheduling.records.slot_shown import SlotOut
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import DoctorId, SlotId

Caller = Annotated[Actor, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulingRoutes:
    """HTTP for time slots."""

    offer: OfferSlots
    filters: FilterReading
    pages: SlotPages
    find_day: FindDay
    show: ShowSlot
    show_several: ShowSlots
    close: CloseSlot
    reopen: ReopenSlot
    delete: DeleteSlot
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Slots")
        routes.add(
            "GET",
            "/v1/slots",
            self.search_slots,
            policy=public,
            answers=Page[SlotOut],
            refuses=[InvalidCursor, NotFound, NonexistentLocalTime],
            knows_caller=True,
            shortcut=self.pages.again,
            also={304: "Nothing has changed since the answer with the `ETag` that you sent"},
            has_tagged_bytes=True,
        )
        routes.add(
            "POST",
            "/v1/doctors/{doctor_id}/slots",
            self.create_slots,
            policy=clinic_side,
            status=201,
            answers=NewSlotsOut,
            refuses=[NotFound, NotPermitted, SlotOverlap, SlotInPast],
            once=InOneTransaction(again=self.show_slots_again),
        )
        one = "/v1/slots/{slot_id}"
        changes = [SlotNotFound, NotPermitted, Stale]
        routes.add(
            "GET", one, self.read_slot, policy=public, answers=SingleSlotOut, refuses=[SlotNotFound]
        )
        for verb, endpoint, refusals in (
            ("close", self.close_slot, [SlotAlreadyBooked, SlotHeld]),
            ("reopen", self.reopen_slot, [SlotUnavailable]),
        ):
            routes.add(
                "POST",
                f"{one}/{verb}",
                endpoint,
                policy=clinic_side,
                answers=SingleSlotOut,
                refuses=[*changes, *refusals],
                once=InOneTransaction(again=self.show_slot_again),
            )
        routes.add(
            "DELETE",
            one,
            self.delete_slot,
            policy=clinic_side,
            status=204,
            answers=None,
            refuses=[*changes, SlotAlreadyBooked, SlotHeld],
        )
        return routes

    async def search_slots(  # noqa: PLR0913
        self,
        request: Request,
        *,
        filters: Annotated[dict[str, Any], Depends(slot_filters)],
        actor: Annotated[Actor | None, Depends(caller)],
        since: Annotated[
            Instant | None,
            Query(
                alias="from", description="Slots that start at or after this instant; default: now"
            ),
        ] = None,
        until: Annotated[
            Instant | None, Query(alias="to", description="Default: 7 days later; at most 62")
        ] = None,
        day: Annotated[
            NearDay | None,
            Query(
                alias="date",
                description="One day of the clinic's calendar, in place of `from` and `to`; with a"
                " doctor, a clinic, or the booking that is to be moved",
            ),
        ] = None,
        limit: Limit = 50,
        cursor: CursorText = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Find slots that can be booked now: in time order.

        Open, in the future, inside the clinic's notice and horizon. The answer carries an `ETag`;
        send it as `If-None-Match` to get a `304` while nothing has changed.
        """
        wanted = await self.filters.wanted(filters, actor)
        if day is not None:
            since, until = await self._bounds_of(day, filters, wanted, since, until)
        asked = SlotQuery(
            {**filters, "since": since, "until": until}, wanted, since, until, limit, cursor, day
        )
        if self.filters.is_own(filters):
            return await self.pages.own_page(request, asked, if_none_match)
        return await self.pages.page(request, asked, if_none_match)

    async def _bounds_of(
        self,
        day: date,
        filters: dict[str, Any],
        wanted: dict[str, Any],
        since: datetime | None,
        until: datetime | None,
    ) -> tuple[datetime, datetime]:
        if since is not None or until is not None:
            raise Invalid.field("/date", "takes the place of from and to", "one_of")
        if not any(filters[name] for name in ("doctor_id", "clinic_id", "booking_id")):
            raise Invalid.field("/doctor_id", "name a doctor or a clinic", "one_of")
        period = await self.find_day(wanted=SlotFilter(**wanted), day=day)
        return period.starts_at, period.ends_at

    async def create_slots(self, doctor_id: UUID, body: OfferIn, actor: Caller) -> Response:
        """Offer time slots of a doctor: all of them or, where one cannot be, none."""
        offer = [slot.offered() for slot in body.slots]
        made = await self.offer(doctor_id=DoctorId(doctor_id), offer=offer, actor=actor)
        answer = NewSlotsOut(items=self._new(made))
        location = {"Location": f"/v1/slots?doctor_id={doctor_id}"}
        return making_answer(answer, [slot.id for slot in made], headers=location)

    async def show_slots_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the slots that were made and are there still."""
        slots = await self.show_several(
            slot_ids=[SlotId(one) for one in made], actor=request.scope["caller"]
        )
        return json_answer(NewSlotsOut(items=self._new(slots)))

    async def show_slot_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the slot that was closed or reopened."""
        await self.show_several(slot_ids=[SlotId(made[0])], actor=request.scope["caller"])
        return await self.read_slot(made[0])

    async def read_slot(self, slot_id: UUID) -> Response:
        """Read one time slot: with its status."""
        shown = await self.show(slot_id=SlotId(slot_id))
        answer = single_shown(shown, self.clock.now())
        return json_answer(answer, headers={"ETag": etag_of(shown.slot.version)})

    async def close_slot(self, slot_id: UUID, actor: Caller, if_match: IfMatch = None) -> Response:
        """Close an open slot to booking; it can be reopened."""
        version = expected_version(if_match)
        await self.close(slot_id=SlotId(slot_id), version=version, actor=actor)
        return await self.read_slot(slot_id)

    async def reopen_slot(self, slot_id: UUID, actor: Caller, if_match: IfMatch = None) -> Response:
        """Reopen a closed slot: it can be booked again."""
        version = expected_version(if_match)
        await self.reopen(slot_id=SlotId(slot_id), version=version, actor=actor)
        return await self.read_slot(slot_id)

    async def delete_slot(self, slot_id: UUID, actor: Caller, if_match: IfMatch = None) -> Response:
        """Delete a slot. Its time can be offered anew."""
        version = expected_version(if_match)
        await self.delete(slot_id=SlotId(slot_id), version=version, actor=actor)
        return Response(status_code=204)

    def _new(self, slots: Sequence[TimeSlot]) -> list[NewSlotOut]:
        now = self.clock.now()
        return [NewSlotOut.of(slot, now) for slot in slots]
