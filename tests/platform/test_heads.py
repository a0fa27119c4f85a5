"""Headers by name: what Starlette says of them, found at once."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from booking_system.platform.http.heads import header_of

NAMES = st.sampled_from([b"authorization", b"content-type", b"hold-token", b"x"])
VALUES = st.binary(max_size=4)


@given(headers=st.lists(st.tuples(NAMES, VALUES), max_size=6), asked=NAMES)
def test_a_header_is_the_first_of_its_name(
    headers: list[tuple[bytes, bytes]], asked: bytes
) -> None:
    scope: dict[str, Any] = {"type": "http", "headers": headers}
    expected = Headers(scope=scope).get(asked.decode())
    assert header_of(scope, asked) == expected
    assert header_of(scope, asked) == expected
