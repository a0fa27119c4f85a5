"""Everything in the OpenAPI document that has a name says what it is."""

from collections.abc import Iterator
from typing import Any

from booking_system.bootstrap.about_fields import ABOUT_FIELDS
from booking_system.platform.http.words import describe
from tests.api import document_of_all


def _operations() -> Iterator[dict[str, Any]]:
    for path in document_of_all()["paths"].values():
        yield from path.values()


def _properties() -> dict[str, dict[str, Any]]:
    return {
        f"{schema}.{name}": field
        for schema, about in document_of_all()["components"]["schemas"].items()
        for name, field in about.get("properties", {}).items()
    }


def test_every_property_says_what_it_is() -> None:
    properties = _properties()
    assert len(properties) > 1500
    assert [name for name, field in properties.items() if not field.get("description")] == []


def test_every_parameter_and_every_body_says_what_it_is() -> None:
    parameters = [
        (operation["operationId"], parameter)
        for operation in _operations()
        for parameter in operation.get("parameters", ())
    ]
    bodies = {o["operationId"]: o["requestBody"] for o in _operations() if "requestBody" in o}
    schemas = document_of_all()["components"]["schemas"]

    assert len(parameters) > 400
    assert [(of, one["name"]) for of, one in parameters if not one.get("description")] == []
    assert len(bodies) > 50
    assert [of for of, body in bodies.items() if not body.get("description")] == []
    assert [name for name, about in schemas.items() if not about.get("description")] == []
    assert all(tag["description"] for tag in document_of_all()["tags"])


def test_a_refusal_to_wait_for_has_its_header() -> None:
    answers = [
        (status, answer, answer["content"]["application/problem+json"]["examples"].keys())
        for operation in _operations()
        for status, answer in operation["responses"].items()
        if status >= "4"
    ]
    waiting = [one for _, one, codes in answers if "idempotency_key_in_use" in codes]
    assert len(waiting) > 30
    assert all("Retry-After" in one["headers"] for one in waiting)
    refused = [one for status, one, codes in answers if status == "429"]
    assert len([one for one in refused if "RateLimit" in one["headers"]]) > 100
    others = [one for status, one, _ in answers if status not in {"409", "429", "503"}]
    assert not any({"Retry-After", "RateLimit"} & one["headers"].keys() for one in others)


def test_every_shared_word_is_used_and_means_one_thing() -> None:
    """A word that nothing is described by any more would be believed by the next reader."""
    properties, said = _properties(), set[str]()
    for name, word in ABOUT_FIELDS.items():
        ends = [field for at, field in properties.items() if at == name or at.endswith(f".{name}")]
        told = {str(field["description"]) for field in ends} | {
            str(parameter["description"])
            for operation in _operations()
            for parameter in operation.get("parameters", ())
            if parameter["name"] == name
        }
        said |= {name} if any(one.startswith(word) for one in told) else set()
    assert ABOUT_FIELDS.keys() - said == set()
    by_text: dict[str, list[str]] = {}
    for name, word in ABOUT_FIELDS.items():
        by_text.setdefault(word, []).append(name.rpartition(".")[2])
    assert {tuple(names) for names in by_text.values() if len(set(names)) > 1} == SYNONYMS


def test_a_field_goes_before_its_word_and_null_is_told_of() -> None:
    null, text = {"type": "null"}, {"type": "string"}
    fields: dict[str, Any] = {
        "own": {"description": "Its own"},
        "here": {},
        "maybe": {"anyOf": [text, null]},
        "told": {"anyOf": [text, null]},
    }
    document = {"paths": {}, "components": {"schemas": {"Thing": {"properties": fields}}}}
    words = {"own": "a", "here": "b", "Thing.here": "c", "maybe": "d", "told": "e; null: late"}

    describe(document, words)

    told = {name: field["description"] for name, field in fields.items()}
    assert told == {
        "own": "Its own",
        "here": "c",
        "maybe": "d; null: none",
        "told": "e; null: late",
    }


SYNONYMS = {
    ("appointment_id", "booking_id"),
    ("state", "status"),
    ("endpoint_id", "webhook_endpoint_id"),
}
"""Several names of one thing, which have grown so."""
