"""Says what properties, parameters and bodies are that do not say so themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

REFERENCE = "#/components/schemas/"
NO_VALUE = "null: none"


def describe(document: dict[str, Any], words: Mapping[str, str]) -> None:
    """Describe each property and parameter without a description by the word for its name.

    `words` are what names mean; what `Schema.name` means goes before what `name` does. A field
    that may be null says what that means: none, where its word does not tell of it.
    A body that comes in is what its schema is.
    """
    schemas = document["components"]["schemas"]
    for schema, name, about in _properties(schemas):
        word = words.get(f"{schema}.{name}", words.get(name))
        if word is not None and "description" not in about:
            may_be_null = {"type": "null"} in about.get("anyOf", ())
            missing = may_be_null and "null" not in word
            about["description"] = f"{word}; {NO_VALUE}" if missing else word
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            if "description" not in parameter and parameter["name"] in words:
                parameter["description"] = words[parameter["name"]]
        body = operation.get("requestBody", {})
        for media in body.get("content", {}).values():
            # A body that may be left out is one of two: the model, or nothing.
            for choice in (media["schema"], *media["schema"].get("anyOf", ())):
                if "description" not in body and "$ref" in choice:
                    model = schemas[choice["$ref"].removeprefix(REFERENCE)]
                    body["description"] = model["description"]


def _properties(schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for schema, about in schemas.items():
        for name, field in about.get("properties", {}).items():
            yield schema, name, field


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()
