"""Public documents are compressed and tagged once; what is for one caller never is."""

import gzip
import json

import pytest

from booking_system.platform.http.constant import takes_gzip
from tests.api import Api

CONSTANT = [
    "/asyncapi.json",
    "/openapi.json",
    "/docs/openapi.json",
    "/docs/assets/redoc.standalone.js",
    "/problems",
    "/problems/validation_error",
]
PACKED = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("path", CONSTANT)
async def test_a_constant_body_is_compressed_and_tagged(api: Api, path: str) -> None:
    plain = await api.client.get(path, headers=PLAIN)
    packed = await api.client.get(path, headers=PACKED)

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert unpacked(packed.content) == plain.content
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    tags = [answer.headers["etag"] for answer in (plain, packed)]
    assert len(set(tags)) == 2, "bytes that differ have tags that differ"

    for tag in (*tags, f'"x", W/{tags[0]}', "*"):
        again = await api.client.get(path, headers={**PACKED, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tags[1]
    other = await api.client.get(path, headers={**PLAIN, "If-None-Match": '"x"'})
    assert other.content == plain.content


async def test_what_a_caller_alone_may_read_is_never_compressed(api: Api) -> None:
    patient, slot = await api.patient(), await api.slot()
    booking = (await api.book(slot, patient)).json()
    for path in ("/v1/me", "/v1/bookings", f"/v1/bookings/{booking['id']}"):
        headers = {**PACKED, "Authorization": f"Bearer {patient.token}"}
        answer = await api.client.get(path, headers=headers)
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers, path


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=much", False),
        ("xgzip", False),
    ],
)
def test_gzip_is_sent_to_clients_that_take_it(accepted: str | None, *, is_taken: bool) -> None:
    assert takes_gzip(accepted) is is_taken


async def test_the_root_leads_people_to_the_page_and_programs_on(api: Api) -> None:
    page = await api.client.get("/", headers={"Accept": "text/html,application/xhtml+xml"})
    assert (page.status_code, page.headers["location"]) == (307, "/docs")
    told = await api.client.get("/", headers={"Accept": "application/json"})
    assert told.status_code == 200
    assert told.headers["vary"] == page.headers["vary"] == "Accept"
    for name, path in told.json().items():
        if name != "title":
            assert (await api.client.get(path)).status_code == 200, name


async def test_the_page_folds_errors_and_the_document_has_them_all(api: Api) -> None:
    whole = (await api.get("/openapi.json")).json()
    folded = (await api.get("/docs/openapi.json")).json()

    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            responses = folded["paths"][path][method]["responses"]
            codes = {
                code
                for status, answer in operation["responses"].items()
                if int(status) >= 400
                for code in answer["content"]["application/problem+json"]["examples"]
            }
            assert codes
            assert [one for one in responses if one >= "400"] == ["default"]
            for code in codes:
                assert f'<a href="/problems/{code}">' in responses["default"]["description"]
    assert "#/components/examples/" not in json.dumps(folded["paths"]), "an error at length"


def unpacked(content: bytes) -> bytes:
    """Some clients have unpacked it by themselves."""
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
