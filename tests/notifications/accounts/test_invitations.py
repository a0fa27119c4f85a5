"""Invitations by mail, beside the link that an administrator hands over."""

from typing import Any

import pytest

from tests.api import Api, code_of
from tests.notifications.accounts.post import EMAIL, PASSWORD, Post, link_in

STAFF = {"email": EMAIL, "full_name": "Priya Sharma", "role": "receptionist"}


async def invited(api: Api, clinic: dict[str, Any]) -> str:
    """Invite, and return the token that the administrator is shown."""
    made = await api.made(f"/v1/clinics/{clinic['id']}/staff", STAFF)
    return str(made["accept_url"]).partition("#")[2]


async def look(api: Api, token: str) -> tuple[int, str | None]:
    return code_of(await api.post("/v1/invitations/look-up", {"token": token}))


async def test_the_invited_accept_by_the_mail_in_the_language_of_the_clinic(
    api: Api, post: Post
) -> None:
    clinic = await api.clinic(name="Praxis am Markt", locale="de-DE")
    shown = await invited(api, clinic)
    (mail,) = await post.brought()
    assert "Praxis am Markt" in mail["subject"]
    assert "Der Link gilt bis" in mail["text"]
    assert mail["sender"]["name"] == "Praxis am Markt"
    mailed = link_in(mail, "/invitation")
    assert mailed != shown
    for _ in range(3):
        assert (await api.get("/invitation")).status_code == 200
    assert await look(api, mailed) == await look(api, shown) == (200, None)
    body = {"token": mailed, "password": PASSWORD}
    assert (await api.post("/v1/invitations/accept", body)).status_code == 200
    assert code_of(await api.post("/v1/invitations/accept", body)) == (409, "invitation_over")
    assert await look(api, shown) == (409, "invitation_over")
    # The link was in the mailbox alone: who follows it need not show again whose that is.
    assert len(await post.brought()) == 1
    assert await verified(post, EMAIL)
    assert [(row["kind"], row["state"]) for row in await post.rows()] == [
        ("invitation", "sent"),
        ("email_verification", "withdrawn"),
    ]


async def verified(post: Post, email: str) -> bool:
    (row,) = await post.sql("SELECT email_verified_at FROM users WHERE email = $1", email)
    return row["email_verified_at"] is not None


async def test_the_link_that_an_administrator_hands_over_proves_no_address(
    api: Api, post: Post
) -> None:
    shown = await invited(api, await api.clinic())
    await post.brought()
    body = {"token": shown, "password": PASSWORD}
    assert (await api.post("/v1/invitations/accept", body)).status_code == 200
    assert not await verified(post, EMAIL)
    await post.brought()
    assert [(row["kind"], row["state"]) for row in await post.rows()] == [
        ("invitation", "sent"),
        ("email_verification", "sent"),
    ]


@pytest.mark.parametrize("is_same", [True, False])
async def test_a_mailed_link_proves_the_address_that_it_was_mailed_to_and_no_other(
    api: Api, post: Post, is_same: bool
) -> None:
    email = EMAIL if is_same else "asha@example.org"
    await invited(api, await api.clinic())
    (mail,) = await post.brought()
    token = (await post.registered(email))["access_token"]
    answer = await api.client.post(
        "/v1/invitations/accept",
        json={"token": link_in(mail, "/invitation")},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    assert await verified(post, email) is is_same


async def test_a_new_invitation_is_mailed_instead_of_the_open_one(api: Api, post: Post) -> None:
    clinic = await api.clinic()
    await invited(api, clinic)
    await invited(api, clinic)
    (mail,) = await post.brought()
    assert await look(api, link_in(mail, "/invitation")) == (200, None)
    rows = await post.rows()
    assert [(row["state"], row["reason"]) for row in rows] == [
        ("withdrawn", "superseded"),
        ("sent", None),
    ]


async def test_what_is_taken_back_is_not_mailed(api: Api, post: Post) -> None:
    clinic = await api.clinic()
    made = await api.made(f"/v1/clinics/{clinic['id']}/staff", STAFF)
    one = f"/v1/clinics/{clinic['id']}/invitations/{made['id']}"
    assert (await api.send("DELETE", one, api.admin)).status_code == 204
    await invited(api, clinic)
    await post.plan()
    path = f"/v1/clinics/{clinic['id']}"
    assert (await api.send("DELETE", path, api.admin)).status_code in {200, 204}
    assert await post.brought() == []
    assert [(row["state"], row["reason"]) for row in await post.rows()] == [
        ("withdrawn", "superseded"),
        ("skipped", "recipient_gone"),
    ]


async def test_the_authority_of_the_inviter_ends_before_the_mail_is_written(
    api: Api, post: Post
) -> None:
    clinic = await api.clinic()
    chief = await api.clinic_admin(clinic["id"])
    await api.made(f"/v1/clinics/{clinic['id']}/staff", STAFF, chief)
    await post.sql("DELETE FROM role_grants WHERE user_id = $1", chief.user_id)
    assert await post.brought() == []
    assert [row["state"] for row in await post.rows()] == ["withdrawn"]
