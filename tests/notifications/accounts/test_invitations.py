"""Invitations by mail, beside the link that an administrator hands over."""

from typing import Any

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
    # A new account's address is proved like any other's.
    assert [row["kind"] for row in await post.rows()] == ["invitation"]
    await post.brought()
    assert (await post.rows())[1]["kind"] == "email_verification"


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
