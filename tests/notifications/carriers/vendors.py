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


def fits_twilios_list(target: str) -> dict[str, str]:
    """Return what is asked for, which has parameters of the contract only, each of its type."""
    path, _, query = target.partition("?")
    document = described("twilio_messages.json")
    operation = document["paths"][MESSAGES]["get"]
    known = {one["name"]: one for one in operation["parameters"]}
    account = path.split("/")[3]
    assert path == MESSAGES.replace("{AccountSid}", account)
    Draft202012Validator(known["AccountSid"]["schema"]).validate(account)
    asked = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))
    assert asked.keys() <= {name for name, one in known.items() if one["in"] == "query"}
    for name, value in asked.items():
        schema = known[name]["schema"]
        typed = int(value) if schema["type"] == "integer" else value
        Draft202012Validator(schema).validate(typed)
    return asked


def is_twilios_list(told: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of ours in Twilio's place, which is as Twilio describes it."""
    document = described("twilio_messages.json")
    answer = document["paths"][MESSAGES]["get"]["responses"]["200"]["content"]
    schema = answer["application/json"]["schema"]
    # OpenAPI 3.0 says `nullable` where JSON Schema has a type of its own.
    known = _with_null({**schema, "components": document["components"]})
    Draft202012Validator(known).validate(told)
    assert told.keys() <= schema["properties"].keys()
    members = document["components"]["schemas"]["api.v2010.account.message"]["properties"]
    for message in told["messages"]:
        assert message.keys() <= members.keys()
    return told


def _with_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_null(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {name: _with_null(child) for name, child in node.items()}
    if made.pop("nullable", False) is True:
        made["type"] = [made["type"], "null"]
    return made


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
