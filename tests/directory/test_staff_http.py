"""Staff of clinics over HTTP: accounts that an administrator makes, and roles that end."""

from pathlib import Path
from uuid import uuid4

from tests.api import Api, Person, code_of, running_api

PASSWORD, OWN = "three quiet otters", "four curious hares"
DESK = {"email": "desk@example.com", "full_name": "Example Receptionist", "role": "receptionist"}


async def sign_in(api: Api, email: str, password: str) -> dict[str, str]:
    form = {"grant_type": "password", "username": email, "password": password}
    answer = await api.client.post("/v1/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_staff_are_added_listed_and_removed(api: Api) -> None:
    clinic = await api.clinic()
    boss = await api.clinic_admin(clinic["id"])
    path = f"/v1/clinics/{clinic['id']}/staff"

    desk = await api.made(path, DESK | {"password": PASSWORD}, boss)
    listed = (await api.get(path, boss)).json()["items"]
    assert [one for one in listed if one["user_id"] == desk["user_id"]] == [desk]
    assert desk == {**DESK, "user_id": desk["user_id"], "doctor_id": None}

    gone = await api.send("DELETE", f"{path}/{desk['user_id']}", boss)
    assert gone.status_code == 204
    again = await api.send("DELETE", f"{path}/{desk['user_id']}", boss)
    assert code_of(again) == (404, "not_found")


async def test_a_password_that_somebody_else_chose_gives_no_role_before_it_is_changed(
    api: Api,
) -> None:
    clinic = await api.clinic()
    boss = await api.clinic_admin(clinic["id"])
    staff, patients = f"/v1/clinics/{clinic['id']}/staff", "/v1/patients"
    await api.made(staff, DESK | {"password": PASSWORD}, boss)
    me = await sign_in(api, DESK["email"], PASSWORD)
    asked = {"clinic_id": clinic["id"]}

    shown = (await api.client.get("/v1/me", headers=me)).json()
    assert shown["password_change_required"] is True
    assert shown["roles"] == []
    await api.made(patients, {"full_name": "Example Patient", **asked}, boss)
    hidden = await api.client.get(patients, params=asked, headers=me)
    assert hidden.json()["items"] == []

    # Signing in once more, with the hash renewed on the way, does not make it the owner's.
    await api.client.get("/v1/me", headers=await sign_in(api, DESK["email"], PASSWORD))
    change = {"current_password": PASSWORD, "new_password": OWN}
    changed = await api.client.post("/v1/me/password", json=change, headers=me)
    assert changed.status_code == 204
    shown = (await api.client.get("/v1/me", headers=me)).json()
    assert shown["password_change_required"] is False
    assert shown["roles"] == [{"role": "receptionist", "clinic_id": clinic["id"]}]
    told = await api.client.get(patients, params=asked, headers=me)
    assert len(told.json()["items"]) == 1

    member = (await api.get("/v1/me", api.admin)).json()
    assert member["password_change_required"] is False


async def test_the_password_is_not_changed_to_itself(api: Api) -> None:
    clinic = await api.clinic()
    staff = f"/v1/clinics/{clinic['id']}/staff"
    await api.made(staff, DESK | {"password": PASSWORD})
    me = await sign_in(api, DESK["email"], PASSWORD)
    same = {"current_password": PASSWORD, "new_password": PASSWORD}

    answer = await api.client.post("/v1/me/password", json=same, headers=me)

    assert code_of(answer) == (422, "password_too_weak")
    assert (await api.client.get("/v1/me", headers=me)).json()["roles"] == []


async def test_an_address_with_an_account_gets_no_password_and_no_role(api: Api) -> None:
    """Somebody registered it before, or another clinic's administrator made it."""
    one, other = [await api.clinic() for _ in range(2)]
    await api.made(f"/v1/clinics/{other['id']}/staff", DESK | {"password": PASSWORD})
    stranger = {"email": "chief@example.com", "password": PASSWORD, "full_name": "A Stranger"}
    assert (await api.post("/v1/auth/register", stranger)).status_code == 201
    boss, path = await api.clinic_admin(one["id"]), f"/v1/clinics/{one['id']}/staff"
    before = (await api.get(path, boss)).json()

    for email in (DESK["email"], "Chief@Example.com"):
        body = DESK | {"email": email, "password": OWN}
        answer = await api.post(path, body, boss)
        assert code_of(answer) == (409, "email_taken")
        assert "Stranger" not in answer.text
    assert (await api.get(path, boss)).json() == before
    await sign_in(api, "chief@example.com", PASSWORD)


async def test_new_staff_and_shown_tokens_are_limited(database_url: str, tmp_path: Path) -> None:
    async with running_api(database_url, tmp_path, rate_limit=True) as api:
        clinic = await api.clinic()
        boss, path = await api.clinic_admin(clinic["id"]), f"/v1/clinics/{clinic['id']}/staff"
        weak = DESK | {"password": "1234567890"}
        codes = {code_of(await api.post(path, weak, boss)) for _ in range(100)}
        assert codes == {(422, "password_too_weak")}
        for body in (weak, DESK | {"password": PASSWORD}, DESK):
            limited = await api.post(path, body, boss)
            assert code_of(limited) == (429, "rate_limited")
            assert int(limited.headers["retry-after"]) > 0
        assert (await api.post(path, DESK)).status_code == 401
        assert (await api.post(path, DESK, api.admin)).status_code == 201

        guess = {"token": "A" * 43}
        tried = {code_of(await api.post("/v1/invitations/look-up", guess)) for _ in range(60)}
        assert tried == {(404, "not_found")}
        for at, who in (("look-up", None), ("accept", boss)):
            limited = await api.post(f"/v1/invitations/{at}", guess, who)
            assert code_of(limited) == (429, "rate_limited")


async def test_only_a_clinics_admins_see_and_change_its_staff(api: Api) -> None:
    clinic = await api.clinic()
    path = f"/v1/clinics/{clinic['id']}/staff"
    people: list[Person] = [
        await api.receptionist(clinic["id"]),
        await api.clinic_admin((await api.clinic())["id"]),
        await api.patient(),
    ]
    for person in people:
        for body in (DESK, DESK | {"password": PASSWORD}):
            assert code_of(await api.post(path, body, person)) == (403, "forbidden")
        assert code_of(await api.get(path, person)) == (403, "forbidden")
        gone = await api.send("DELETE", f"{path}/{person.user_id}", person)
        assert code_of(gone) == (403, "forbidden")
    absent = f"/v1/clinics/{uuid4()}/staff"
    assert code_of(await api.post(absent, DESK, await api.patient())) == (404, "not_found")


async def test_a_doctors_account_belongs_to_a_doctor_of_the_clinic(api: Api) -> None:
    clinic = await api.clinic()
    foreign = await api.doctor(await api.clinic())
    new = {"email": "new@example.com", "full_name": "New"}
    for wrong in (
        {"role": "doctor"},
        {"role": "doctor", "doctor_id": foreign["id"]},
        {"role": "receptionist", "doctor_id": foreign["id"]},
        {"role": "platform_admin"},
        {"role": "patient"},
    ):
        for password in ({}, {"password": PASSWORD}):
            body = new | wrong | password
            answer = await api.post(f"/v1/clinics/{clinic['id']}/staff", body, api.admin)
            assert code_of(answer) == (422, "validation_error")
    weak = new | {"role": "receptionist", "password": "short"}
    answer = await api.post(f"/v1/clinics/{clinic['id']}/staff", weak, api.admin)
    assert code_of(answer) == (422, "password_too_weak")
