"""One's own profile, password and sessions over HTTP."""

from typing import Any

import httpx
import pytest

from booking_system.identity.domain.actor import Role, RoleGrant
from tests.identity.builders import (
    EMAIL,
    NOON,
    PASSWORD,
    SECOND,
)
from tests.identity.site import Site, code_of

NEW_PASSWORD = "four curious hares"


async def test_me_says_who_one_is_and_what_one_may_do(site: Site) -> None:
    tokens = await site.sign_in()
    async with site.container.identity().transaction() as work:
        await work.accounts.grant(site.user_id, RoleGrant(role=Role.PLATFORM_ADMIN), NOON)

    answer = await site.ask("GET", "/v1/me", tokens)

    assert answer.headers["etag"] == '"2"'
    assert answer.json() == {
        "user_id": str(site.user_id),
        "email": EMAIL,
        "email_verified": False,
        "password_change_required": False,
        "full_name": "Example Patient",
        "locale": "de-DE",
        "time_zone": "Europe/Berlin",
        "roles": [{"role": "platform_admin", "clinic_id": None}],
        "patient_id": None,
        "doctor_id": None,
        "version": 2,
    }


async def test_a_profile_changes_only_as_it_was_read(site: Site) -> None:
    tokens = await site.sign_in()
    tag = (await site.ask("GET", "/v1/me", tokens)).headers["etag"]
    change = {"full_name": "  New Name ", "locale": "en", "time_zone": "America/Winnipeg"}

    changed = await site.ask("PATCH", "/v1/me", tokens, json=change, headers={"If-Match": tag})
    stale = await site.ask("PATCH", "/v1/me", tokens, json=change, headers={"If-Match": tag})
    same = await site.ask("PATCH", "/v1/me", tokens, json={})

    assert changed.json() | change | {"full_name": "New Name"} == changed.json()
    assert changed.headers["etag"] == same.headers["etag"] == '"2"'
    assert changed.json() == same.json()
    assert code_of(stale) == (412, "precondition_failed")


@pytest.mark.parametrize(
    "change",
    [
        {"full_name": ""},
        {"full_name": None},
        {"locale": None},
        {"locale": "german"},
        {"time_zone": "Middle/Earth"},
        {"time_zone": ""},
        {"email": "other@example.com"},
        {"roles": []},
    ],
)
async def test_what_does_not_fit_a_profile_is_refused(site: Site, change: dict[str, Any]) -> None:
    tokens = await site.sign_in()
    answer = await site.ask("PATCH", "/v1/me", tokens, json=change)
    assert code_of(answer) == (422, "validation_error")
    assert (await site.ask("GET", "/v1/me", tokens)).headers["etag"] == '"1"'


async def test_a_new_password_is_checked(site: Site) -> None:
    tokens = await site.sign_in()

    async def change(current: str, new: str) -> httpx.Response:
        body = {"current_password": current, "new_password": new}
        return await site.ask("POST", "/v1/me/password", tokens, json=body)

    assert code_of(await change("not it", NEW_PASSWORD)) == (401, "invalid_credentials")
    assert code_of(await change(PASSWORD, "password123")) == (422, "password_too_weak")
    assert (await change(PASSWORD, NEW_PASSWORD)).status_code == 204
    await site.sign_in(NEW_PASSWORD)


async def test_sessions_are_listed_in_pages_and_can_be_ended(site: Site) -> None:
    signed = []
    for agent in ("Phone\x07", "Tablet", "Laptop"):
        signed.append(await site.sign_in(**{"User-Agent": agent}))
        site.clock.pass_by(SECOND)
    phone, _, laptop = signed

    first = await site.ask("GET", "/v1/sessions?limit=2", laptop)
    rest = await site.ask("GET", first.headers["link"].partition(">")[0][1:], laptop)

    items = first.json()["items"] + rest.json()["items"]
    assert rest.json()["next_cursor"] is None
    assert "link" not in rest.headers
    assert [one["user_agent"] for one in items] == ["Laptop", "Tablet", "Phone"]
    assert [one["current"] for one in items] == [True, False, False]
    assert items[0]["created_at"] == items[0]["last_used_at"] == "2030-06-03T12:00:02Z"

    path = f"/v1/sessions/{items[2]['id']}"
    assert (await site.ask("DELETE", path, laptop)).status_code == 204
    assert code_of(await site.ask("DELETE", path, laptop)) == (404, "not_found")
    assert code_of(await site.ask("GET", "/v1/me", phone)) == (401, "unauthenticated")
    garbled = await site.ask("GET", "/v1/sessions?cursor=x", laptop)
    assert code_of(garbled) == (422, "invalid_cursor")


async def test_after_signing_out_the_token_is_worth_nothing(site: Site) -> None:
    tokens = await site.sign_in()
    assert (await site.ask("GET", "/v1/me", tokens)).status_code == 200

    assert (await site.ask("POST", "/v1/auth/sign-out", tokens)).status_code == 204

    assert code_of(await site.ask("GET", "/v1/me", tokens)) == (401, "unauthenticated")
    again = await site.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert code_of(again) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/auth/sign-out"),
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("POST", "/v1/me/password"),
        ("GET", "/v1/sessions"),
        ("DELETE", "/v1/sessions/0192f0c1-2b3c-7d4e-8f50-617283940009"),
    ],
)
async def test_without_a_token_nothing_is_said(site: Site, method: str, path: str) -> None:
    answer = await site.client.request(method, path)
    assert code_of(answer) == (401, "unauthenticated")
