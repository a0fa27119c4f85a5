"""The AsyncAPI document says what the program reads and sends."""

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest

from booking_system import __version__
from booking_system.bootstrap import up
from booking_system.consultations.adapters.asyncapi import CLOSES, document_of
from booking_system.consultations.adapters.live import frames_in, frames_out
from booking_system.platform.http.open_socket import CLOSE_OF, CLOSE_OF_REFUSALS
from tests.api import Api

KEPT = Path(__file__).parents[2] / "docs" / "asyncapi.json"
SOME = "01912d2b-0000-7000-8000-000000000001"


def test_the_document_that_is_kept_is_the_programs() -> None:
    assert KEPT.read_text(encoding="utf-8") == up.asyncapi(), "make openapi"


async def test_the_document_is_served_with_the_servers_own_address(api: Api) -> None:
    served = (await api.get("/asyncapi.json")).json()
    assert served["servers"] == {"this": {"host": "test", "protocol": "ws"}}
    assert served == document_of(public_url="http://test", version=__version__)


def test_every_frame_is_a_message_of_its_direction() -> None:
    document = document_of(public_url=None, version="1")
    for action, operation, models in (
        ("receive", "say", get_args(frames_in.Frame)),
        ("send", "tell", frames_out.OUT),
    ):
        about = document["operations"][operation]
        assert about["action"] == action
        names = [one["$ref"].rpartition("/")[2] for one in about["messages"]]
        assert names == [model.__name__ for model in models]
        for name in names:
            assert document["channels"]["room"]["messages"][name]
            assert document["components"]["messages"][name]["payload"]["$ref"].endswith(name)


@pytest.mark.parametrize(
    ("name", "frame", "fits"),
    [
        ("Chat", {"type": "chat", "id": SOME, "text": "Hello"}, True),
        ("Chat", {"type": "chat", "id": SOME, "text": "x" * 4001}, False),
        ("Chat", {"type": "chat", "id": SOME, "text": "Hello", "to": "all"}, False),
        ("Hello", {"type": "hello", "client": SOME}, True),
        ("Ping", {"type": "ping", "t": -1}, False),
        ("Late", {"type": "late", "minutes": 121}, False),
        ("PongFrame", {"type": "pong", "t": 1, "server_now": "2027-03-01T09:00:00Z"}, True),
        ("PongFrame", {"type": "pong", "t": 1}, False),
    ],
)
def test_the_document_tells_frames_from_others(name: str, frame: Any, fits: bool) -> None:
    document = json.loads(KEPT.read_text(encoding="utf-8"))
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    assert jsonschema_rs.validator_for(schema).is_valid(frame) is fits


def test_every_close_code_is_told() -> None:
    assert CLOSES.keys() >= {*CLOSE_OF.values(), *CLOSE_OF_REFUSALS.values(), 4408, 4409, 1002}
