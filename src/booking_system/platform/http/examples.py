"""Examples of bodies, put together from what the fields say of themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

TEXTS = {
    "uuid": "0192f0c1-2b3c-7d4e-8f50-617283940000",
    "date-time": "2027-03-01T08:00:00Z",
    "date": "2027-03-01",
    "uri": "https://example.com",
    "binary": "bytes",
}
REFERENCE = "#/components/schemas/"
Schema = Mapping[str, Any]


class Examples:
    """Makes an example of any schema of one OpenAPI document."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        """`schemas` are the document's components."""
        self._schemas = schemas

    def of(self, schema: Schema, name: str = "", *, sparse: bool = False) -> Any:
        """Return a value that fits; `name` is the field's or the parameter's.

        A `sparse` one (for bodies that go in) has the required fields and those with an example of
        their own; else all are there, and one that may be null without an example is null.
        """
        if "examples" in schema:
            return schema["examples"][0]
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        if "enum" in schema:
            return schema["enum"][0]
        if "$ref" in schema:
            return self.of(self._resolved(schema), name, sparse=sparse)
        if "oneOf" in schema or "anyOf" in schema:
            choices = schema.get("anyOf") or schema["oneOf"][:1]
            return self._choice(choices, name, sparse=sparse)
        return self._of_type(schema, name, sparse=sparse)

    def fill(self, schema: Schema, value: Any) -> None:
        """Put an example in each field of the value that is there, and empty."""
        if isinstance(value, dict) and "$ref" in schema:
            fields = self._resolved(schema).get("properties", {})
            empty = [name for name, told in value.items() if told == [] and name in fields]
            value.update({name: self.of(fields[name], name) for name in empty})

    def _of_type(self, schema: Schema, name: str, *, sparse: bool) -> Any:
        kind = schema.get("type", "object")
        if kind == "object":
            return self._object(schema, name, sparse=sparse)
        if kind == "array":
            return [self.of(schema["items"], name.removesuffix("s"), sparse=sparse)]
        if kind == "integer":
            return schema.get("minimum", 1)
        if kind in {"boolean", "null"}:
            return True if kind == "boolean" else None
        if schema.get("format") == "uuid":
            return self._identity(name)
        return TEXTS.get(schema.get("format", ""), "text")

    def _object(self, schema: Schema, name: str, *, sparse: bool) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        return {
            field: self.of(about, name if field == "id" else field, sparse=sparse)
            for field, about in schema.get("properties", {}).items()
            if not sparse or field in required or self._speaks(about)
        }

    def _choice(self, schemas: list[dict[str, Any]], name: str, *, sparse: bool) -> Any:
        spoken = next((schema for schema in schemas if self._speaks(schema)), None)
        if spoken is None and not sparse and {"type": "null"} in schemas:
            return None
        return self.of(spoken or schemas[0], name, sparse=sparse)

    def _speaks(self, field: Schema) -> bool:
        return "examples" in field or any(self._speaks(one) for one in field.get("anyOf", ()))

    def _identity(self, name: str) -> str:
        """Give `doctor_id`, and the id of a `doctor`, the id of the example of a `Doctor`."""
        thing = name.removesuffix("_id").rpartition("_")[2].title()
        about = self._schemas.get(thing, {}).get("properties", {}).get("id", {})
        identity: str = about.get("examples", [TEXTS["uuid"]])[0]
        return identity

    def _resolved(self, schema: Schema) -> Schema:
        found: Schema = self._schemas[schema["$ref"].removeprefix(REFERENCE)]
        return found


def add_examples(document: dict[str, Any]) -> None:
    """Give an example to each body, and to each id in a path, that has none."""
    examples = Examples(document["components"]["schemas"])
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                example = examples.of(parameter["schema"], parameter["name"])
                parameter.setdefault("example", example)
        bodies = [(operation.get("requestBody", {}), True)]
        bodies += [(answer, False) for answer in operation["responses"].values()]
        for body, sparse in bodies:
            for media in body.get("content", {}).values():
                if "example" not in media and "examples" not in media:
                    media["example"] = examples.of(media["schema"], sparse=sparse)
                for example in media.get("examples", {}).values():
                    examples.fill(media["schema"], example.get("value"))


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()
