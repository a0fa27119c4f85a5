"""One thing has one schema in the OpenAPI document, so that it is one type to a client."""

import json
from collections import defaultdict
from typing import Any

import pytest

from tests.api import document_of_all

NO_SHAPE = {"description", "examples", "example", "title"}
ALIKE = {
    ("ClinicSummary", "ServiceSummary"): "a clinic and a service: no function takes either",
    ("LinkIn", "TokenIn"): "a link of a mail to an account, and one of an invitation",
}
"""Schemas that are of one shape and mean two things, with the reason."""


def test_one_thing_has_one_schema() -> None:
    schemas = document_of_all()["components"]["schemas"]
    assert set(_twins(schemas)) == set(ALIKE)


@pytest.mark.parametrize(
    ("other", "is_twin"),
    [
        ({"type": "object", "properties": {"a": {"type": "string", "description": "B"}}}, True),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, False),
        ({"type": "object", "properties": {"b": {"type": "string"}}}, False),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            False,
        ),
    ],
)
def test_a_twin_is_found(other: dict[str, Any], *, is_twin: bool) -> None:
    one = {"type": "object", "description": "One", "properties": {"a": {"type": "string"}}}
    assert _twins({"One": one, "Other": other}) == ([("One", "Other")] if is_twin else [])


def test_one_list_of_values_has_one_schema() -> None:
    """Written out at each place, it would be as many types as there are places."""
    schemas = document_of_all()["components"]["schemas"]
    named = {tuple(about["enum"]): name for name, about in schemas.items() if "enum" in about}
    written = [
        (f"{schema}.{name}", named[values])
        for schema, about in schemas.items()
        for name, field in about.get("properties", {}).items()
        for values in _lists(field)
        if values in named
    ]
    assert len(named) > 20
    assert written == []


def _lists(field: dict[str, Any]) -> list[tuple[str, ...]]:
    choices = [field, *field.get("anyOf", ()), field.get("items", {})]
    return [tuple(one["enum"]) for one in choices if "enum" in one]


def _twins(schemas: dict[str, Any]) -> list[tuple[str, ...]]:
    """Names of schemas of objects with the same properties, of the same types, as often required.

    Events are left out: each kind has its own, which grows without the others.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name, about in schemas.items():
        if "properties" in about and not name.endswith("Data"):
            shape = {"of": about["properties"], "required": sorted(about.get("required", ()))}
            alike[json.dumps(_shape(shape), sort_keys=True)].append(name)
    return [tuple(names) for names in alike.values() if len(names) > 1]


def _shape(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: {field: _shape(one) for field, one in child.items()}
            if name == "of"
            else _shape(child)
            for name, child in node.items()
            if name not in NO_SHAPE
        }
    return [_shape(child) for child in node] if isinstance(node, list) else node
