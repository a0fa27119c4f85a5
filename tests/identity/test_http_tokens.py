"""Tokens over HTTP: forms are read strictly, and every no looks alike."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from booking_system.identity.domain import refusals
from booking_system.platform.http.problems import status_of
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.identity.builders import (
    EMAIL,
    PASSWORD,
)
from tests.identity.relay import Relay
from tests.identity.site import Site, code_of, running_site

FORM = "application/x-www-form-urlencoded"


async def test_signing_in_gives_tokens_that_nobody_may_store(site: Site) -> None:
    answer = await site.token(grant_type="password", username=EMAIL.upper(), password=PASSWORD)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["ratelimit-policy"] == '"account";q=10;w=900'
    assert answer.headers["ratelimit"].startswith('"account";r=9;t=')
    body = answer.json()
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 600)


async def test_refreshing_rotates(site: Site) -> None:
    first = await site.sign_in()

    answer = await site.token(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "ratelimit" not in answer.headers
    assert answer.json()["refresh_token"] != first["refresh_token"]


async def test_wrong_password_and_unknown_account_get_the_same_answer(site: Site) -> None:
    answers = [
        await site.token(grant_type="password", username=name, password="not the password")
        for name in (EMAIL, "unknown@example.com")
    ]
    answers.append(await site.token(grant_type="refresh_token", refresh_token="unknown"))

    assert {code_of(one) for one in answers} == {(401, "invalid_credentials")}
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["www-authenticate"] == "Bearer"


async def test_guessing_is_refused_after_ten_attempts(site: Site) -> None:
    form = {"grant_type": "password", "username": EMAIL, "password": "not the password"}
    for _ in range(10):
        assert (await site.token(**form)).status_code == 401

    answer = await site.token(**form | {"password": PASSWORD})

    assert code_of(answer) == (429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    ("body", "status", "pointer", "problem"),
    [
        (b"", 422, "/grant_type", "required"),
        (b"grant_type=client_credentials", 422, "/grant_type", "choice"),
        (b"grant_type=password", 422, "/username", "required"),
        (b"grant_type=password&username=", 422, "/username", "required"),
        (b"grant_type=password&username=a", 422, "/password", "required"),
        (b"grant_type=refresh_token&username=a&password=b", 422, "/refresh_token", "required"),
        (b"grant_type=refresh_token&refresh_token=a&scope=x", 422, "/scope", "unknown_field"),
        (b"grant_type=refresh_token&refresh_token=a&x%00y=1", 422, "", "forbidden_text"),
        (b"grant_type=refresh_token&refresh_token=a%00b", 422, "", "forbidden_text"),
        (b"grant_type=refresh_token&refresh_token=a&refresh_token=b", 422, "", "duplicate_key"),
        (b"grant_type=refresh_token&refresh_token=%ED%A0%80", 400, None, None),
        (b"grant_type=refresh_token&refresh_token=%FF", 400, None, None),
        (b"grant_type=refresh_token&refresh_token=\xff", 400, None, None),
        (b"&".join(b"a=1" for _ in range(50)), 400, None, None),
        (
            b"grant_type=refresh_token&refresh_token=" + b"x" * 201,
            422,
            "/refresh_token",
            "too_long",
        ),
        (b"grant_type=password&username=a&password=" + b"x" * 201, 422, "/password", "too_long"),
    ],
)
async def test_a_form_is_read_strictly(
    site: Site, body: bytes, status: int, pointer: str | None, problem: str | None
) -> None:
    answer = await site.client.post("/v1/auth/token", content=body, headers={"Content-Type": FORM})

    if pointer is None:
        assert code_of(answer) == (status, "malformed_request")
    else:
        assert code_of(answer) == (status, "validation_error")
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == (pointer, problem)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
async def test_another_kind_of_body_is_refused(site: Site, kind: str) -> None:
    answer = await site.client.post("/v1/auth/token", content=b"{}", headers={"Content-Type": kind})
    assert code_of(answer) == (415, "unsupported_media_type")


async def test_a_form_may_hold_any_language_encoded_or_not(site: Site) -> None:
    tokens = await site.sign_in()
    password = {"current_password": PASSWORD, "new_password": "drei stille Ötter 密码"}
    answer = await site.ask("POST", "/v1/me/password", tokens, json=password)
    assert answer.status_code == 204, answer.text

    await site.sign_in(password["new_password"])
    raw = f"grant_type=password&username={EMAIL}&password={password['new_password']}"
    bare = await site.client.post(
        "/v1/auth/token", content=raw.encode(), headers={"Content-Type": FORM}
    )
    assert bare.status_code == 200


async def test_without_a_database_the_answer_is_to_come_back_later(
    database_url: str, tmp_path: Path
) -> None:
    relay = Relay(sqlalchemy_url(database_url), tmp_path)
    database = Database.at(relay.url, pool_size=2)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        async with relay.opened():
            site = await stack.enter_async_context(running_site(database))
            tokens = await site.sign_in()
        answers = [
            await site.ask("GET", "/v1/me", tokens),
            await site.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]),
        ]

    assert [code_of(one) for one in answers] == [(503, "dependency_unavailable")] * 2
    assert answers[0].headers["retry-after"] == "1"


async def test_the_public_keys_can_be_read_by_everybody(site: Site) -> None:
    answer = await site.client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert [key["alg"] for key in answer.json()["keys"]] == ["ES256"]


async def test_the_container_makes_the_first_administrator(site: Site) -> None:
    ensure = site.container.ensure_admin()
    assert await ensure(email="admin@example.com", password=PASSWORD)
    assert not await ensure(email="admin@example.com", password=PASSWORD)


async def test_the_container_follows_changes_for_what_it_remembers(site: Site) -> None:
    follow = site.container.follow_changes()
    await follow.look()
    tokens = await site.sign_in()
    await site.ask("GET", "/v1/me", tokens)
    assert site.container.known_actors().find(tokens["access_token"]) is not None
    assert follow.known is site.container.known_actors()


def test_the_document_says_what_a_form_takes_and_what_is_refused(site: Site) -> None:
    document = site.app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert {"500", "422"} <= set(operation["responses"]), (method, path)
    token = document["paths"]["/v1/auth/token"]["post"]
    assert set(token["requestBody"]["content"]) == {FORM}
    schema = document["components"]["schemas"]["TokenForm"]
    assert set(schema["properties"]) == {"grant_type", "username", "password", "refresh_token"}
    assert schema["additionalProperties"] is False
    assert {"401", "413", "415", "429"} <= set(token["responses"])
    assert PASSWORD not in json.dumps(document["components"]["schemas"]["Tokens"])


def test_every_refusal_of_identity_has_a_status() -> None:
    statuses = {
        name: status_of(kind)
        for name, kind in vars(refusals).items()
        if isinstance(kind, type) and kind.__module__ == refusals.__name__
    }
    assert statuses == {
        "EmailTaken": 409,
        "InvalidCredentials": 401,
        "LinkOver": 409,
        "PasswordTooWeak": 422,
        "RateLimited": 429,
    }
