"""What a program has to read in answers is typed, named and listed in the OpenAPI document."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

import booking_system
from booking_system.bootstrap.container import build
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.settings import Settings
from booking_system.platform.http.problems import all_refusals
from booking_system.platform.http.signatures import InvalidSignature
from tests.api import Api, code_of, document_of_all, nothing_at
from tests.contract import Contract
from tests.platform.fresh_program import codes_of_refusals

SOURCE = Path(booking_system.__file__).parent
TYPED = {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}
ONE = {"schema", "items", "additionalProperties"}
IN_HEADERS = {"retry_after", "allow", "detail", "length", "version"}
LONG = "x" * 65


def _schemas(node: Any, at: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each schema below, where it is, and whether it is one of several possibilities."""
    if isinstance(node, list):
        for place, child in enumerate(node):
            yield from _schemas(child, f"{at}/{place}")
    if not isinstance(node, dict):
        return
    for name, child in node.items():
        if name in {"example", "examples", "default"}:
            continue
        here = f"{at}/{name}"
        if name in ONE and isinstance(child, dict):
            yield here, child, False
        elif name in {"properties", "schemas"} and isinstance(child, dict):
            yield from ((f"{here}/{one}", about, False) for one, about in child.items())
        elif name in {"anyOf", "oneOf", "allOf"}:
            yield from ((f"{here}/{place}", one, True) for place, one in enumerate(child))
        yield from _schemas(child, here)


def _untyped(document: dict[str, Any]) -> list[str]:
    """Where a generator would write `unknown`, or a type that only null fits."""
    return [
        at
        for at, schema, is_choice in _schemas(document, "")
        if not TYPED & schema.keys() or (schema.get("type") == "null" and not is_choice)
    ]


def test_nothing_in_the_document_is_without_a_type_or_only_null() -> None:
    assert len(list(_schemas(document_of_all(), ""))) > 1000
    assert _untyped(document_of_all()) == []


@pytest.mark.parametrize(
    ("schema", "is_fine"),
    [
        ({"type": "null"}, False),
        ({}, False),
        ({"description": "Anything"}, False),
        ({"type": "array", "items": {}}, False),
        ({"type": "object", "additionalProperties": {}}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"type": "object", "additionalProperties": {"type": "string"}}, True),
    ],
)
def test_that_search_finds_what_generators_stumble_over(
    schema: dict[str, Any], is_fine: bool
) -> None:
    assert (_untyped({"properties": {"field": schema}}) == []) is is_fine


def test_every_list_says_alike_where_it_goes_on() -> None:
    cursors = {
        name: sorted(one["type"] for one in schema["properties"]["next_cursor"]["anyOf"])
        for name, schema in document_of_all()["components"]["schemas"].items()
        if "next_cursor" in schema.get("properties", {})
    }
    assert len(cursors) > 10
    assert set(map(tuple, cursors.values())) == {("null", "string")}


def test_the_list_of_codes_is_what_the_program_can_say() -> None:
    listed = document_of_all()["components"]["schemas"]["ProblemCode"]["enum"]
    of_hooks = {InvalidSignature.code}
    assert set(listed) == codes_of_refusals() - of_hooks, "no operation is a hook"
    assert len(listed) == len(set(listed))


def test_whatever_a_refusal_carries_is_a_documented_member() -> None:
    kinds = {kind.__name__ for kind in all_refusals()}
    carried = set(IN_HEADERS)
    for file in SOURCE.rglob("*.py"):
        text = file.read_text()
        # To parse all files takes two seconds.
        if kinds.isdisjoint(re.findall(r"\w+", text)):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in kinds:
                    carried |= {one.arg for one in node.keywords if one.arg is not None}
    documented = {
        member
        for name, schema in document_of_all()["components"]["schemas"].items()
        if name.endswith("Problem")
        for member in schema["properties"]
    }
    assert carried >= {"errors", "bookings", "count", "occupied_by", "availability_id"}
    assert carried - IN_HEADERS <= documented


def test_the_document_names_its_server(tmp_path: Path) -> None:
    settings = nothing_at(tmp_path)
    here = settings.model_copy(update={"public_url": settings.given_public_url or ""})
    named = settings.model_copy(update={"public_url": "https://booking.example.com"})

    assert [one["url"] for one in document_of_all()["servers"]] == ["/"]
    assert [one["url"] for one in _short_document(here)["servers"]] == ["/"]
    assert _short_document(named)["servers"] == [{"url": "https://booking.example.com"}]
    assert Settings(public_url="https://a.example").given_public_url == "https://a.example"
    assert Settings(public_url="", host="127.0.0.1", port=8123).given_public_url is None


def _short_document(settings: Settings) -> dict[str, Any]:
    """Of one operation alone: all of them take half a second."""
    app = create_app(build(settings))
    del app.router.routes[1:]
    return app.openapi()


async def test_the_page_to_try_the_api_calls_the_server_that_it_came_from(api: Api) -> None:
    assert "url: '/docs/openapi.json'" in (await api.get("/docs")).text
    assert (await api.get("/openapi.json")).json()["servers"] == [{"url": "http://test"}]
    assert (await api.get("/docs/openapi.json")).json()["servers"][0]["url"] == "/"


async def _errors(api: Api, query: str = "", body: Any = None) -> list[dict[str, str]]:
    if body is None:
        answer = await api.client.get(f"/v1/slots?{query}")
    else:
        answer = await api.post("/v1/bookings", body, await api.patient())
    assert code_of(answer) == (422, "validation_error")
    assert LONG not in answer.text
    return [
        {name: error[name] for name in ("pointer", "in", "code")}
        for error in answer.json()["errors"]
        if error["code"] != "required"
    ]


def _wrong(pointer: str, where: str) -> dict[str, str]:
    code = "unknown_parameter" if where == "query" else "unknown_field"
    return {"pointer": pointer, "in": where, "code": code}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["doctr_id"], ["/doctr_id"]),
        (["b", "a.b-c_D"], ["/b", "/a.b-c_D"]),
        ([LONG[:64]], [f"/{LONG[:64]}"]),
        ([LONG], [""]),
        (["anna@example.com"], [""]),
        (["anna example", "fine"], ["", "/fine"]),
        (["ä"], [""]),
        (["a/b~c"], [""]),
        (["a\n"], [""]),
        (["__proto__"], ["/__proto__"]),
        ([f"n{place}" for place in range(30)], [f"/n{place}" for place in range(20)]),
    ],
)
async def test_what_is_unknown_is_named_where_its_name_is_plain(
    api: Api, names: list[str], told: list[str]
) -> None:
    """Query and body alike, each with one code; no text of a person can hide in such a name."""
    query = "&".join(f"{name}=1".replace("\n", "%0A") for name in names)
    assert await _errors(api, query=query) == [_wrong(one, "query") for one in told]

    slot = "0192f0c1-2b3c-7d4e-8f50-617283940001"
    body = {"time_slot_id": slot} | dict.fromkeys(names, 1)
    assert await _errors(api, body=body) == [_wrong(one, "body") for one in told]


async def test_an_unknown_field_is_named_at_its_depth(api: Api) -> None:
    slot = "0192f0c1-2b3c-7d4e-8f50-617283940001"
    override = {"codes": ["slot_held"], "reason": "Emergency", "because": 1}
    body = {"time_slot_id": slot, "override": override}

    assert await _errors(api, body=body) == [_wrong("/override/because", "body")]


async def test_a_parameter_that_is_unknown_several_times_is_told_once(api: Api) -> None:
    assert await _errors(api, query="x=1&x=2&limit=1") == [_wrong("/x", "query")]


async def test_every_wrong_field_says_in_which_part_of_the_request_it_is(api: Api) -> None:
    clinic = await api.clinic()
    for path, where in (
        ("/v1/slots?from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z", "query"),
        ("/v1/slots?limit=1&limit=2", "query"),
        ("/v1/slots?q=%FF", "query"),
        ("/v1/slots/no-uuid", "path"),
        ("/v1/slots/%00", "path"),
    ):
        problem = (await api.client.get(path)).json()
        assert {error["in"] for error in problem["errors"]} == {where}, path
    for body in ({"name": "\u0007"}, {"slug": clinic["slug"], "name": "A", "time_zone": "UTC"}):
        problem = (await api.post("/v1/clinics", body, api.admin)).json()
        assert {error["in"] for error in problem["errors"]} == {"body"}


def _answer(document: dict[str, Any], operation: str, status: str) -> tuple[str, str, Any]:
    """The path, the method and the example of one documented answer."""
    path, method, found = next(
        (path, method, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if one["operationId"] == operation
    )
    (media,) = found["responses"][status]["content"].values()
    named = media.get("examples", {})
    whole = next((one["value"] for one in named.values() if "value" in one), media.get("example"))
    if whole is None:
        (name, *_) = named
        whole = document["components"]["examples"][name]["value"]
    return path, method.upper(), json.loads(json.dumps(whole))


PLANTS = [
    ("read_booking", "200", ()),
    ("read_booking", "200", ("doctor",)),
    ("search_slots", "200", ("items", 0)),
    ("create_booking", "409", ()),
    ("create_booking", "409", ("alternatives", 0)),
    ("create_booking", "422", ()),
    ("create_booking", "422", ("errors", 0)),
    ("create_time_off", "409", ("bookings", 0)),
    ("create_availability", "409", ()),
    ("read_booking", "404", ()),
]


@pytest.mark.parametrize(("operation", "status", "where"), PLANTS)
def test_an_answer_with_more_than_the_document_does_not_pass(
    operation: str, status: str, where: tuple[str | int, ...]
) -> None:
    document = document_of_all()
    contract, (path, method, body) = Contract(document), _answer(document, operation, status)
    kind = "application/json" if int(status) < 400 else "application/problem+json"
    said = document["paths"][path][method.lower()]["responses"][status].get("headers", {})
    headers = {name.lower(): "x" for name in said} | {"content-type": kind}
    if where[:1] == ("errors",):
        body["errors"] = [{"pointer": "/a", "in": "body", "detail": "is wrong", "code": "invalid"}]

    contract.check(path, method, int(status), headers, orjson.dumps(body))

    planted = body
    for step in where:
        planted = planted[step]
    planted["planted"] = 1
    with pytest.raises(jsonschema_rs.ValidationError, match="planted"):
        contract.check(path, method, int(status), headers, orjson.dumps(body))


def test_nor_does_one_of_no_operation() -> None:
    document = document_of_all()
    contract = Contract(document)
    body = document["components"]["examples"]["not_found"]["value"]
    body |= {"code": "method_not_allowed", "status": 405}
    headers = {"content-type": "application/problem+json"}
    for path, status in (("/v1/slots", 405), ("/v1/nowhere", 404)):
        contract.check(path, "PUT", status, headers, orjson.dumps(body))
        for more in ({"planted": 1}, {"code": "made_up"}):
            with pytest.raises(jsonschema_rs.ValidationError):
                contract.check(path, "PUT", status, headers, orjson.dumps(body | more))
