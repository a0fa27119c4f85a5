"""The OpenAPI 3.1 document: what FastAPI gathers, put into the form that generators like."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from booking_system.platform.http.documentation import components
from booking_system.platform.http.examples import add_examples
from booking_system.platform.http.words import describe

LICENCE = {"name": "MIT", "identifier": "MIT"}
CONTACT = {"name": "The operator of this server"}
HERE = {"url": "/", "description": "The server that this document was read from"}
"""Stands where no public address was given: the file in `docs/` is the same on every machine."""


PAGE = "Page"
NONE: Mapping[str, Any] = {}


def document_of(  # noqa: PLR0913
    routes: Sequence[BaseRoute],
    *,
    title: str,
    version: str,
    description: str,
    tags: Mapping[str, str],
    public_url: str | None,
    webhooks: Mapping[str, Any] = NONE,
    refine: Callable[[dict[str, Any]], None] | None = None,
    words: Mapping[str, str] = NONE,
) -> dict[str, Any]:
    """Return the document of the routes; `tags` describes their groups, in reading order.

    `webhooks` are what this program asks of others, by name, as the document has it; `refine` may
    say more of the schemas, by their names in the document; `words` say what fields and parameters
    mean that do not say so themselves (`platform.http.words`).

    Its server is the `public_url`; None: the server that it is read from.
    """
    document = get_openapi(
        title=title,
        version=version,
        description=description,
        routes=routes,
        license_info=LICENCE,
        contact=CONTACT,
        servers=[{"url": public_url} if public_url else HERE],
        tags=[{"name": name, "description": text} for name, text in tags.items()],
    )
    for part, entries in components(document["paths"]).items():
        document.setdefault("components", {}).setdefault(part, {}).update(entries)
    document = _plainly_named(document)
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(PAGE):
            schema.setdefault("description", "A page of a list")
    _drop_titles(document["components"]["schemas"])
    if refine is not None:
        refine(document["components"]["schemas"])
    describe(document, words)
    document["paths"] = _in_order(document["paths"], list(tags))
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    add_examples(document)
    _drop_unused(document)
    document["webhooks"] = webhooks
    return document


def _in_order(paths: dict[str, Any], tags: list[str]) -> dict[str, Any]:
    def place(item: tuple[str, dict[str, Any]]) -> tuple[int, str]:
        path, operations = item
        return min(tags.index(operation["tags"][0]) for operation in operations.values()), path

    return dict(sorted(paths.items(), key=place))


def _plainly_named(document: dict[str, Any]) -> dict[str, Any]:
    """Name what goes out after the thing: `Appointment`, `AppointmentPage`."""
    schemas = document["components"]["schemas"]
    names = {name: _plain(name) for name in schemas}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    assert not twice, f"two schemas have one name: {twice}"
    document["components"]["schemas"] = {names[name]: schemas[name] for name in schemas}
    text = json.dumps(document)
    for old, new in names.items():
        text = text.replace(f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _plain(name: str) -> str:
    assert "__" not in name, f"{name}: two models have one name"
    if page := re.fullmatch(r"Page_(\w+)_", name):
        return f"{_plain(page[1])}{PAGE}"
    return name.removesuffix("Out")


def _drop_unused(document: dict[str, Any]) -> None:
    """Drop examples that nothing refers to: those of refusals that an operation tells more of."""
    examples, said = document["components"]["examples"], json.dumps(document["paths"])
    for name in [one for one in examples if f'"#/components/examples/{one}"' not in said]:
        del examples[name]


def _drop_titles(node: Any) -> None:
    """Drop the titles that pydantic makes of field names: they say nothing new."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _drop_titles(child)
    elif isinstance(node, list):
        for child in node:
            _drop_titles(child)
