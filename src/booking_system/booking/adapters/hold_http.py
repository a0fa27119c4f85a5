"""Holds over HTTP, and why a slot can be booked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import ValidationError

from booking_system.booking.adapters.hold_models import (
    ExplanationOut,
    HoldIn,
    HoldOut,
    NewHoldOut,
    finding_shown,
    hold_shown,
)
from booking_system.booking.adapters.hold_tokens import LONGEST, HoldToken, HoldTokens
from booking_system.booking.adapters.models import SlotProblem
from booking_system.booking.application.ask_to_move import AskToMove
from booking_system.booking.application.explain_slot import ExplainSlot
from booking_system.booking.application.hold_slot import (
    ExtendHold,
    HoldSlot,
    ReleaseHold,
    ShowHold,
)
from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain import refusals as no
from booking_system.booking.domain.booking_rules import REFUSALS_OF_HOLDS
from booking_system.booking.domain.holding import HeldSlot, Holder
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.idempotency import HEADER
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.network import Networks
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.refusals import (
    HoldAlreadyExtended,
    HoldExpired,
    SlotNotFound,
)
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotPermitted
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    HoldId,
    PatientId,
    ServiceId,
    SlotId,
)

Anybody = Annotated[Actor | None, Depends(caller)]
ONE = "/v1/holds/{hold_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRoutes:
    """HTTP for holds and explanations."""

    hold: HoldSlot
    show: ShowHold
    extend: ExtendHold
    release: ReleaseHold
    explain: ExplainSlot
    agreed: AskToMove
    tokens: HoldTokens
    networks: Networks
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Holds")
        routes.add(
            "POST",
            "/v1/holds",
            self.create_hold,
            shortcut=self.hold_at_once,
            policy=public,
            status=201,
            answers=NewHoldOut,
            refuses=REFUSALS_OF_HOLDS,
            problems={409: SlotProblem},
            once=InOneTransaction(again=self.show_hold_again),
            knows_caller=True,
        )
        routes.add(
            "GET",
            ONE,
            self.read_hold,
            policy=public,
            answers=HoldOut,
            refuses=[no.HoldNotFound],
            knows_caller=True,
        )
        routes.add(
            "POST",
            f"{ONE}/extend",
            self.extend_hold,
            policy=public,
            answers=HoldOut,
            refuses=[no.HoldNotFound, NotPermitted, HoldExpired, HoldAlreadyExtended],
            knows_caller=True,
            once=InOneTransaction(),
        )
        routes.add(
            "DELETE",
            ONE,
            self.release_hold,
            policy=public,
            status=204,
            answers=None,
            refuses=[no.HoldNotFound, NotPermitted],
            knows_caller=True,
        )
        routes.add(
            "GET",
            "/v1/slots/{slot_id}/explain",
            self.explain_slot,
            policy=public,
            answers=ExplanationOut,
            refuses=[SlotNotFound, no.PatientNotFound],
            tag="Slots",
            knows_caller=True,
        )
        return routes

    async def create_hold(
        self, request: Request, body: HoldIn, actor: Anybody, hold_token: HoldToken = None
    ) -> Response:
        """Hold a time slot: while somebody fills in a form.

        It is nobody else's until `expires_at`, and not found by a search. Whoever holds it already
        gets the same hold again. Without signing in, where the clinic allows it, the answer has a
        `hold_token`, which owns the hold until a patient who signed in books with it. A `409` over
        the slot carries `alternatives`.
        """
        holder = self._holder(request, actor, hold_token)
        wish = await self._for_move(body.wish(holder), body.booking_id, body.patient_id, actor)
        return self._new(await self.hold(wish=wish, holder=holder), status=201)

    async def hold_at_once(self, request: StrictRequest) -> Response | None:
        """Hold by a body that is as it should be; any other, and any key, is left to FastAPI."""
        token = request.headers.get("Hold-Token")
        if not request.is_plain_json or HEADER in request.headers or len(token or "") > LONGEST:
            return None
        try:
            body = HoldIn.model_validate(await request.json())
        except ValidationError:
            return None
        return await self.create_hold(request, body, request.scope["caller"], token)

    async def show_hold_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the hold that was made, to whoever made it, with its token."""
        hold_id = HoldId(made[0])
        holder = Holder(actor=request.scope["caller"], shown_hold=hold_id)
        return self._new(await self.show(hold_id=hold_id, holder=holder), status=200)

    async def read_hold(
        self, request: Request, hold_id: UUID, actor: Anybody, hold_token: HoldToken = None
    ) -> Response:
        """Read one hold that is in force. A hold that is over is not found."""
        holder = self._holder(request, actor, hold_token)
        return self._answer(await self.show(hold_id=HoldId(hold_id), holder=holder))

    async def extend_hold(
        self, request: Request, hold_id: UUID, actor: Anybody, hold_token: HoldToken = None
    ) -> Response:
        """Extend a hold: the slot is kept as long again, once."""
        holder = self._holder(request, actor, hold_token)
        return self._answer(await self.extend(hold_id=HoldId(hold_id), holder=holder))

    async def release_hold(
        self, request: Request, hold_id: UUID, actor: Anybody, hold_token: HoldToken = None
    ) -> Response:
        """Release a hold: the slot is open again at once."""
        await self.release(hold_id=HoldId(hold_id), holder=self._holder(request, actor, hold_token))
        return Response(status_code=204)

    async def explain_slot(  # noqa: PLR0913
        self,
        *,
        slot_id: UUID,
        actor: Anybody,
        patient_id: Annotated[
            UUID | None, Query(description="Default: the caller; staff name one of their clinic")
        ] = None,
        service_id: UUID | None = None,
        booking_id: Annotated[
            UUID | None,
            Query(description="Could this booking move there? Not together with `service_id`"),
        ] = None,
        hold_token: HoldToken = None,
    ) -> Response:
        """Explain why a slot can be booked, or not: now, and by this caller.

        The very rules of a booking are asked, all of them. What they say of a patient is left out
        where there is none; of their appointments in other clinics nobody else is told. Nothing is
        reserved: another may be faster.
        """
        own = None if actor is None else actor.patient_id
        wish = BookingWish(
            slot_id=SlotId(slot_id),
            patient_id=own if patient_id is None else PatientId(patient_id),
            service_id=None if service_id is None else ServiceId(service_id),
            shown_hold=self.tokens.read(hold_token),
        )
        wish = await self._for_move(wish, booking_id, patient_id, actor)
        findings = await self.explain(wish=wish, actor=actor)
        bookable = all(finding.passed for finding in findings)
        return json_answer(
            {"bookable": bookable, "rules": [finding_shown(one) for one in findings]}
        )

    async def _for_move(
        self,
        wish: BookingWish,
        booking_id: UUID | None,
        patient_id: UUID | None,
        actor: Actor | None,
    ) -> BookingWish:
        """Return the wish for what was agreed. Raises `AppointmentNotFound`, `Invalid`."""
        if booking_id is None:
            return wish
        if wish.service_id is not None:
            raise Invalid.field("/service_id", "is what was agreed for the booking", "one_of")
        agreed = await self.agreed(AppointmentId(booking_id), actor)
        if patient_id not in (None, agreed.patient_id):
            raise Invalid.field("/patient_id", "is not the patient of the booking", "one_of")
        return replace(
            wish,
            agreed=agreed,
            patient_id=agreed.patient_id,
            service_id=agreed.service_id,
        )

    def _holder(self, request: Request, actor: Actor | None, token: str | None) -> Holder:
        return Holder(
            actor=actor,
            shown_hold=self.tokens.read(token),
            network=self.networks.name_of(request),
        )

    def _answer(self, held: HeldSlot) -> Response:
        return json_answer(hold_shown(held, self.clock.now()))

    def _new(self, held: HeldSlot, *, status: int) -> Response:
        token = self.tokens.token_of(held.hold.id) if held.hold.is_anonymous else None
        shown = hold_shown(held, self.clock.now()) | {"hold_token": token}
        headers = {"Location": f"/v1/holds/{held.hold.id}"} if status == 201 else None
        return making_answer(shown, [held.hold.id], status=status, headers=headers)
