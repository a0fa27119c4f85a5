"""The events that there are, as the OpenAPI document's `webhooks` say what each tells."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from booking_system.platform.http.event_kinds import data_of, kinds, summary_of
from booking_system.shared_kernel.aggregate import DomainEvent

HEADERS = {
    "webhook-id": "Names the event: the same at each attempt, and wherever it is told",
    "webhook-timestamp": "When this attempt was signed, in seconds since 1970",
    "webhook-signature": "`v1,` and the signature in Base64; during a rotation two of them",
}
ANSWERS = {
    "2XX": "Taken. Anything else, a redirection too, is tried again, ten times in three days",
    "410": "Gone: the endpoint is disabled at once",
}


def webhooks() -> Mapping[str, Any]:
    """Return the part of the document."""
    return {kind.name: {"post": _operation(kind)} for kind in kinds()}


def _operation(kind: type[DomainEvent]) -> dict[str, Any]:
    parameters = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": about,
            "schema": {"type": "string"},
        }
        for name, about in HEADERS.items()
    ]
    return {
        "operationId": f"told_{kind.name.replace('.', '_')}",
        "tags": ["Webhook calls"],
        "summary": summary_of(kind),
        "description": cleandoc(kind.__doc__ or ""),
        # It is signed, which no scheme of the document says: see the parameters.
        "security": [],
        "parameters": parameters,
        "requestBody": {
            "description": "What has happened",
            "required": True,
            "content": {"application/json": {"schema": _body(kind)}},
        },
        "responses": {status: {"description": about} for status, about in ANSWERS.items()},
    }


def _body(kind: type[DomainEvent]) -> dict[str, Any]:
    properties = {
        "type": {"const": kind.name},
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
        "data": data_of(kind),
        "seq": {
            "type": ["integer", "null"],
            "description": "Its number in the feed, `GET /v1/events`: order by it, as webhooks may "
            "arrive in another order",
        },
    }
    return {"type": "object", "properties": properties, "required": [*properties]}
