"""Holds every answer of the application against the OpenAPI document, in whatever test it is given.

Which documented errors were reached is remembered; `conftest.py` compares at the end of a full run.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_system.platform.http.problems import MEDIA_TYPE
from tests.reached import REACHED, Reached

NOT_OF_AN_OPERATION = 405
TOO_MANY = 429
BUDGET = {"RateLimit", "RateLimit-Policy"}
REFERENCE = re.compile(r"#/components/schemas/([^\"]+)")


class Contract:
    """What one application has promised."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._operations = {
            (path, method.upper()): operation
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }
        self._headers = document["components"]["headers"]
        self._schemas = strict(document["components"]["schemas"])
        self._fits = cache(self._validator)
        self._fits_plainly = self._against({"$ref": "#/components/schemas/Problem"})

    def promised(self) -> set[Reached]:
        """Every documented error."""
        return {
            (operation["operationId"], int(status), code)
            for operation in self._operations.values()
            for status, response in operation["responses"].items()
            for code in response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        }

    def check(
        self, path: str, method: str, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        """Fail where the answer is not as documented."""
        operation = self._operations.get((path, "GET" if method == "HEAD" else method))
        if operation is None or status == NOT_OF_AN_OPERATION:
            if status >= 400 and body:
                self._fits_plainly(orjson.loads(body))
            return
        name = operation["operationId"]
        response = operation["responses"].get(str(status))
        assert response is not None, f"{name} answers {status}, which is not documented: {body!r}"
        told = response.get("headers", {})
        for header, part in told.items():
            is_always_there = self._headers[part["$ref"].rpartition("/")[2]]["required"]
            assert header.lower() in headers or not is_always_there, (
                f"{name} answers {status} without {header}"
            )
        for header in ("ETag", "Retry-After"):
            is_sent = header.lower() in headers
            assert header in told or not is_sent, f"{name} answers {status} with {header}"
        self._check_budget(operation, status, told, headers)
        kind = headers.get("content-type", "").partition(";")[0]
        content = response.get("content", {})
        if not content:
            assert not body, f"{name} answers {status} with a body"
            return
        assert kind in content, f"{name} answers {status} with {kind}"
        if method == "HEAD" or not kind.endswith("json"):
            return
        value = orjson.loads(body)
        self._fits(name, str(status), kind)(value)
        if status >= 400:
            code = value["code"]
            assert code in content[kind]["examples"], f"{name} says {code}: not documented"
            REACHED.add((name, status, code))

    def _check_budget(
        self, operation: dict[str, Any], status: int, told: dict[str, Any], headers: dict[str, str]
    ) -> None:
        """What is left is told of what is counted, each time with what it is left of."""
        sent = {header for header in BUDGET if header.lower() in headers}
        assert sent in (set(), BUDGET), f"{operation['operationId']} answers with half of {BUDGET}"
        responses = operation["responses"].items()
        is_counted = any(
            response["headers"].keys() >= BUDGET for code, response in responses if code < "4"
        )
        # Each refusal may say it, and those that are for want of it are documented with it.
        is_told = told.keys() >= BUDGET or (is_counted and status >= 400 and status != TOO_MANY)
        assert is_told or not sent, f"{operation['operationId']} answers {status} with a budget"

    def _validator(self, name: str, status: str, kind: str) -> Callable[[Any], None]:
        operation = next(o for o in self._operations.values() if o["operationId"] == name)
        schema = operation["responses"][status]["content"][kind]["schema"]
        return self._against(schema)

    def _against(self, schema: dict[str, Any]) -> Callable[[Any], None]:
        needed = {"components": {"schemas": needed_by(schema, self._schemas)}}
        validator = jsonschema_rs.Draft202012Validator({**schema, **needed}, validate_formats=True)
        return validator.validate


def needed_by(schema: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Those that it refers to, and what these refer to: each that is compiled takes time."""
    needed: dict[str, Any] = {}
    open_ends = [schema]
    while open_ends:
        for name in set(REFERENCE.findall(orjson.dumps(open_ends.pop()).decode())):
            if name not in needed:
                needed[name] = schemas[name]
                open_ends.append(needed[name])
    return needed


class Watched:
    """An application whose every answer is held against its contract."""

    def __init__(self, app: FastAPI, contract: Contract | None = None) -> None:
        self._app: ASGIApp = app
        self._contract = contract or Contract(app.openapi())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, kept)
        if start:
            # What is refused at the entrance never gets to a route.
            route = scope.get("route")
            path = scope["path"] if route is None else route.path_format
            headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
            status = start["status"]
            self._contract.check(path, scope["method"], status, headers, bytes(body))


def strict(node: Any) -> Any:
    """Answers may not have members that are not documented, at whatever depth.

    A schema says so by being one of an object with fields of its own; a map from names to values
    has none, and says of what type these are.
    """
    if isinstance(node, list):
        return [strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {name: strict(child) for name, child in node.items()}
    if isinstance(made.get("properties"), dict) and "type" in made:
        made["additionalProperties"] = False
    return made
