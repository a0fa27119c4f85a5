"""Requests and answers held against PayPal's own description, which stands in `contracts`.

Objects are closed: a member that is not described is a fault, where the description would let it
pass.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

CONTRACT = Path(__file__).parents[1] / "contracts" / "paypal.json"
CONFIRMS = "/v1/notifications/verify-webhook-signature"
PATHS = {
    ("POST", "/v2/checkout/orders"): "/v2/checkout/orders",
    ("GET", "/v2/checkout/orders/*"): "/v2/checkout/orders/{id}",
    ("POST", "/v2/checkout/orders/*/capture"): "/v2/checkout/orders/{id}/capture",
    ("GET", "/v2/payments/captures/*"): "/v2/payments/captures/{capture_id}",
    ("POST", "/v2/payments/captures/*/refund"): "/v2/payments/captures/{capture_id}/refund",
    ("GET", "/v2/payments/refunds/*"): "/v2/payments/refunds/{refund_id}",
    ("POST", CONFIRMS): CONFIRMS,
    ("GET", "/v1/notifications/webhooks/*"): "/v1/notifications/webhooks/{webhook_id}",
    ("GET", "/v1/customer/disputes"): "/v1/customer/disputes",
    ("GET", "/v1/customer/disputes/*"): "/v1/customer/disputes/{id}",
}


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(CONTRACT.read_text())
    return read


def operation(method: str, place: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][PATHS[method, place]][method.lower()]
    return found


def issues(method: str, place: str) -> set[str]:
    """What PayPal's 422 may be about."""
    return set(operation(method, place)["responses"].get("422", {}).get("issues", ()))


def request_faults(
    method: str, place: str, body: Any, given: dict[str, dict[str, str]]
) -> list[str]:
    """Sentences about a request; `given` are its parameters: `header` (lower case) and `query`."""
    described = operation(method, place)
    faults = []
    if "requestBody" in described:
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        faults += _faults(schema, body)
    known = {(one["in"], one["name"].lower()): one["schema"] for one in described["parameters"]}
    for (where, name), schema in known.items():
        if name in given.get(where, {}):
            faults += _faults(schema, given[where][name])
    faults += [f"no parameter {name}" for name in given["query"] if ("query", name) not in known]
    return faults


def answer_faults(method: str, place: str, status: int, body: Any) -> list[str]:
    """Sentences about an answer that says yes."""
    return _faults(operation(method, place)["responses"][str(status)]["schema"], body)


def event_faults(event: Any) -> list[str]:
    """Sentences about an event."""
    return _faults({"$ref": "#/components/schemas/webhooks.event"}, event)


def _faults(schema: Any, value: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in _validator(json.dumps(schema)).iter_errors(value)
    ]


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(_closed(json.loads(schema)))


def _closed(node: Any) -> Any:
    """Put in what is referred to, make one object of `allOf`, and let it have nothing else."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _closed(document()["components"]["schemas"][node["$ref"].rpartition("/")[2]])
    if "allOf" in node:
        parts = [_closed(one) for one in node["allOf"]]
        merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in parts:
            merged["properties"] |= part.get("properties", {})
            merged["required"] += part.get("required", [])
        return {**merged, "additionalProperties": False}
    made = {
        name: {key: _closed(one) for key, one in child.items()}
        if name == "properties"
        else _closed(child)
        for name, child in node.items()
        if name != "format"
    }
    if "properties" in made:
        made["additionalProperties"] = False
    return made
