"""Templates of clinics over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.notifications.adapters.own_words.models import (
    MessageTemplateIn,
    MessageTemplateOut,
    MessageTemplateSummaryOut,
    TemplateKind,
    TemplateLanguage,
    TemplatePreviewOut,
    TemplateProblem,
)
from booking_system.notifications.application.own_templates import (
    DropTemplates,
    ListTemplates,
    PreviewTemplates,
    SetTemplates,
    ShowTemplates,
)
from booking_system.notifications.application.template_ports import StoredTemplates
from booking_system.notifications.domain.message import Kind
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import BodyLimit, StrictRequest
from booking_system.platform.http.once import ClaimedFirst
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    cursor_after,
    link_to_next,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
ALL = "/v1/clinics/{clinic_id}/message-templates"
ONE = f"{ALL}/{{kind}}/{{language}}"
OF_TEMPLATES = BodyLimit(most_bytes=512 * 1024)
"""Of the longest parts each character may take six bytes of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRoutes:
    """HTTP for templates."""

    list: ListTemplates
    show: ShowTemplates
    set: SetTemplates
    drop: DropTemplates
    preview: PreviewTemplates

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Message settings")
        routes.add(
            "GET",
            ALL,
            self.list_message_templates,
            policy=signed_in,
            answers=Page[MessageTemplateSummaryOut],
            refuses=[NotFound, NotPermitted, InvalidCursor],
        )
        routes.add(
            "GET",
            ONE,
            self.read_message_template,
            policy=signed_in,
            answers=MessageTemplateOut,
            refuses=[NotFound, NotPermitted],
        )
        routes.add(
            "PUT",
            ONE,
            self.set_message_template,
            policy=signed_in,
            answers=MessageTemplateOut,
            refuses=[NotFound, NotPermitted, Stale],
            problems={422: TemplateProblem},
            body_limit=OF_TEMPLATES,
        )
        routes.add(
            "DELETE",
            ONE,
            self.delete_message_template,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound, NotPermitted, Stale],
        )
        routes.add(
            "POST",
            f"{ONE}/preview",
            self.preview_message_template,
            policy=signed_in,
            answers=TemplatePreviewOut,
            refuses=[NotFound, NotPermitted],
            body_limit=OF_TEMPLATES,
            once=ClaimedFirst(again=self.show_preview_again),
        )
        return routes

    async def list_message_templates(
        self,
        request: Request,
        clinic_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List a clinic's own templates: the oldest first, and what did not work."""
        filters = {"clinic_id": clinic_id}
        place = position_of(cursor, filters)
        found = await self.list(
            clinic_id=ClinicId(clinic_id), after=place and place[1], limit=limit, actor=actor
        )
        more = len(found) > limit
        following = cursor_after(None, found[limit - 1].id, filters) if more else None
        items = [MessageTemplateSummaryOut.of(one) for one in found[:limit]]
        body = {"items": items, "next_cursor": following}
        return json_answer(body, headers=link_to_next(request, following))

    async def read_message_template(
        self, clinic_id: UUID, kind: TemplateKind, language: TemplateLanguage, actor: Caller
    ) -> Response:
        """Read a clinic's own template for one kind and language."""
        stored = await self.show(
            clinic_id=ClinicId(clinic_id), kind=Kind(kind), language=language, actor=actor
        )
        return _answer(stored)

    async def set_message_template(  # noqa: PLR0913, PLR0917
        self,
        clinic_id: UUID,
        kind: TemplateKind,
        language: TemplateLanguage,
        body: MessageTemplateIn,
        actor: Caller,
        if_match: IfMatch = None,
    ) -> Response:
        """Set a template for one kind and language: all parts at once.

        They are tried on examples first: those that do not work are refused, each with its line.
        What may stand in them is in `docs/messages.md`.
        """
        stored = await self.set(
            clinic_id=ClinicId(clinic_id),
            kind=Kind(kind),
            language=language,
            templates=body.templates(),
            version=expected_version(if_match),
            actor=actor,
        )
        return _answer(stored)

    async def delete_message_template(
        self,
        clinic_id: UUID,
        kind: TemplateKind,
        language: TemplateLanguage,
        actor: Caller,
        if_match: IfMatch = None,
    ) -> Response:
        """Delete a clinic's own template: the program's words stand again."""
        await self.drop(
            clinic_id=ClinicId(clinic_id),
            kind=Kind(kind),
            language=language,
            version=expected_version(if_match),
            actor=actor,
        )
        return Response(status_code=204)

    async def preview_message_template(
        self,
        clinic_id: UUID,
        kind: TemplateKind,
        language: TemplateLanguage,
        body: MessageTemplateIn,
        actor: Caller,
    ) -> Response:
        """Preview a template that is not stored: a message of made-up facts, and its faults."""
        return await self._previewed(clinic_id, kind, language, body, actor)

    async def show_preview_again(self, request: StrictRequest, _: Sequence[UUID]) -> Response:
        """Make it again: the same templates say the same. Raises what the first request raises."""
        given = request.path_params
        return await self._previewed(
            UUID(given["clinic_id"]),
            given["kind"],
            given["language"],
            MessageTemplateIn.model_validate(await request.json()),
            request.scope["caller"],
        )

    async def _previewed(
        self, clinic_id: UUID, kind: str, language: str, body: MessageTemplateIn, actor: Actor
    ) -> Response:
        previewed = await self.preview(
            clinic_id=ClinicId(clinic_id),
            kind=Kind(kind),
            language=language,
            templates=body.templates(),
            actor=actor,
        )
        return json_answer(TemplatePreviewOut.of(previewed))


def _answer(stored: StoredTemplates) -> Response:
    headers = {"ETag": etag_of(stored.version)}
    return json_answer(MessageTemplateOut.of(stored), headers=headers)
