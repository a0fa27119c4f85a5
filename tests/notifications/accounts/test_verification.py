"""Addresses that their owners prove."""

import pytest

from booking_system.identity.adapters.accounts import PostgresAccounts
from tests.api import Api, code_of
from tests.notifications.accounts.post import EMAIL, PASSWORD, Post, bearer, link_in


async def test_an_address_is_proved_by_a_mail(api: Api, post: Post) -> None:
    made = await post.registered()
    (mail,) = await post.brought()
    assert mail["to"] == EMAIL
    assert (mail["to_name"], mail["unsubscribe_url"], mail["attachments"]) == (None, None, [])
    token = link_in(mail, "/verify-email")
    for method in ("HEAD", "GET", "GET", "GET"):
        assert (await api.send(method, "/verify-email")).status_code in {200, 405}
    before = await post.me(made)
    assert before.json()["email_verified"] is False
    assert (await post.verify(token)).status_code == 204
    after = await post.me(made)
    assert after.json()["email_verified"] is True
    assert after.headers["etag"] != before.headers["etag"]
    assert code_of(await post.verify(token)) == (409, "link_over")


async def test_the_mail_comes_once_more_until_the_address_is_proved(api: Api, post: Post) -> None:
    made = await post.registered()
    path, headers = "/v1/auth/verify-email/resend", bearer(made)
    assert (await api.send("POST", path, headers=headers)).status_code == 202
    first, second = (link_in(mail, "/verify-email") for mail in await post.brought())
    assert first != second
    # What waits to be written is not needed when the address is proved meanwhile.
    await api.send("POST", path, headers=headers)
    await post.plan()
    assert (await post.verify(second)).status_code == 204
    assert len(await post.brought()) == 2
    assert [(row["state"], row["reason"]) for row in await post.rows()] == [
        ("sent", None),
        ("sent", None),
        ("withdrawn", "superseded"),
    ]
    assert (await api.send("POST", path, headers=headers)).status_code == 202
    assert len(await post.brought()) == 2
    assert len(await post.rows()) == 3
    assert code_of(await post.verify(first)) == (409, "link_over")


async def test_a_link_is_not_made_for_what_was_proved_at_the_last_moment(
    api: Api, post: Post
) -> None:
    made = await post.registered()
    make = api.container.identity.verification_link()
    assert await make(made["user_id"]) is not None
    await post.sql("UPDATE users SET email_verified_at = now()")
    assert await make(made["user_id"]) is None


async def test_of_a_registration_that_is_undone_nothing_is_told(
    api: Api, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(PostgresAccounts, "start_session", fails)
    about = {"email": EMAIL, "password": PASSWORD, "full_name": "Priya Sharma"}
    assert (await api.post("/v1/auth/register", about)).status_code == 500
    assert await post.sql("SELECT 1 FROM outbox WHERE name LIKE 'account.%'") == []
    assert await post.brought() == []
    assert await post.rows() == []
