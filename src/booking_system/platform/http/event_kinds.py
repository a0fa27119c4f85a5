"""The one table of all kinds of events, and what the OpenAPI document says of each.

The classes are the table: a kind is a `DomainEvent` with a name. The document's schemas are made of
their fields, so what is told and what is documented cannot differ.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from inspect import cleandoc
from typing import Any

from pydantic import TypeAdapter

from booking_system.shared_kernel.aggregate import DomainEvent

EVENT = "Event"
"""The schema of one entry of the feed, which becomes one of the kinds."""
REFERENCE = "#/components/schemas/"
PATIENT = "patient_id"
"""Fields that end so are left out for readers who may not learn whose appointment it is."""


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


def summary_of(kind: type[DomainEvent]) -> str:
    """Return what the event means, in a sentence."""
    return (kind.__doc__ or "").strip().splitlines()[0]


def data_of(kind: type[DomainEvent]) -> dict[str, str]:
    """Return the reference to the schema of the event's `data`."""
    return {"$ref": f"{REFERENCE}{_name_of(kind)}Data"}


def type_events(schemas: dict[str, Any]) -> None:
    """Add the `data` of each kind to the document's schemas, and make an entry one of the kinds."""
    for kind in kinds():
        schemas[f"{_name_of(kind)}Data"] = _data(kind, schemas)
    if (entry := schemas.get(EVENT)) is None:
        return
    told = [kind for kind in kinds() if kind.is_in_feed]
    for kind in told:
        schemas[f"{_name_of(kind)}{EVENT}"] = _entry(entry, kind)
    schemas[EVENT] = {
        "description": entry["description"],
        "oneOf": [{"$ref": _entry_of(kind)} for kind in told],
        "discriminator": {
            "propertyName": "name",
            "mapping": {kind.name: _entry_of(kind) for kind in told},
        },
    }


def _name_of(kind: type[DomainEvent]) -> str:
    """`booking.checked_in` is `BookingCheckedIn`."""
    return kind.name.replace("_", ".").title().replace(".", "")


def _entry_of(kind: type[DomainEvent]) -> str:
    return f"{REFERENCE}{_name_of(kind)}{EVENT}"


def _entry(entry: Mapping[str, Any], kind: type[DomainEvent]) -> dict[str, Any]:
    one = deepcopy(dict(entry))
    one["description"] = summary_of(kind)
    one["properties"]["name"] = {
        "type": "string",
        "const": kind.name,
        "description": "Which kind of event it is",
    }
    one["properties"]["data"] = data_of(kind)
    return one


def _data(kind: type[DomainEvent], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of its own: when it happened stands beside them."""
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    definitions = schema.get("$defs", {})
    fields = {
        name: _plain(field, definitions, schemas)
        for name, field in schema["properties"].items()
        if name != "occurred_at"
    }
    required = [
        name for name in fields if name in schema.get("required", ()) and not name.endswith(PATIENT)
    ]
    return {
        "type": "object",
        "description": cleandoc(kind.__doc__ or ""),
        "properties": fields,
        "required": required,
    }


def _plain(field: Any, definitions: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Without titles; what the document has no schema of is put in the place of its name."""
    if isinstance(field, list):
        return [_plain(one, definitions, schemas) for one in field]
    if not isinstance(field, dict):
        return field
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        known, meant = schemas.get(name, {}), definitions[name]
        if "enum" in meant and known.get("enum") == meant["enum"]:
            return {"$ref": f"{REFERENCE}{name}"}
        return _plain(meant, definitions, schemas)
    return {
        name: _plain(one, definitions, schemas)
        for name, one in field.items()
        if name not in {"title", "description"}
    }
