"""Pages of other sites, and proxies in front: what they may do is a setting."""

import pytest

from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.platform.http.page_origins import PageOrigins
from tests.api import Api
from tests.platform.own_routes import undocumented
from tests.platform.real_server import real_server
from tests.stage import Stage

SITE = "https://www.example.com"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def test_only_pages_of_the_sites_in_the_settings_may_call(
    database_url: str, stage: Stage
) -> None:
    async with stage.api(cors_origins=f"{SITE}, ") as api, undocumented(api):
        client = api.client
        others = ("https://evil.example.com", "http://localhost:5173")
        for origin, allowed in ((SITE, SITE), *((other, None) for other in others)):
            before = await client.options("/v1/bookings", headers={"Origin": origin, **ASKED})
            assert before.headers.get("access-control-allow-origin") == allowed
            found = await client.get("/v1/slots", headers={"Origin": origin})
            assert found.headers.get("access-control-allow-origin") == allowed
            refused = await client.post("/v1/bookings", headers={"Origin": origin})
            assert refused.status_code == 401
            assert refused.headers.get("access-control-allow-origin") == allowed
        assert (
            "ETag"
            in (await client.get("/v1/slots", headers={"Origin": SITE})).headers[
                "access-control-expose-headers"
            ]
        )
        # What a proxy keeps of it is not for pages.
        assert (await client.get("/v1/clinics")).headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:5173",
        "https://localhost:8443",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
    ],
)
async def test_pages_of_a_developers_machine_may_call(api: Api, origin: str) -> None:
    sent = {"X-Request-ID": "of-mine", "Origin": origin}
    asked = await api.client.options("/v1/bookings", headers={**sent, **ASKED})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
    assert {"POST", "PATCH"} <= set(asked.headers["access-control-allow-methods"].split(", "))
    assert {"Idempotency-Key", "If-Match"} <= set(
        asked.headers["access-control-allow-headers"].split(", ")
    )
    refused = await api.client.post("/v1/bookings", headers=sent)
    kept = await api.client.get("/.well-known/jwks.json", headers=sent)
    for answer in (refused, kept):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        assert answer.headers["x-request-id"] == "of-mine"
        readable = set(answer.headers["access-control-expose-headers"].split(", "))
        assert {"ETag", "Location", "RateLimit", "Retry-After", "Link", "Deprecation"} <= readable
        assert "access-control-allow-credentials" not in answer.headers
    assert (refused.status_code, kept.status_code) == (401, 200)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "http://localhost.evil.example",
        "http://localhost.",
        "http://localhost:5173.evil.example",
        "http://evil.example/localhost",
        "http://x@localhost",
        "ftp://localhost",
        "http://127.0.0.11",
        "http://127.0.0.1.nip.example",
        "http://localhost:",
        "null",
    ],
)
async def test_pages_that_are_elsewhere_may_not(api: Api, origin: str) -> None:
    before = await api.client.options("/v1/bookings", headers={"Origin": origin, **ASKED})
    assert before.status_code == 405
    found = await api.client.get("/v1/clinics", headers={"Origin": origin})
    for answer in (before, found):
        assert "access-control-allow-origin" not in answer.headers


async def test_what_no_page_asks_for_is_answered_as_ever(api: Api) -> None:
    found = await api.client.get("/v1/clinics", headers={"X-Request-ID": "of-mine"})
    assert found.headers["x-request-id"] == "of-mine"
    assert not {"vary", "access-control-expose-headers"} & set(found.headers)
    # But what a browser keeps for a page of the program's own is not to be given to another.
    assert (await api.client.get("/.well-known/jwks.json")).headers["vary"] == "Origin"


def test_in_production_no_machine_is_a_developers() -> None:
    assert Settings().admits_this_machine
    assert not Settings(cors_origins=SITE).admits_this_machine
    assert not Settings().model_copy(update={"env": "production"}).admits_this_machine
    assert not PageOrigins([SITE], of_this_machine=False).allow(b"http://localhost:5173")


def test_a_site_that_is_no_address_is_refused_in_a_sentence() -> None:
    with pytest.raises(SettingsProblem) as refused:
        Settings(cors_origins="*")
    (sentence,) = refused.value.sentences
    assert sentence.startswith("BOOKING_CORS_ORIGINS must be addresses")


WEAK = {"password": "1234567890", "full_name": "Example"}
"""Refused, and counted."""


@pytest.mark.parametrize(("believed", "alike"), [("", True), ("127.0.0.1", False)])
async def test_an_address_is_believed_from_named_proxies_only(
    database_url: str, stage: Stage, believed: str, alike: bool
) -> None:
    settings = {"rate_limit": True, "forwarded_allow_ips": believed}
    async with real_server(stage, **settings) as server:
        left = [
            (
                await server.api.client.post(
                    "/v1/auth/register",
                    json={
                        "email": f"{n}@example.com",
                        "password": "1234567890",
                        "full_name": "Example",
                    },
                    headers={"X-Forwarded-For": f"192.0.2.{n}"},
                )
            ).status_code
            for n in range(25)
        ]
    assert (429 in left) is alike
