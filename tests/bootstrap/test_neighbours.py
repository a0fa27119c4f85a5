"""Pages of other sites, and proxies in front: what they may do is a setting."""

import pytest

from booking_system.bootstrap.settings import Settings, SettingsProblem
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
        for origin, allowed in ((SITE, SITE), ("https://evil.example.com", None)):
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
