"""Without its database the API says so, and says it lives."""

from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.settings import Settings
from tests.api import Api, code_of
from tests.postgres import TestServer

SLOT = "0192f0c1-2b3c-7d4e-8f50-617283940001"


@pytest.mark.parametrize("which", ["refused", "absent"])
async def test_without_a_database_every_answer_is_503(
    postgres: TestServer, own_api: Api, tmp_path: Path, which: str
) -> None:
    dead = "postgresql://u@127.0.0.1:1/x" if which == "refused" else postgres.url("absent")
    container = build(Settings(data_dir=tmp_path, database_url=dead, public_url="http://test"))
    transport = ASGITransport(create_app(container))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        by = own_api.admin.headers
        for path in ("/v1/slots", f"/v1/slots/{SLOT}", "/v1/clinics", "/health/ready"):
            answer = await client.get(path)
            assert code_of(answer) == (503, "dependency_unavailable")
            assert answer.headers["retry-after"] == "1"
        for path in ("/v1/bookings", f"/v1/bookings/{SLOT}", "/v1/me"):
            assert code_of(await client.get(path, headers=by)) == (503, "dependency_unavailable")
        assert (await client.get("/health/live")).status_code == 200
    await close(container)


async def test_an_old_token_does_not_keep_anybody_from_getting_a_new_one(api: Api) -> None:
    old = {"Authorization": "Bearer nonsense"}
    newcomer = {"email": "a@example.com", "password": "three quiet otters", "full_name": "A"}
    registered = await api.client.post("/v1/auth/register", json=newcomer, headers=old)
    assert registered.status_code == 201
    form = {"grant_type": "refresh_token", "refresh_token": registered.json()["refresh_token"]}
    assert (await api.client.post("/v1/auth/token", data=form, headers=old)).status_code == 200
    assert code_of(await api.client.get("/v1/slots", headers=old)) == (401, "unauthenticated")
