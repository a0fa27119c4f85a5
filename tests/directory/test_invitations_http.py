"""Invitations: a role belongs to the holder of the link, and to nobody else."""

import asyncio
from contextvars import Context
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from booking_system.bootstrap.container import build
from tests.api import NOTHING, Api, Person, code_of
from tests.waits import until_waiting

PASSWORD, OTHER = "three quiet otters", "four curious hares"
CHIEF = {"email": "chief@example.com", "full_name": "Example Chief", "role": "clinic_admin"}
OVER = (409, "invitation_over")


async def invited(
    api: Api, clinic: dict[str, Any], by: Person | None = None, **about: Any
) -> dict[str, Any]:
    path = f"/v1/clinics/{clinic['id']}/staff"
    made = await api.made(path, CHIEF | about, by or await api.clinic_admin(clinic["id"]))
    return {**made, "token": made["accept_url"].partition("#")[2]}


async def accept(api: Api, token: str, by: Person | None = None, **about: Any) -> Any:
    headers = about.pop("headers", {})
    body = {"token": token, **about}
    return await api.post("/v1/invitations/accept", body, by, headers=headers)


async def roles_of(api: Api, person: Person) -> list[dict[str, Any]]:
    roles: list[dict[str, Any]] = (await api.get("/v1/me", person)).json()["roles"]
    return roles


async def signed_in(api: Api, email: str, password: str) -> Person:
    form = {"grant_type": "password", "username": email, "password": password}
    answer = await api.client.post("/v1/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    me = (await api.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).json()
    return Person(me["user_id"], token)


async def test_a_new_account_is_made_by_accepting(api: Api) -> None:
    clinic = await api.clinic()
    made = await invited(api, clinic)
    offer = (await api.post("/v1/invitations/look-up", {"token": made["token"]})).json()

    accepted = await accept(api, made["token"], password=PASSWORD)

    assert accepted.status_code == 200
    assert accepted.json() == offer
    assert offer["clinic"] == {"id": clinic["id"], "name": clinic["name"]}
    assert (offer["email"], offer["role"]) == (CHIEF["email"], "clinic_admin")
    me = await signed_in(api, CHIEF["email"], PASSWORD)
    assert await roles_of(api, me) == [{"role": "clinic_admin", "clinic_id": clinic["id"]}]
    shown = (await api.get("/v1/me", me)).json()
    # Handing over a link proves nothing about a mailbox.
    assert (shown["email_verified"], shown["password_change_required"]) == (False, False)


async def test_who_claimed_the_address_before_gets_nothing(api: Api) -> None:
    stranger = {"email": "Chief@example.com", "password": OTHER, "full_name": "A Stranger"}
    registered = (await api.post("/v1/auth/register", stranger)).json()
    claimant = Person(registered["user_id"], registered["access_token"])
    clinic = await api.clinic()
    made = await invited(api, clinic)

    assert {**made, "email": CHIEF["email"]} == made
    assert "Stranger" not in str(made)
    assert registered["user_id"] not in str(made)
    assert [role["role"] for role in await roles_of(api, claimant)] == ["patient"]
    answer = await accept(api, made["token"], password=PASSWORD)
    assert code_of(answer) == (409, "email_taken")
    # The real one has an account with another address.
    chief = await api.person()
    assert (await accept(api, made["token"], chief)).status_code == 200
    assert await roles_of(api, chief) == [{"role": "clinic_admin", "clinic_id": clinic["id"]}]
    assert [role["role"] for role in await roles_of(api, claimant)] == ["patient"]


async def test_an_invitation_holds_once_however_many_accept_at_the_same_moment(api: Api) -> None:
    clinic = await api.clinic()
    made = await invited(api, clinic)
    people = [await api.person() for _ in range(5)]
    asked = [accept(api, made["token"], person) for person in people]
    asked.append(accept(api, made["token"], password=PASSWORD))

    async with api.container.database().driver_transaction() as meanwhile:
        await meanwhile.execute(
            "SELECT FROM invitations WHERE id = $1 FOR NO KEY UPDATE", UUID(made["id"])
        )
        accepting = [asyncio.create_task(one, context=Context()) for one in asked]
        # Several have found it open by now.
        await until_waiting(api.container.database(), 2)
    answers = await asyncio.gather(*accepting)

    codes = [code_of(answer) for answer in answers]
    assert codes.count((200, None)) == 1
    assert codes.count(OVER) == 5
    staff = (await api.get(f"/v1/clinics/{clinic['id']}/staff", api.admin)).json()["items"]
    assert sum(one["role"] == "clinic_admin" for one in staff) == 2


@pytest.mark.parametrize("signed", [True, False])
async def test_a_lost_answer_can_be_asked_for_again(api: Api, signed: bool) -> None:
    made = await invited(api, await api.clinic())
    by = await api.person() if signed else None
    body = {} if signed else {"password": PASSWORD}
    key = {"Idempotency-Key": uuid4().hex}

    answers = [await accept(api, made["token"], by, headers=key, **body) for _ in range(2)]

    assert [code_of(answer) for answer in answers] == [(200, None)] * 2
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert code_of(await accept(api, made["token"], by, **body)) == OVER


async def test_a_replay_of_an_invitation_does_not_show_its_link(api: Api) -> None:
    clinic = await api.clinic()
    key, path = {"Idempotency-Key": uuid4().hex}, f"/v1/clinics/{clinic['id']}/staff"
    first, second = [await api.post(path, CHIEF, api.admin, headers=key) for _ in range(2)]

    assert first.json()["accept_url"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json() == {**first.json(), "accept_url": None}
    assert first.headers["location"] == second.headers["location"]


async def test_where_mails_go_out_nobody_else_has_the_link(api: Api) -> None:
    clinic, routes = await api.clinic(), api.container.directory.staff_routes()
    object.__setattr__(routes, "hands_links_over", False)
    try:
        made = await api.made(f"/v1/clinics/{clinic['id']}/staff", CHIEF)
    finally:
        object.__setattr__(routes, "hands_links_over", True)
    assert (made["status"], made["accept_url"]) == ("open", None)


def test_who_invites_has_the_link_where_mails_are_only_kept() -> None:
    sent = {"email_url": SecretStr("smtp://mail.example.com"), "email_from": "a@example.com"}
    for about, is_shown in (({}, True), (sent, False)):
        routes = build(NOTHING.model_copy(update=about)).directory.staff_routes()
        assert routes.hands_links_over is is_shown


async def test_the_token_is_stored_nowhere_and_shown_nowhere_else(api: Api) -> None:
    clinic = await api.clinic()
    made = await invited(api, clinic)
    at = f"/v1/clinics/{clinic['id']}/invitations"
    listed = await api.get(at, api.admin)
    read = await api.get(f"{at}/{made['id']}", api.admin)

    assert listed.json()["items"] == [read.json()]
    assert read.json()["status"] == "open"
    assert "accept_url" not in read.json()
    async with api.container.database().reading() as connection:
        rows = await connection.fetch("SELECT t::text AS row FROM invitations t")
        keys = await connection.fetch("SELECT t::text AS row FROM idempotency_keys t")
    assert len(rows) == 1
    assert not any(made["token"] in row["row"] for row in (*rows, *keys))
    assert made["accept_url"].partition("#")[0].endswith("/invitation")


async def test_a_new_invitation_takes_the_place_of_the_open_one(api: Api) -> None:
    clinic = await api.clinic()
    boss = await api.clinic_admin(clinic["id"])
    old, other = (
        await invited(api, clinic, boss),
        await invited(api, clinic, boss, role="receptionist"),
    )
    new = await invited(api, clinic, boss, email="CHIEF@example.com")

    assert code_of(await accept(api, old["token"], password=PASSWORD)) == OVER
    assert (await accept(api, new["token"], password=PASSWORD)).status_code == 200
    assert (await accept(api, other["token"], await api.person())).status_code == 200


async def test_an_invitation_is_taken_back(api: Api) -> None:
    clinic = await api.clinic()
    boss = await api.clinic_admin(clinic["id"])
    made = await invited(api, clinic, boss)
    at = f"/v1/clinics/{clinic['id']}/invitations/{made['id']}"

    for _ in range(2):
        assert (await api.send("DELETE", at, boss)).status_code == 204
    assert (await api.get(at, boss)).json()["status"] == "revoked"
    for answer in (
        await accept(api, made["token"], password=PASSWORD),
        await api.post("/v1/invitations/look-up", {"token": made["token"]}),
    ):
        assert code_of(answer) == OVER

    other = await invited(api, clinic, boss)
    person = await api.person()
    await accept(api, other["token"], person)
    at = f"/v1/clinics/{clinic['id']}/invitations/{other['id']}"
    assert code_of(await api.send("DELETE", at, boss)) == OVER
    shown = (await api.get(at, boss)).json()
    assert (shown["status"], shown["accepted_by"]) == ("accepted", str(person.user_id))


async def test_an_invitation_ends_after_72_hours(api: Api) -> None:
    clinic = await api.clinic()
    boss = await api.clinic_admin(clinic["id"])
    made = await invited(api, clinic, boss)
    async with api.container.database().driver_transaction() as connection:
        await connection.execute(
            "UPDATE invitations SET expires_at = expires_at - $1::interval", timedelta(hours=72)
        )

    assert code_of(await accept(api, made["token"], password=PASSWORD)) == OVER
    at = f"/v1/clinics/{clinic['id']}/invitations/{made['id']}"
    assert (await api.get(at, boss)).json()["status"] == "expired"


async def test_what_is_not_there_any_more_cannot_be_joined(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    boss = await api.clinic_admin(clinic["id"])
    as_doctor = await invited(api, clinic, boss, role="doctor", doctor_id=doctor["id"])
    as_admin = await invited(api, clinic, boss)
    assert (await api.send("DELETE", f"/v1/doctors/{doctor['id']}", boss)).status_code < 300
    assert code_of(await accept(api, as_doctor["token"], await api.person())) == OVER

    await api.send("DELETE", f"/v1/clinics/{clinic['id']}", api.admin)
    assert code_of(await accept(api, as_admin["token"], await api.person())) == OVER


async def test_who_lost_the_role_leaves_no_invitation_behind(api: Api) -> None:
    clinic = await api.clinic()
    boss = await api.clinic_admin(clinic["id"])
    made = await invited(api, clinic, boss)
    gone = f"/v1/clinics/{clinic['id']}/staff/{boss.user_id}"
    assert (await api.send("DELETE", gone, api.admin)).status_code == 204

    assert code_of(await accept(api, made["token"], boss)) == OVER
    assert await roles_of(api, boss) == []


async def test_who_runs_the_platform_does_not_let_themselves_into_a_clinic(api: Api) -> None:
    made = await invited(api, await api.clinic(), api.admin)

    assert code_of(await accept(api, made["token"], api.admin)) == (403, "forbidden")


async def test_who_accepts_is_signed_in_or_chooses_a_password(api: Api) -> None:
    made = await invited(api, await api.clinic())
    person = await api.person()
    assert code_of(await accept(api, made["token"])) == (401, "unauthenticated")
    wrong = await accept(api, made["token"], person, password=PASSWORD)
    assert code_of(wrong) == (403, "forbidden")
    weak = await accept(api, made["token"], password="short")
    assert code_of(weak) == (422, "password_too_weak")
    for token in (made["token"][:-1], "x", made["token"] + "A"):
        assert code_of(await accept(api, token, person)) == (404, "not_found")
    assert (await accept(api, made["token"], person)).status_code == 200


async def test_only_a_clinics_admins_see_its_invitations(api: Api) -> None:
    here, there = [await api.clinic() for _ in range(2)]
    made = await invited(api, here)
    for by in (await api.receptionist(here["id"]), await api.clinic_admin(there["id"])):
        at = f"/v1/clinics/{here['id']}/invitations"
        assert code_of(await api.get(at, by)) == (403, "forbidden")
        for method in ("GET", "DELETE"):
            answer = await api.send(method, f"{at}/{made['id']}", by)
            assert code_of(answer) == (403, "forbidden")
    # Under another clinic's address it is not there.
    boss = await api.clinic_admin(there["id"])
    for method in ("GET", "DELETE"):
        answer = await api.send(method, f"/v1/clinics/{there['id']}/invitations/{made['id']}", boss)
        assert code_of(answer) == (404, "not_found")
    assert (await accept(api, made["token"], password=PASSWORD)).status_code == 200


async def test_invitations_are_listed_page_by_page(api: Api) -> None:
    clinic = await api.clinic()
    boss, at = await api.clinic_admin(clinic["id"]), f"/v1/clinics/{clinic['id']}/invitations"
    made = [await invited(api, clinic, boss, email=f"{n}@example.com") for n in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get(at, boss, limit=2, **cursor)).json()
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [one["id"] for one in made]


async def test_the_page_of_a_link_runs_no_script_but_its_own(api: Api) -> None:
    page = await api.client.get("/invitation")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert page.headers["cache-control"] == "no-store"
