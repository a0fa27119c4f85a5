"""The AsyncAPI document of the socket, made of the same models that frames are read by."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from booking_system.consultations.adapters.live import frames_in, frames_out
from booking_system.consultations.adapters.live.talk import (
    HELLO_SECONDS,
    LARGE,
    LARGEST,
    PROTOCOL,
)

Models = Sequence[type[BaseModel]]
VALIDATION: Literal["validation"] = "validation"
TITLE = "Booking System: consultations"
TEMPLATE = "#/components/schemas/{model}"
CLOSES = {
    1000: "the page left",
    1001: "ten minutes are over; come again at once",
    1002: f"no `hello` within {HELLO_SECONDS:.0f} seconds, or something else before it",
    1003: "a binary frame",
    1008: "three malformed frames, or far too many",
    1009: f"a frame of over {LARGEST:,} bytes; {LARGE:,} where it is no offer, answer or chat",
    1011: "the server failed",
    1012: "the process ends; come again after a moment by chance, up to two seconds",
    1013: "the page reads too slowly, or nobody could confirm who it is; come again and resume",
    4401: "the ticket opens nothing, or the session ended",
    4403: "another room than the ticket's, or no party any more",
    4408: "the room is not open: too early, over, or its appointment was moved or cancelled",
    4409: "another page of the same party has taken over: do not come again by yourself",
}
"""What a client is told when a socket is closed; refusals follow the handshake."""
ABOUT = f"""\
The room of an online appointment. `GET /v1/bookings/{{id}}/consultation` gives `websocket_url` and
a `ticket`; open it with the subprotocols `{PROTOCOL}` and `ticket.<ticket>`. Only the first is
echoed. Pages of other origins than the operator's are refused with 403 before the handshake.

`hello` comes first, `welcome` answers it. Stored frames (`chat`, `admitted`, `held`, `ended`) have
a `seq` without gaps, come once and in order, and are resumed behind `last_seq`. State (`presence`,
`mark`, `window`, `late`, `doctor`) is told as it is by now: the last value wins. Signalling
(`offer`, `answer`, `ice`) and `typing` are stored nowhere and come at most once: pages send again
what nobody answered.
"""


def document_of(*, public_url: str | None, version: str) -> dict[str, Any]:
    """Return the document (AsyncAPI 3.0), in which this server is the application.

    Without a `public_url` it names no server.
    """
    says: Models = get_args(frames_in.Frame)
    told: Models = frames_out.OUT
    schemas = [(one, VALIDATION) for one in (*says, *told)]
    _, definitions = models_json_schema(schemas, ref_template=TEMPLATE)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Booking System: consultations",
            "version": version,
            "description": ABOUT,
        },
        "defaultContentType": "application/json",
        **({} if public_url is None else {"servers": {"this": _server(public_url)}}),
        "channels": {
            "room": {
                "address": "/v1/consultations/{room_id}",
                "parameters": {"room_id": {"description": "The booking's id"}},
                "messages": {_name(one): _message_ref(one) for one in (*says, *told)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
                "x-subprotocols": [PROTOCOL, "ticket.<ticket>"],
                "x-close-codes": {str(code): why for code, why in CLOSES.items()},
            }
        },
        "operations": {
            "say": _operation("receive", says),
            "tell": _operation("send", told),
        },
        "components": {
            "messages": {_name(one): _message(one) for one in (*says, *told)},
            "schemas": definitions["$defs"],
        },
    }


def _server(public_url: str) -> dict[str, str]:
    scheme, host = public_url.split("://", 1)
    return {"host": host, "protocol": "wss" if scheme == "https" else "ws"}


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _message_ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{_name(model)}"}


def _operation(action: str, models: Models) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/room"},
        "messages": [{"$ref": f"#/channels/room/messages/{_name(one)}"} for one in models],
    }


def _message(model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": TEMPLATE.format(model=_name(model))}
    summary = (model.__doc__ or "").strip().partition("\n")[0]
    return {"name": _name(model), "summary": summary, "payload": schema}
