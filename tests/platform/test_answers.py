"""JSON goes out with the headers that Starlette would give it."""

import pytest
from fastapi import Response

from booking_system.platform.http.answers import json_answer


@pytest.mark.parametrize("headers", [None, {}, {"ETag": '"1"', "Location": "/v1/bookings/é"}])
@pytest.mark.parametrize("status", [200, 201, 409])
def test_json_has_the_headers_of_any_answer(headers: dict[str, str] | None, status: int) -> None:
    answer = json_answer({"a": [1]}, status=status, headers=headers)
    usual = Response(
        b'{"a":[1]}', status_code=status, headers=headers, media_type="application/json"
    )
    assert (answer.body, answer.status_code) == (usual.body, usual.status_code)
    assert answer.raw_headers == usual.raw_headers
    answer.headers["Vary"] = "Accept"
    assert answer.raw_headers[-1] == (b"vary", b"Accept")
