"""The OpenAPI document and its pages come from this server alone."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31

from booking_system.bootstrap import up
from booking_system.bootstrap.settings import Settings
from booking_system.platform.http.problem_pages import codes
from booking_system.platform.http.titles import UntitledError, title_of
from tests.api import COMMITTED, Api, code_of, document_of_all
from tests.contract import needed_by


def test_the_committed_document_is_the_one_that_is_served() -> None:
    assert COMMITTED.read_text() == up.openapi(Settings()), "make openapi writes it anew"


def test_the_document_has_the_form_of_openapi() -> None:
    """By the schema of its version; what it refers to is there."""
    document = document_of_all()
    form = json.loads(json.dumps(dict(schema_v31)))
    jsonschema_rs.Draft202012Validator(form).validate(document)
    for name in {*re.findall(r'"\$ref": "(.*?)"', json.dumps(document))}:
        place: Any = document
        for step in name.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.proof
def test_the_document_is_valid() -> None:
    """Each schema and example of it, too, which takes four seconds of a processor."""
    OpenAPIV31SpecValidator(document_of_all()).validate()


def test_no_description_is_indented_as_its_source_is() -> None:
    """Python 3.13 takes the indentation of docstrings away, older ones leave it."""

    def descriptions(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(told := node.get("description"), str):
                yield told
            yield from chain.from_iterable(map(descriptions, node.values()))
        elif isinstance(node, list):
            yield from chain.from_iterable(map(descriptions, node))

    found = set(descriptions(document_of_all()))
    assert len(found) > 500
    assert [one for one in found if one.strip() != inspect.cleandoc(one).strip()] == []


async def test_the_document_describes_every_operation_once(api: Api) -> None:
    document = (await api.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids)) > 40
    for operation in operations:
        assert operation["description"]
        assert set(operation["tags"]) <= described
        assert "security" in operation
        assert {"422", "500"} <= operation["responses"].keys()
        made = operation["responses"].get("201", {"headers": {"Location"}})
        assert "Location" in made["headers"]
    assert document["components"]["securitySchemes"].keys() == {"password", "bearer"}


def test_no_key_is_proposed() -> None:
    """A page fills examples in: everybody who tried the API on it would send the same key."""
    keys = [
        parameter
        for operations in document_of_all()["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"] in {"Idempotency-Key", "If-Match", "Hold-Token"}
    ]
    assert keys
    assert not any("example" in json.dumps(key) for key in keys)


def test_every_body_has_an_example_that_fits() -> None:
    document = document_of_all()
    schemas, seen = document["components"]["schemas"], 0

    @cache
    def validator(schema: str) -> Callable[[Any], None]:
        asked = json.loads(schema)
        whole = {**asked, "components": {"schemas": needed_by(asked, schemas)}}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate

    for operation in (o for path in document["paths"].values() for o in path.values()):
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                validate = validator(json.dumps(media["schema"]))
                named = media.get("examples", {"": {"value": media.get("example")}})
                for name, given in named.items():
                    example = document["components"]["examples"].get(name, given)
                    validate(example["value"])
                    # What stands for a text of which there is no example; a field may be called so.
                    assert not re.search(r'"text"(?!:)', json.dumps(example))
                    seen += 1
    assert seen > 300


def test_every_operation_has_a_title_of_its_own() -> None:
    operations = [o for path in document_of_all()["paths"].values() for o in path.values()]
    titles = [operation["summary"] for operation in operations]

    assert len(titles) == len(set(titles)) > 150
    for operation in operations:
        title = operation["summary"]
        assert re.fullmatch(r"[A-Z][^`]{3,59}", title), "markdown is not rendered there"
        assert " ".join(operation["description"].split()).startswith(title)


def test_an_endpoint_without_a_title_is_not_served() -> None:
    def untold() -> None:
        pass

    def told_at_length() -> None:
        """Do what takes many more words to be said than fit on the one line of a list of titles."""

    for endpoint in (untold, told_at_length):
        with pytest.raises(UntitledError):
            title_of(endpoint)


async def test_every_code_has_a_page_that_says_what_to_do(api: Api) -> None:
    index = (await api.get("/problems")).text
    assert len(codes()) > 30
    for name, code in codes().items():
        assert f'href="/problems/{name}"' in index
        page = await api.get(f"/problems/{name}")
        assert page.headers["content-type"].startswith("text/html")
        assert str(code.status) in page.text
        assert any(len(advice) > 20 for _, advice in code.meanings), name
    booking = (await api.get("/problems/slot_already_booked")).text
    assert "POST /v1/bookings" in booking
    assert code_of(await api.get("/problems/made-up")) == (404, "not_found")


async def test_the_type_of_a_problem_is_the_address_of_its_page(api: Api) -> None:
    problem = (await api.get("/v1/nowhere")).json()
    assert (await api.get(problem["type"])).status_code == 200


async def test_the_pages_load_nothing_from_elsewhere(api: Api) -> None:
    for path in ("/docs", "/redoc"):
        page = await api.get(path)
        assert page.status_code == 200
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert sources
        for source in sources:
            assert source.startswith("/")
            asset = await api.get(source)
            assert asset.status_code == 200
            assert len(asset.content) > 1000


async def test_only_the_pages_files_are_served(api: Api) -> None:
    for name in ("core.py", "..%2f__init__.py", "%2e%2e/__init__.py"):
        assert code_of(await api.get(f"/docs/assets/{name}")) == (404, "not_found")


async def test_health_says_live_and_ready(own_api: Api) -> None:
    assert (await own_api.get("/health/live")).json() == {"status": "live"}
    ready = (await own_api.get("/health/ready")).json()
    assert ready["status"] == "ready"
    assert ready["time_zone_data"].startswith("20")

    async with own_api.container.database().transaction() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert code_of(await own_api.get("/health/ready")) == (503, "dependency_unavailable")
