"""Pages of other sites, and proxies in front: what they may do is a setting."""

from pathlib import Path

import httpx
import pytest
from httpx import ASGITransport, AsyncClient

from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.settings import Settings, SettingsProblem
from tests.servers import serving

SITE = "https://www.example.com"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def test_only_pages_of_the_sites_in_the_settings_may_call(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url, cors_origins=f"{SITE}, ")
    container = build(settings)
    transport = ASGITransport(create_app(container))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
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
    await close(container)


def test_a_site_that_is_no_address_is_refused_in_a_sentence() -> None:
    with pytest.raises(SettingsProblem) as refused:
        Settings(cors_origins="*")
    (sentence,) = refused.value.sentences
    assert sentence.startswith("BOOKING_CORS_ORIGINS must be addresses")


@pytest.mark.parametrize(("believed", "alike"), [("", True), ("127.0.0.1", False)])
def test_an_address_is_believed_from_named_proxies_only(
    database_url: str, tmp_path: Path, believed: str, alike: bool
) -> None:
    settings = {"rate_limit": "on", "forwarded_allow_ips": believed}
    with serving(database_url, tmp_path, processes=1, **settings) as address:
        left = [
            httpx.post(
                f"{address}/v1/auth/register",
                json={"email": f"{n}@example.com", "password": "x" * 3, "full_name": "Example"},
                headers={"X-Forwarded-For": f"192.0.2.{n}"},
                trust_env=False,
            ).status_code
            for n in range(25)
        ]
    assert (429 in left) is alike
