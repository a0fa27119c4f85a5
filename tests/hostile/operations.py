"""The operations that write, as the OpenAPI document knows them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.api import document_of_all
from tests.hostile import bodies, framing, parts
from tests.hostile.draft import Kind

WRITING = {"POST", "PUT", "PATCH", "DELETE"}
MOST_FIELDS = 6
TURNS = 24
"""In the short form each operation meets one of so many of what is the same for all of them."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. `schema` is what its body looks like, all references resolved."""

    method: str
    path: str
    statuses: frozenset[int]
    needs_token: bool
    is_form: bool
    schema: Mapping[str, Any] | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def kinds(self, *, long: bool, turn: int = 0) -> list[Kind]:
        """All that is tried on it; in the short form its share, which goes around by `turn`."""
        found = [
            *bodies.raw_bodies(),
            *parts.paths(),
            *parts.queries(),
            *parts.headers(),
            *parts.methods(),
            *parts.credentials(),
            *framing.framings(),
        ]
        if self.is_form:
            found += bodies.raw_forms()
        if not long:
            found = found[turn % TURNS :: TURNS]
        if self.schema is not None:
            wrong = list(bodies.wrong_fields(self.schema, is_form=self.is_form))
            # The step is odd, so that no field is always spared the same values.
            step = 1 if long else max(1, len(wrong) // MOST_FIELDS) | 1
            found += wrong[::step]
        return found


def writing_operations() -> Iterator[Operation]:
    document = document_of_all()
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            if method.upper() in WRITING:
                content = about.get("requestBody", {}).get("content", {})
                form = content.get("application/x-www-form-urlencoded")
                found = form or content.get("application/json")
                yield Operation(
                    method=method.upper(),
                    path=path,
                    statuses=frozenset(int(status) for status in about["responses"]),
                    needs_token=bool(about["security"]) and {} not in about["security"],
                    is_form=form is not None,
                    schema=None if found is None else _resolved(document, found["schema"]),
                )


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and take of several possibilities the first that is not null."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            first = next(one for one in schema[choice] if one.get("type") != "null")
            return _resolved(document, first)
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {
            name: _resolved(document, field) for name, field in made["properties"].items()
        }
    if isinstance(made.get("items"), dict):
        made["items"] = _resolved(document, made["items"])
    return made
