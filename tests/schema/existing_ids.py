"""Hooks for Schemathesis: an id that is a UUID becomes one that exists, most of the time.

What is `kept` is never named: an administrator who takes their own role away learns nothing more.
What ends its caller's session is asked by somebody who is there for that.
"""

import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import schemathesis

EXISTING: dict[str, list[str]] = json.loads(Path(os.environ["EXISTING_IDS"]).read_text())
LEAVING: dict[str, Any] = json.loads(Path(os.environ["LEAVING"]).read_text())


def _existing(name: str, value: object) -> object:
    """Choose by the value itself, so that a shrunk example stays the same."""
    try:
        number = UUID(str(value)).int
    except ValueError:
        return value
    known = EXISTING.get(name)
    if known is None or (number % 5 == 0 and value not in EXISTING["kept"]):
        return value
    return known[number % len(known)]


def _with_existing(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: [_existing(name.removesuffix("s"), one) for one in value]
            if name.endswith("_ids") and isinstance(value, list)
            else _existing(name, _with_existing(value))
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_with_existing(one) for one in node]
    return node


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
    return _with_existing(path_parameters)


@schemathesis.hook
def map_query(_context: Any, query: Any) -> Any:
    return _with_existing(query)


@schemathesis.hook
def map_body(_context: Any, body: Any) -> Any:
    return _with_existing(body)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    if case.path in LEAVING["paths"] and case.headers.get("Authorization") in LEAVING["usual"]:
        case.headers["Authorization"] = LEAVING["leaving"]
