"""Bodies have the limits of their routes, and hooks are admitted by signatures over what came."""

import gzip
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from booking_system.identity.domain.policies import public
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.assembly import UnguardedRouteError, refuse_unguarded
from booking_system.platform.http.documentation import ANY_BODY
from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.http.hooks import HookRoute, RawBody
from booking_system.platform.http.input import BodyLimit, Input, StrictRequest, strict_json
from booking_system.platform.http.routing import Routes
from booking_system.platform.http.signatures import TimedSignatures
from tests.api import Api, code_of
from tests.platform.own_routes import add_routes
from tests.stage import Stage

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
OLD, NEW = b"an old secret", b"a new secret"
TOO_LARGE = (413, "body_too_large")
WRONG = (400, "invalid_signature")
SMALL = BodyLimit(most_bytes=100)
LARGE = BodyLimit(most_bytes=200_000)


class Frozen:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


class TextIn(Input):
    """Some text."""

    text: str


@dataclass
class Taking:
    """Routes that take bodies."""

    pieces: list[int] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    def routes(self) -> Routes:
        routes = Routes("Bodies")
        usual: dict[str, Any] = {"policy": public, "asks_who": False, "answers": None}
        routes.add("POST", "/v1/usual", self.take_usual, **usual)
        routes.add("POST", "/v1/small", self.take_small, body_limit=SMALL, **usual)
        routes.add("POST", "/v1/large", self.take_large, body_limit=LARGE, **usual)
        routes.add("POST", "/v1/raw", self.take_raw, body_limit=LARGE, **usual)
        signature = TimedSignatures("example-signature", [OLD, NEW], clock=Frozen())
        routes.hook("/v1/hook", self.take_event, signature=signature)
        routes.hook("/v1/small-hook", self.take_small_event, signature=signature, body_limit=SMALL)
        return routes

    async def take_usual(self, body: TextIn) -> Response:
        """Take it."""
        return json_answer(len(body.text))

    async def take_small(self, body: TextIn) -> Response:
        """Take it."""
        return json_answer(len(body.text))

    async def take_large(self, body: TextIn) -> Response:
        """Take it."""
        return json_answer(len(body.text))

    async def take_raw(self, request: Request) -> Response:
        """Take it as it comes."""
        strict = StrictRequest(request.scope, request.receive)
        async for piece in strict.pieces():
            self.pieces.append(len(piece))
        return json_answer(sum(self.pieces))

    async def take_event(self, raw: RawBody) -> Response:
        """Take what was signed."""
        self.taken.append(raw)
        return json_answer(strict_json(raw))

    async def take_small_event(self, raw: RawBody) -> Response:
        """Take what was signed."""
        self.taken.append(raw)
        return Response()


TAKING = Taking()
ROUTES = TAKING.routes()


@pytest.fixture
def taking() -> Taking:
    TAKING.__init__()  # type: ignore[misc]
    return TAKING


@pytest.fixture
async def own(database_url: str, stage: Stage, taking: Taking) -> AsyncIterator[Api]:
    async with stage.api(ROUTES) as api:
        yield api


def text_of(size: int) -> bytes:
    """A body of so many bytes."""
    around = len(b'{"text":""}')
    return b'{"text":"%b"}' % (b"a" * (size - around))


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "most"), [("/v1/usual", 65_536), ("/v1/small", 100), ("/v1/large", 200_000)]
)
async def test_a_route_has_a_limit_of_its_own(own: Api, path: str, most: int) -> None:
    for size, expected in ((most, 200), (most + 1, 413)):
        answer = await own.send("POST", path, content=text_of(size), headers=JSON)
        assert answer.status_code == expected
        # Also where nobody said how long it would be.
        answer = await own.send("POST", path, content=in_pieces(text_of(size)), headers=JSON)
        assert answer.status_code == expected
    assert code_of(answer) == TOO_LARGE
    told = answer.json()["detail"]
    assert (f"{most:,}" in told) is (path != "/v1/usual")


async def in_pieces(data: bytes, read: list[int] | None = None) -> AsyncIterator[bytes]:
    for place in range(0, len(data), 1000):
        if read is not None:
            read.append(place)
        yield data[place : place + 1000]


async def test_no_more_is_read_than_the_limit(own: Api, taking: Taking) -> None:
    read: list[int] = []
    body = in_pieces(b"a" * 1_000_000, read)
    answer = await own.send("POST", "/v1/raw", content=body)
    assert code_of(answer) == TOO_LARGE
    assert sum(taking.pieces) == 200_000
    assert read[-1] == 200_000


async def test_what_says_it_is_too_large_is_not_read_at_all(own: Api, taking: Taking) -> None:
    read: list[int] = []
    headers = {"Content-Length": "200001"}
    for path in ("/v1/raw", "/v1/hook"):
        answer = await own.send("POST", path, content=in_pieces(b"a", read), headers=headers)
        assert code_of(answer) == TOO_LARGE
    assert read == taking.pieces == taking.taken == []


@pytest.mark.parametrize("path", ["/v1/usual", "/v1/raw", "/v1/hook"])
async def test_packed_bodies_are_refused(own: Api, taking: Taking, path: str) -> None:
    headers = {"Content-Encoding": "gzip", **JSON}
    answer = await own.send("POST", path, content=gzip.compress(b"{}"), headers=headers)
    assert code_of(answer) == (415, "unsupported_media_type")
    assert taking.pieces == taking.taken == []


async def test_the_pieces_come_as_they_were_sent(own: Api, taking: Taking) -> None:
    answer = await own.send("POST", "/v1/raw", content=in_pieces(b"a" * 2500))
    assert answer.json() == 2500
    assert [size for size in taking.pieces if size] == [1000, 1000, 500]


def test_the_document_tells_the_limit(taking: Taking) -> None:
    told = {route.path: route for route in taking.routes() if isinstance(route, GuardedRoute)}
    assert told["/v1/small"].responses[413]["description"].endswith("At most 100 bytes.")
    assert "At most" not in told["/v1/usual"].responses[413]["description"]
    for path in ("/v1/raw", "/v1/hook"):
        assert (told[path].openapi_extra or {})["requestBody"] == ANY_BODY
    assert "`invalid_signature`" in told["/v1/hook"].responses[400]["description"]


def signed(body: bytes, *secrets: bytes, at: datetime = NOW, more: str = "") -> dict[str, str]:
    moment = int(at.timestamp())
    said = [
        hmac.digest(secret, b"%d.%b" % (moment, body), hashlib.sha256).hex() for secret in secrets
    ]
    field = ",".join([f"t={moment}", *(f"v1={one}" for one in said)])
    return {"Example-Signature": field + more}


EVENT = '{ "id": "e1",  "price": 1.0, "name": "é" }'.encode()


@pytest.mark.parametrize(
    "headers",
    [
        signed(EVENT, OLD),
        signed(EVENT, NEW),
        signed(EVENT, b"another", NEW),
        signed(EVENT, NEW, at=NOW - timedelta(seconds=300)),
        signed(EVENT, NEW, at=NOW + timedelta(seconds=300)),
        signed(EVENT, NEW, more=", v0=abc,w"),
    ],
    ids=["old", "new", "one of two", "late", "early", "with more"],
)
async def test_what_was_signed_is_taken_as_it_came(
    own: Api, taking: Taking, headers: dict[str, str]
) -> None:
    answer = await own.send("POST", "/v1/hook", content=EVENT, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"id": "e1", "price": 1.0, "name": "é"})
    assert taking.taken == [EVENT]
    assert answer.headers["cache-control"] == "no-store"


GOOD = signed(EVENT, NEW)["Example-Signature"]
BAD = {
    "none": {},
    "of another body": signed(EVENT + b" ", NEW),
    "with another secret": signed(EVENT, b"another"),
    "without a secret": signed(EVENT, b""),
    "too old": signed(EVENT, NEW, at=NOW - timedelta(seconds=301)),
    "of the future": signed(EVENT, NEW, at=NOW + timedelta(seconds=301)),
    "empty": {"Example-Signature": ""},
    "without a time": {"Example-Signature": GOOD.partition(",")[2]},
    "with two times": {"Example-Signature": f"t=1,{GOOD}"},
    "with another time": {"Example-Signature": f"t=1,{GOOD.partition(',')[2]}"},
    "with no number": {"Example-Signature": f"t=x,{GOOD.partition(',')[2]}"},
    "with a long number": {"Example-Signature": f"t={'9' * 400},{GOOD.partition(',')[2]}"},
    "with a negative time": {"Example-Signature": GOOD.replace("t=", "t=-")},
    "in capitals": {"Example-Signature": GOOD.replace("v1=", "V1=")},
    "in another scheme": {"Example-Signature": GOOD.replace("v1=", "v0=")},
    "cut short": {"Example-Signature": GOOD[:-1]},
    "no hexadecimal digits": {"Example-Signature": f"t={int(NOW.timestamp())},v1=é"},
    "too many": {"Example-Signature": GOOD.partition(",")[0] + ",v1=ab" * 17 + "," + GOOD[13:]},
    "too long": {"Example-Signature": GOOD + " " * 5000},
}


@pytest.mark.parametrize("what", BAD)
async def test_what_was_not_signed_is_refused_unread(own: Api, taking: Taking, what: str) -> None:
    headers = [(name, value.encode()) for name, value in BAD[what].items()]
    answer = await own.client.post("/v1/hook", content=EVENT, headers=headers)
    assert code_of(answer) == WRONG
    assert taking.taken == []


async def test_the_signature_is_looked_at_before_the_json(own: Api) -> None:
    broken = b"{"
    answer = await own.send("POST", "/v1/hook", content=broken, headers=signed(broken, b"x"))
    assert code_of(answer) == WRONG
    answer = await own.send("POST", "/v1/hook", content=broken, headers=signed(broken, NEW))
    assert code_of(answer) == (400, "malformed_request")


async def test_a_hook_has_a_limit_too(own: Api, taking: Taking) -> None:
    for size, expected in ((100, 200), (101, 413)):
        body = b"a" * size
        answer = await own.send(
            "POST", "/v1/small-hook", content=in_pieces(body), headers=signed(body, NEW)
        )
        assert answer.status_code == expected
    assert len(taking.taken) == 1


def test_a_hook_without_a_signature_stops_the_program() -> None:
    naked = HookRoute("/naked", Taking().take_event, signature=None, methods=["POST"])  # type: ignore[arg-type]
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_routes(app, ROUTES)
    app.router.routes.append(naked)
    with pytest.raises(UnguardedRouteError, match="/naked"):
        refuse_unguarded(app)
