"""The events that there are, as the OpenAPI document's `webhooks` say what each tells."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

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


def kinds() -> list[type[DomainEvent]]:
    """Return every kind of event that has a name, by name; all modules are imported by then."""
    return sorted(_below(DomainEvent), key=lambda kind: kind.name)


def _below(kind: type[DomainEvent]) -> Iterator[type[DomainEvent]]:
    for one in kind.__subclasses__():
        # A dataclass with slots is made of another class, which is found here, too.
        is_whole = {"name", "__dataclass_fields__", "__slots__"} <= vars(one).keys()
        if is_whole and one.__module__.startswith("booking_system."):
            yield one
        yield from _below(one)


def webhooks() -> Mapping[str, Any]:
    """Return the part of the document."""
    return {kind.name: {"post": _operation(kind)} for kind in kinds()}


def _operation(kind: type[DomainEvent]) -> dict[str, Any]:
    told = (kind.__doc__ or "").strip().splitlines()[0]
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
        "tags": ["Webhooks"],
        "summary": told,
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _body(kind)}},
        },
        "responses": {status: {"description": about} for status, about in ANSWERS.items()},
    }


def _body(kind: type[DomainEvent]) -> dict[str, Any]:
    properties = {
        "type": {"const": kind.name},
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
        "data": _data(kind),
        "seq": {
            "type": ["integer", "null"],
            "description": "Its number in the feed, `GET /v1/events`: order by it, as webhooks may "
            "arrive in another order",
        },
    }
    return {"type": "object", "properties": properties, "required": [*properties]}


def _data(kind: type[DomainEvent]) -> dict[str, Any]:
    """The fields of its own: when it happened stands beside them."""
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    definitions = schema.get("$defs", {})
    fields = {
        name: _plain(field, definitions)
        for name, field in schema["properties"].items()
        if name != "occurred_at"
    }
    return {"type": "object", "properties": fields}


def _plain(field: Any, definitions: Mapping[str, Any]) -> Any:
    """Without titles, and with what is referred to put in its place."""
    if isinstance(field, list):
        return [_plain(one, definitions) for one in field]
    if not isinstance(field, dict):
        return field
    if "$ref" in field:
        return _plain(definitions[field["$ref"].rpartition("/")[2]], definitions)
    return {
        name: _plain(one, definitions)
        for name, one in field.items()
        if name not in {"title", "description"}
    }
