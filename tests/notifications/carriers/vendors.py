"""Requests held against the vendors' own descriptions, whose provenance stands beside them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft4Validator, Draft202012Validator

CONTRACTS = Path(__file__).parents[1] / "contracts"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
NEVER = {"send_at", "SendAt", "ScheduleType", "batch_id"}
"""What is held back at a provider cannot be taken back: no request has these, at any depth."""


def described(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((CONTRACTS / name).read_text())
    return document


def fits_twilio(body: bytes) -> dict[str, str]:
    """Return the form, which has fields of the contract only, each once and of its type."""
    document = described("twilio_messages.json")
    operation = document["paths"][MESSAGES]["post"]
    schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    form = dict(pairs)
    assert len(form) == len(pairs)
    assert form.keys() <= schema["properties"].keys()
    assert not form.keys() & NEVER
    kinds = {name: schema["properties"][name].get("type") for name in form}
    typed = {
        name: int(value) if kinds[name] == "integer" else value for name, value in form.items()
    }
    Draft202012Validator({**schema, "components": document["components"]}).validate(typed)
    return form


def fits_sendgrid(body: bytes) -> dict[str, Any]:
    """Return the body, whose objects have members of the contract only."""
    document = described("sendgrid_mail_send.json")
    (parameter,) = document["paths"]["/mail/send"]["post"]["parameters"]
    schema = {**_closed(parameter["schema"]), "definitions": _closed(document["definitions"])}
    value: dict[str, Any] = json.loads(body)
    Draft4Validator(schema).validate(value)
    assert not _members(value) & NEVER
    return value


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {name: _closed(child) for name, child in node.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made["additionalProperties"] = False
    return made


def _members(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_members, node))
    if not isinstance(node, dict):
        return set()
    return set(node).union(*map(_members, node.values()))
