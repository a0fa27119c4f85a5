"""What answers say about being kept, guessed at and framed."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from tests.api import Api

PAGES = ["/docs", "/redoc", "/problems", "/problems/slot_held"]


async def test_every_answer_forbids_guessing_its_kind(api: Api) -> None:
    for path in ("/v1/clinics", "/v1/me", "/nowhere", "/openapi.json", *PAGES):
        answer = await api.get(path)
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], path


async def test_what_is_not_for_everybody_is_kept_by_nobody(api: Api) -> None:
    patient, slot = await api.patient(), await api.slot()
    booking = (await api.book(slot, patient)).json()
    for path in ("/v1/me", "/v1/bookings", f"/v1/bookings/{booking['id']}", "/v1/sessions"):
        answer = await api.get(path, patient)
        assert answer.is_success
        assert answer.headers["cache-control"] == "no-store", path
    refused = await api.book(slot, await api.patient())
    assert refused.headers["cache-control"] == "no-store"


async def test_what_is_for_everybody_may_be_kept_unless_somebody_named_themselves(
    api: Api,
) -> None:
    slot = await api.slot()
    path = f"/v1/clinics/{slot['clinic_id']}"
    assert "cache-control" not in (await api.get(path)).headers
    assert (await api.get(path, api.admin)).headers["cache-control"] == "no-store"
    assert (await api.get("/v1/clinics/none")).headers["cache-control"] == "no-store"


async def test_an_operation_that_says_by_whom_it_is_kept_says_so_once(api: Api) -> None:
    slot = await api.slot()
    for by in (None, api.admin):
        answer = await api.get("/v1/slots", by, doctor_id=slot["doctor_id"])
        assert answer.headers.get_list("cache-control") == ["no-cache"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_its_own_scripts_and_is_framed_by_nobody(api: Api, path: str) -> None:
    answer = await api.get(path)
    policy = dict(
        directive.split(" ", 1)
        for directive in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    inline = re.findall(rb"<script>(.*?)</script>", answer.content, re.DOTALL)
    hashes = {f"'sha256-{b64encode(sha256(one).digest()).decode()}'" for one in inline}
    assert hashes == {one for one in policy.get("script-src", "").split() if "sha256" in one}
    assert "unsafe" not in policy.get("script-src", "")
    assert answer.headers["referrer-policy"] == "no-referrer"
