"""The quick client of the tests sends what httpx sends, and hands over what comes back."""

from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from tests.client import SITE, Client


class Echo:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, Any], bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, is_all = b"", False
        while not is_all:
            message = await receive()
            body += message["body"]
            is_all = not message["more_body"]
        self.asked.append(({**scope, "headers": sorted(scope["headers"])}, body))
        headers = [(b"content-type", b"text/plain"), (b"x-more", b"1"), (b"x-more", b"2")]
        await send({"type": "http.response.start", "status": 207, "headers": headers})
        await send({"type": "http.response.body", "body": b"so ", "more_body": True})
        await send({"type": "http.response.body", "body": b"be it"})
        assert (await receive())["type"] == "http.disconnect"


WORDS = {"from": "2030-01-01T10:00:00+02:00", "id": ["1", "2 3"], "none": None, "is": True}


@pytest.mark.parametrize(
    ("method", "path", "about"),
    [
        ("GET", "/v1/a-b_c.d/1", {}),
        ("GET", "/v1/a", {"params": WORDS}),
        ("GET", "/v1/a", {"params": {}, "headers": {"Authorization": "Bearer x"}}),
        ("GET", "/v1/a?b=c&d=e,f", {}),
        ("GET", "/v1/a?b=c", {"params": {}}),
        ("GET", "/v1/a?b=c:d%20e", {"params": None}),
        ("GET", "/v1/ä/../b c", {}),
        ("GET", "//v1/a", {}),
        ("HEAD", "/v1/a", {}),
        ("DELETE", "/v1/a", {"params": {"b": "c"}}),
        ("POST", "/v1/a", {}),
        ("POST", "/v1/a", {"json": None}),
        ("POST", "/v1/a", {"json": {"a": "ä", "b": [1, None]}, "headers": {"If-Match": '"1"'}}),
        ("POST", "/v1/a", {"json": {}, "headers": {"Content-Type": "text/plain"}}),
        ("POST", "/v1/a", {"content": b"{}"}),
        ("POST", "/v1/a", {"data": {"a": "b c&ä", "d": "e"}}),
        ("POST", "/v1/a", {"data": {}}),
        ("PATCH", "/v1/a", {"data": {"a": ["b", "c"]}}),
    ],
)
async def test_what_is_sent_and_what_comes_back_is_the_same(
    method: str, path: str, about: dict[str, Any]
) -> None:
    echo = Echo()
    here = ("198.51.100.7", 1)
    async with AsyncClient(transport=ASGITransport(echo, client=here), base_url=SITE) as usual:
        expected = await usual.request(method, path, **about)
    async with Client(echo, here) as quick:
        answer = await quick.request(method, path, **about)

    first, second = echo.asked
    assert second == first
    assert (answer.status_code, answer.headers) == (expected.status_code, expected.headers)
    assert answer.content == expected.content
