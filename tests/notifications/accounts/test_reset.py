"""A lost password, from the wish to the notice that it was changed."""

import asyncio
from contextvars import Context
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import event

from tests.api import Api, code_of
from tests.notifications.accounts.post import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Post,
    bearer,
    link_in,
)

OVER = (409, "link_over")
ABSENT = (404, "not_found")


async def test_a_lost_password_is_replaced_by_a_mail(api: Api, post: Post) -> None:
    made = await post.registered()
    other = (await post.sign_in(PASSWORD)).json()
    token = await post.reset_token()
    # Programs that look at links leave them as they are.
    for method in ("HEAD", "GET", "GET", "GET"):
        answer = await api.send(method, "/reset-password")
        assert answer.status_code in {200, 405}
    assert (await post.me(made)).json()["email_verified"] is False
    assert (await post.reset(token)).status_code == 204
    assert code_of(await post.reset(token, PASSWORD)) == OVER

    for tokens in (made, other):
        assert code_of(await post.me(tokens)) == (401, "unauthenticated")
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        refreshed = await api.send("POST", "/v1/auth/token", data=form)
        assert code_of(refreshed) == (401, "invalid_credentials")
    assert code_of(await post.sign_in(PASSWORD)) == (401, "invalid_credentials")
    signed_in = await post.sign_in(NEW_PASSWORD)
    assert signed_in.status_code == 200
    # The mail has proved the address.
    assert (await post.me(signed_in.json())).json()["email_verified"] is True

    notice = (await post.brought())[0]
    assert notice["subject"] == "Your password was changed"
    assert "http://test/reset-password" in notice["text"]
    assert "#" not in notice["text"]


async def test_the_holders_of_one_link_use_it_once(post: Post) -> None:
    await post.registered()
    token = await post.reset_token()
    twins = [
        asyncio.create_task(post.reset(token, f"{NEW_PASSWORD} {one}"), context=Context())
        for one in range(3)
    ]
    codes = sorted(map(code_of, await asyncio.gather(*twins)))
    assert codes == [(204, None), OVER, OVER]


async def test_each_link_holds_until_one_is_used(post: Post) -> None:
    await post.registered()
    first, second = await post.reset_token(), await post.reset_token()
    assert first != second
    assert code_of(await post.reset(first, "short")) == (422, "password_too_weak")
    assert (await post.reset(first)).status_code == 204
    assert code_of(await post.reset(second)) == OVER
    third = await post.reset_token()
    assert (await post.reset(third, PASSWORD)).status_code == 204


async def test_a_link_ends_after_an_hour_and_with_a_new_password(api: Api, post: Post) -> None:
    made = await post.registered()
    token = await post.reset_token()
    (link,) = await post.sql("SELECT expires_at - now() AS rest FROM account_links"
                             " WHERE purpose = 'password_reset'")  # fmt: skip
    assert 3500 < link["rest"].total_seconds() <= 3600
    await post.sql("UPDATE account_links SET expires_at = now() - interval '1 second'")
    assert code_of(await post.reset(token)) == OVER

    token = await post.reset_token()
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = await api.send("POST", "/v1/me/password", json=change, headers=bearer(made))
    assert answer.status_code == 204
    assert code_of(await post.reset(token, PASSWORD)) == OVER
    assert (await post.brought())[0]["subject"] == "Your password was changed"


async def test_a_link_is_for_one_purpose_and_one_account(post: Post) -> None:
    await post.registered()
    verifying = link_in((await post.brought())[0], "/verify-email")
    resetting = await post.reset_token()
    assert code_of(await post.reset(verifying)) == ABSENT
    assert code_of(await post.verify(resetting)) == ABSENT
    assert code_of(await post.reset("A" * 43)) == ABSENT
    await post.sql("UPDATE users SET deleted_at = now() WHERE email = $1", EMAIL)
    assert code_of(await post.reset(resetting)) == OVER
    assert code_of(await post.verify(verifying)) == OVER


@pytest.mark.parametrize("wanted", ["nobody@example.org", "gone@example.org", "new@example.org"])
async def test_whose_an_address_is_nobody_learns(api: Api, post: Post, wanted: str) -> None:
    for email in (EMAIL, "gone@example.org", "new@example.org"):
        await post.registered(email)
    await post.sql("UPDATE users SET email_verified_at = now() WHERE email = $1", EMAIL)
    await post.sql("UPDATE users SET deleted_at = now() WHERE email LIKE 'gone%'")
    statements: list[str] = []

    def seen(*about: Any) -> None:
        statements.append(about[2])

    engine = api.container.leases().engine.sync_engine
    event.listen(engine, "before_cursor_execute", seen)
    told = []
    try:
        for email in (EMAIL, wanted):
            statements.clear()
            told.append((as_told(await post.wants_reset(email)), list(statements)))
    finally:
        event.remove(engine, "before_cursor_execute", seen)
    assert told[0] == told[1]
    assert len(told[0][1]) == 2
    await post.brought()
    kinds = [mail["subject"] for mail in await post.mails(wanted)]
    assert ("Choose a new password" in kinds) is (wanted == "new@example.org")


def as_told(answer: Response) -> tuple[Any, ...]:
    varying = {"date", "x-request-id", "server-timing"}
    headers = {name: value for name, value in answer.headers.items() if name not in varying}
    return answer.status_code, answer.content, headers
