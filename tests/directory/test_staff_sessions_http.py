"""A clinic's administrators see and end the sessions of their staff."""

from datetime import timedelta
from uuid import UUID, uuid4

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.tokens import Tokens
from booking_system.shared_kernel.identifiers import ClinicId
from tests.api import Api, Person, code_of

USED = ("id", "created_at", "last_used_at", "user_agent")


async def on_another_device(api: Api, person: Person, name: str) -> Tokens:
    async with api.container.database().transaction() as connection:
        accounts = api.container.identity.accounts_of()(connection)
        return await accounts.start_session(
            person.user_id, name, api.container.clock().now(), network=b"n" * 16
        )


def sessions_of(clinic: dict[str, str], person: Person) -> str:
    return f"/v1/clinics/{clinic['id']}/staff/{person.user_id}/sessions"


async def test_an_administrator_sees_devices_but_not_from_where(api: Api) -> None:
    clinic = await api.clinic()
    admin, one = await api.clinic_admin(clinic["id"]), await api.receptionist(clinic["id"])
    for name in ("phone", "laptop"):
        await on_another_device(api, one, name)
    path = sessions_of(clinic, one)

    first = (await api.get(path, admin, limit=2)).json()
    rest = (await api.get(path, admin, limit=2, cursor=first["next_cursor"])).json()

    assert [item["user_agent"] for item in first["items"]] == ["laptop", "phone"]
    assert [item["user_agent"] for item in rest["items"]] == [None]
    assert rest["next_cursor"] is None
    assert set(first["items"][0]) == set(USED)
    for by in (api.admin, admin):
        assert len((await api.get(path, by)).json()["items"]) == 3


async def test_one_session_ends_at_once_and_the_others_go_on(api: Api) -> None:
    clinic = await api.clinic()
    admin, one = await api.clinic_admin(clinic["id"]), await api.receptionist(clinic["id"])
    lost = await on_another_device(api, one, "lost phone")
    path = sessions_of(clinic, one)
    (session,) = [
        item
        for item in (await api.get(path, admin)).json()["items"]
        if item["user_agent"] == "lost phone"
    ]

    assert (await api.send("DELETE", f"{path}/{session['id']}", admin)).status_code == 204

    assert await refused(api, lost)
    assert (await api.get("/v1/me", one)).status_code == 200
    again = await api.send("DELETE", f"{path}/{session['id']}", admin)
    assert code_of(again) == (404, "not_found")
    row = await ended(api, session["id"])
    assert row == "ended_by_admin"


async def test_all_sessions_end_wherever_somebody_else_works(api: Api) -> None:
    here, elsewhere = await api.clinic(), await api.clinic()
    admin = await api.clinic_admin(here["id"])
    one = await api.person(
        *(
            RoleGrant(role=Role.RECEPTIONIST, clinic_id=ClinicId(UUID(clinic["id"])))
            for clinic in (here, elsewhere)
        )
    )
    other = await on_another_device(api, one, "phone")
    path = sessions_of(here, one)

    assert (await api.send("DELETE", path, admin)).status_code == 204

    assert await refused(api, other)
    assert code_of(await api.get("/v1/me", one)) == (401, "unauthenticated")
    assert (await api.get(path, admin)).json()["items"] == []
    assert (await api.send("DELETE", path, admin)).status_code == 204


async def test_only_of_those_who_work_here(api: Api) -> None:
    here, elsewhere = await api.clinic(), await api.clinic()
    admin, one = await api.clinic_admin(here["id"]), await api.receptionist(elsewhere["id"])
    mine = await api.receptionist(here["id"])
    theirs = api.container.identity.access_tokens().verify(one.token).session_id
    for path in (sessions_of(here, one), sessions_of(here, await api.patient())):
        assert code_of(await api.get(path, admin)) == (404, "not_found")
        assert code_of(await api.send("DELETE", path, admin)) == (404, "not_found")
    # A session of somebody else behind the name of somebody who works here.
    answer = await api.send("DELETE", f"{sessions_of(here, mine)}/{theirs}", admin)
    assert code_of(answer) == (404, "not_found")
    assert (await api.get("/v1/me", one)).status_code == 200

    gone = f"/v1/clinics/{here['id']}/staff/{mine.user_id}"
    await api.send("DELETE", gone, admin)
    assert code_of(await api.get(sessions_of(here, mine), admin)) == (404, "not_found")


async def test_what_is_over_is_not_shown(api: Api) -> None:
    clinic = await api.clinic()
    admin, one = await api.clinic_admin(clinic["id"]), await api.receptionist(clinic["id"])
    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql(
            "UPDATE sessions SET created_at = $1, last_used_at = $2 WHERE user_id = $3",
            (
                api.container.clock().now() - timedelta(days=91),
                api.container.clock().now(),
                one.user_id,
            ),
        )
    path = sessions_of(clinic, one)
    assert (await api.get(path, admin)).json()["items"] == []
    assert code_of(await api.get(path, admin, cursor="none")) == (422, "invalid_cursor")
    absent = await api.send("DELETE", f"{path}/{uuid4()}", admin)
    assert code_of(absent) == (404, "not_found")


async def refused(api: Api, tokens: Tokens) -> bool:
    """Say whether neither of the tokens is of any use."""
    person = Person(uuid4(), tokens.access_token)
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    answers = [
        code_of(await api.get("/v1/me", person)),
        code_of(await api.send("POST", "/v1/auth/token", data=form)),
    ]
    return answers == [(401, "unauthenticated"), (401, "invalid_credentials")]


async def ended(api: Api, session_id: str) -> str:
    async with api.container.database().reading() as connection:
        found: str = await connection.fetchval(
            "SELECT ended_because FROM sessions WHERE id = $1", UUID(session_id)
        )
    return found
