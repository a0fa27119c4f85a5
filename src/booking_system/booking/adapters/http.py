"""Booking over HTTP."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import ValidationError

from booking_system.booking.adapters.expanded import Expand, expanded, with_references
from booking_system.booking.adapters.hold_tokens import HoldToken, HoldTokens
from booking_system.booking.adapters.models import (
    AppointmentOut,
    BookingIn,
    CancelIn,
    SlotProblem,
    shown,
)
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.application.cancel_appointment import CancelAppointment
from booking_system.booking.application.expanding import ShowAround
from booking_system.booking.application.keep_references import ListReferences
from booking_system.booking.application.ports import BookingSearch
from booking_system.booking.application.read_appointments import ListAppointments, ShowAppointment
from booking_system.booking.domain import refusals as no
from booking_system.booking.domain.booking_rules import REFUSALS_OF_THE_RULES
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.booking.domain.reference import reference_as_heard
from booking_system.directory.domain.references import ExternalIdTaken
from booking_system.directory.records.references_shown import ExpandItems, SoughtId, check_clinic
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.identity.domain.refusals import RateLimited
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.heads import header_of
from booking_system.platform.http.idempotency import KEY_HEADER, Idempotency
from booking_system.platform.http.input import Instant, StrictRequest
from booking_system.platform.http.once import ByTheUseCase, InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    cursor_after,
    link_to_next,
    position_of,
)
from booking_system.platform.http.replaying import REPLAYED
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.refusals import HoldExpired
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotPermitted, Stale, Unavailable
from booking_system.shared_kernel.identifiers import AppointmentId

Caller = Annotated[Actor, Depends(caller)]


class Order(StrEnum):
    """In which order a list of bookings comes."""

    EARLIEST_FIRST = "starts_at"
    LATEST_FIRST = "-starts_at"


async def booking_filters(  # noqa: PLR0913
    *,
    clinic_id: UUID | None = None,
    doctor_id: UUID | None = None,
    patient_id: UUID | None = None,
    status: Annotated[
        list[AppointmentStatus] | None,
        Query(max_length=10, description="Name it again for each that will do"),
    ] = None,
    reference: Annotated[
        str | None,
        Query(
            max_length=20,
            description="In capitals or not, with the hyphen or not",
            examples=["K7QM-3F9D"],
        ),
    ] = None,
    external_id: SoughtId = None,
    since: Annotated[
        Instant | None,
        Query(alias="from", description="Bookings that start at this instant or after it"),
    ] = None,
    until: Annotated[
        Instant | None, Query(alias="to", description="Bookings that start before this instant")
    ] = None,
    outside_availability: Annotated[
        bool,
        Query(
            description="Just those in slots that no weekly hours want any more; with `clinic_id`"
            " or `doctor_id`"
        ),
    ] = False,
    order: Order = Order.EARLIEST_FIRST,
) -> dict[str, Any]:
    """Dependency: the filters of a list of bookings."""
    if outside_availability and clinic_id is None and doctor_id is None:
        raise Invalid.field("/outside_availability", "name a clinic or a doctor as well", "one_of")
    check_clinic(external_id, clinic_id)
    return {
        "clinic_id": clinic_id,
        "doctor_id": doctor_id,
        "patient_id": patient_id,
        "statuses": tuple(sorted(set(status or ()))),
        "reference": None if reference is None else reference_as_heard(reference),
        "external_id": external_id,
        "since": since,
        "until": until,
        "outside_availability": outside_availability,
        "latest_first": order is Order.LATEST_FIRST,
    }


Filters = Annotated[dict[str, Any], Depends(booking_filters)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRoutes:
    """HTTP for appointments."""

    book: BookAppointment
    cancel: CancelAppointment
    show: ShowAppointment
    list: ListAppointments
    around: ShowAround
    references: ListReferences
    tokens: HoldTokens
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes, one = Routes("Bookings"), "/v1/bookings/{booking_id}"
        routes.add(
            "POST",
            "/v1/bookings",
            self.create_booking,
            shortcut=self.book_at_once,
            once=ByTheUseCase(),
            policy=signed_in,
            status=201,
            answers=AppointmentOut,
            problems={409: SlotProblem},
            refuses=[*REFUSALS_OF_THE_RULES, HoldExpired, RateLimited, ExternalIdTaken],
        )
        routes.add(
            "GET",
            "/v1/bookings",
            self.list_bookings,
            policy=signed_in,
            answers=Page[AppointmentOut],
            refuses=[InvalidCursor, NotPermitted],
        )
        routes.add(
            "GET",
            one,
            self.read_booking,
            policy=signed_in,
            answers=AppointmentOut,
            refuses=[no.AppointmentNotFound],
        )
        routes.add(
            "POST",
            f"{one}/cancel",
            self.cancel_booking,
            policy=signed_in,
            answers=AppointmentOut,
            refuses=[
                no.AppointmentNotFound,
                no.BookingNotActive,
                no.CancelTooLate,
                Stale,
            ],
            once=InOneTransaction(),
        )
        return routes

    async def create_booking(
        self,
        request: Request,
        body: BookingIn,
        actor: Caller,
        hold_token: HoldToken = None,
        expand: Expand = None,
    ) -> Response:
        """Book a time slot.

        The slot is yours or it is not: two callers never both get a `201` for it. A `409` carries
        `alternatives`, up to five of the nearest slots that could be booked instead. A hold of the
        patient's, or one whose `Hold-Token` is sent, becomes the booking.
        """
        key = None
        if header_of(request.scope, KEY_HEADER) is not None:
            idempotency: Idempotency = request.scope["app"].state.idempotency
            key = await idempotency.key_of(
                StrictRequest(request.scope, request.receive), operation="create_booking"
            )
        wish = body.wish(actor, key=key, shown_hold=self.tokens.read(hold_token))
        card = await self.book(wish=wish, actor=actor)
        headers = {"Location": f"/v1/bookings/{card.appointment.id}"}
        if card.is_replay:
            headers |= REPLAYED
        more = None
        if expand is not None:
            # It is booked: an answer that says so is worth more than a whole one.
            with suppress(Unavailable):
                more = await expanded(self.around, card.appointment, expand)
        return answer_of(card, actor, self.clock.now(), status=201, headers=headers, expanded=more)

    async def book_at_once(self, request: StrictRequest) -> Response | None:
        """Book by a body that is as it should be; any other is FastAPI's to explain."""
        if not request.is_plain_json:
            return None
        try:
            body = BookingIn.model_validate(await request.json())
        except ValidationError:
            return None
        token = header_of(request.scope, b"hold-token")
        return await self.create_booking(request, body, request.scope["caller"], token)

    async def read_booking(
        self, booking_id: UUID, actor: Caller, expand: Expand = None
    ) -> Response:
        """Read one booking: your own, or one of your clinic."""
        card = await self.show(appointment_id=AppointmentId(booking_id), actor=actor)
        more = None
        if expand is not None:
            more = await expanded(self.around, card.appointment, expand)
        return answer_of(card, actor, self.clock.now(), expanded=more)

    async def list_bookings(  # noqa: PLR0913
        self,
        request: Request,
        filters: Filters,
        actor: Caller,
        *,
        expand: ExpandItems = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the bookings that you may see: by start, your own, or those of your clinics."""
        after = position_of(cursor, filters)
        search = BookingSearch(**filters, after=after, limit=limit)
        cards = await self.list(search=search, actor=actor)
        following = _cursor(cards[limit - 1], filters) if len(cards) > limit else None
        now = self.clock.now()
        items = [shown(card, actor, now) for card in cards[:limit]]
        if expand:
            clinic_id = filters["clinic_id"]
            more = await with_references(self.references, cards[:limit], clinic_id, actor)
            items = [item | {"expanded": more[item["id"]]} for item in items]
        page = {"items": items, "next_cursor": following}
        return json_answer(page, headers=link_to_next(request, following))

    async def cancel_booking(
        self,
        booking_id: UUID,
        actor: Caller,
        body: CancelIn | None = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Cancel a booking. Its time slot is open again at once."""
        card = await self.cancel(
            appointment_id=AppointmentId(booking_id),
            reason=None if body is None else body.reason,
            version=expected_version(if_match),
            actor=actor,
        )
        return answer_of(card, actor, self.clock.now())


def answer_of(  # noqa: PLR0913
    card: AppointmentCard,
    actor: Actor,
    now: datetime,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    expanded: dict[str, Any] | None = None,
) -> Response:
    """Answer with an appointment as this caller sees it at this instant."""
    tagged = {**(headers or {}), "ETag": etag_of(card.appointment.version)}
    value = shown(card, actor, now)
    if expanded is not None:
        value["expanded"] = expanded
    return json_answer(value, status=status, headers=tagged)


def _cursor(last: AppointmentCard, filters: dict[str, Any]) -> str:
    starts_at: datetime = last.appointment.period.starts_at
    return cursor_after(starts_at, last.appointment.id, filters)
