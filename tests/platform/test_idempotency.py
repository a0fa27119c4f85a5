"""Every operation that takes an `Idempotency-Key`: sent again, it has its effect once."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.access import scenes
from tests.access.repeating import (
    CLAIMED_FIRST,
    IN_USE,
    KEPT_NOWHERE,
    KEYS,
    REPLAYED,
    REUSED,
    an_impatient_world,
    ask_patiently,
    effects,
    grow_old,
    losing_a_commit,
    named,
    once_each,
    otherwise,
    replays_of,
    told,
)
from tests.access.table import ROWS, Row
from tests.access.test_matrix import ask
from tests.access.world import PASSWORD, Aim, World
from tests.api import Person, code_of, document_of_all, some_slots
from tests.postgres import TestServer

ONCE = once_each()
each = pytest.mark.parametrize("row", ONCE, ids=str)


@pytest.fixture(scope="module")
async def world(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    place = tmp_path_factory.mktemp("repeating")
    async with postgres.database() as url, an_impatient_world(url, place) as made:
        yield made


def operation(row: Row) -> str:
    return str(document_of_all()["paths"][row.path]["post"]["operationId"])


def test_every_post_of_a_known_caller_takes_a_key() -> None:
    taking = {
        path
        for path, operations in document_of_all()["paths"].items()
        for method, about in operations.items()
        if any(one["name"] == "Idempotency-Key" for one in about.get("parameters", []))
        and {"409", "422"} <= about["responses"].keys()
        and method == "post"
    }
    assert taking == {row.path for row in ONCE}
    assert len(taking) > 10


@each
async def test_a_request_sent_again_has_its_effect_once(world: World, row: Row) -> None:
    name, key = min(row.may), named()
    aim = await world.aim(row.on, name, fresh=True)
    first = await ask(world, row, name, aim, key)
    after = await effects(world)
    second, third = [await ask(world, row, name, aim, key) for _ in range(2)]

    assert first.status_code < 300
    assert REPLAYED not in first.headers
    assert second.headers[REPLAYED] == third.headers[REPLAYED] == "true"
    assert told(second) == told(third)
    assert (told(first) == told(second)) is (row.path not in KEPT_NOWHERE)
    assert await effects(world) == after
    assert await replays_of(world, key) == [2]


@each
async def test_a_key_belongs_to_what_was_said_with_it(world: World, row: Row) -> None:
    name, key = min(row.may), named()
    aim = await world.aim(row.on, name, fresh=True)
    assert (await ask(world, row, name, aim, key)).status_code < 300
    changed = otherwise(row)
    if changed == row:
        other = await world.aim(row.on, name, fresh=True)
        aim = Aim(other.values, aim.people)
    before = await world.all_rows()

    assert code_of(await ask(world, changed, name, aim, key)) == REUSED
    assert await world.all_rows() == before


@each
async def test_a_key_in_flight_is_waited_for_and_then_refused(world: World, row: Row) -> None:
    name, key = min(row.may), named()
    aim = await world.aim(row.on, name, fresh=True)
    who = aim.people.get(name) or world.person(name)
    before = await world.all_rows()
    with pytest.raises(ZeroDivisionError):
        async with world.api.container.database().driver_transaction() as twin:
            await twin.execute(
                f"INSERT INTO {KEYS} (owner, operation, key, fingerprint, created_at)"
                " VALUES ($1, $2, $3, '', now())",
                str(who.user_id),
                operation(row),
                key["Idempotency-Key"],
            )
            # A request of its own: it holds none of the connections that this test holds.
            asking = ask(world, row, name, aim, key)
            answer = await asyncio.create_task(asking, context=Context())
            raise ZeroDivisionError

    assert code_of(answer) == IN_USE
    assert answer.headers["retry-after"]
    assert await world.all_rows() == before
    # The twin has failed: it is as if it had never been.
    answer = await ask(world, row, name, aim, key)
    assert answer.status_code < 300
    assert REPLAYED not in answer.headers


@each
async def test_a_commit_whose_answer_was_lost_is_found_by_its_key(world: World, row: Row) -> None:
    name, key = min(row.may), named()
    aim = await world.aim(row.on, name, fresh=True)
    with losing_a_commit(happens=True):
        assert code_of(await ask(world, row, name, aim, key)) == (503, "outcome_unknown")
    after = await effects(world)
    answer = await ask(world, row, name, aim, key)

    if row.path in CLAIMED_FIRST:
        assert code_of(answer) == IN_USE
        return
    assert answer.status_code < 300
    assert answer.headers[REPLAYED] == "true"
    assert await effects(world) == after


@each
async def test_a_commit_that_never_was_is_made_up_for_once(world: World, row: Row) -> None:
    name, key = min(row.may), named()
    aim = await world.aim(row.on, name, fresh=True)
    before = await effects(world)
    with losing_a_commit(happens=False):
        assert code_of(await ask(world, row, name, aim, key)) == (503, "outcome_unknown")
    assert await effects(world) == before
    first = await ask_patiently(world, row, name, aim, key)
    second = await ask(world, row, name, aim, key)

    assert first.status_code < 300
    assert REPLAYED not in first.headers
    assert second.headers[REPLAYED] == "true"


@pytest.mark.parametrize("path", ["/v1/bookings", "/v1/clinics"])
@pytest.mark.parametrize("key", [b"", b"two words", b"x" * 256, "ü".encode(), b"\x7f"])
async def test_a_key_is_visible_text_of_bounded_length(world: World, path: str, key: bytes) -> None:
    row = next(row for row in ONCE if row.path == path)
    aim = await world.aim(row.on, min(row.may), fresh=True)
    by = world.person(min(row.may))
    headers = [(b"authorization", by.headers["Authorization"].encode()), (b"idempotency-key", key)]
    body = {"name": "Example", "slug": "x", "time_zone": "Europe/Berlin"}
    if path == "/v1/bookings":
        body = {"time_slot_id": aim.values["slot_id"], "patient_id": aim.values["patient_id"]}
    answer = await world.api.client.post(path, json=body, headers=headers)

    assert code_of(answer) == (422, "validation_error")
    (wrong,) = answer.json()["errors"]
    assert wrong["in"] == "header"


async def test_a_refusal_is_not_stored(world: World) -> None:
    key, taken = named(), world.here["slug"]
    body = {"name": "Example Clinic", "slug": taken, "time_zone": "Europe/Berlin"}
    before = await world.all_rows()
    for wrong in (body, body | {"colour": "red"}):
        answer = await world.api.post("/v1/clinics", wrong, world.api.admin, headers=key)
        assert answer.status_code in {409, 422}
        assert answer.json()["code"] != REUSED[1]
    assert await world.all_rows() == before

    free = body | {"slug": f"clinic-{uuid4().hex[:12]}"}
    answer = await world.api.post("/v1/clinics", free, world.api.admin, headers=key)
    assert answer.status_code == 201
    assert REPLAYED not in answer.headers


async def test_two_callers_may_use_the_same_key(world: World) -> None:
    key, path = named(), f"/v1/clinics/{world.here['id']}/doctors"
    answers = [
        await world.api.post(path, {"full_name": "Example Doctor"}, by, headers=key)
        for by in (world.api.admin, world.person("clinic_admin"))
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 2


async def test_one_key_may_name_one_request_of_each_operation(world: World) -> None:
    key, here = named(), f"/v1/clinics/{world.here['id']}"
    for path, body in (
        (f"{here}/doctors", {"full_name": "Example Doctor"}),
        (f"{here}/services", {"name": "Example Service", "duration_minutes": 30}),
    ):
        answer = await world.api.post(path, body, world.api.admin, headers=key)
        assert answer.status_code == 201
        assert REPLAYED not in answer.headers


async def test_after_72_hours_a_key_is_new(world: World) -> None:
    key, path = named(), f"/v1/clinics/{world.here['id']}/doctors"
    seen = []
    for age in (timedelta(0), timedelta(hours=71), timedelta(hours=2)):
        await grow_old(world, key, age)
        answer = await world.api.post(
            path, {"full_name": "Example Doctor"}, world.api.admin, headers=key
        )
        seen.append((answer.json()["id"], REPLAYED in answer.headers))

    assert [replayed for _, replayed in seen] == [False, True, False]
    assert seen[0][0] == seen[1][0] != seen[2][0]


async def test_the_resource_is_shown_as_it_is_now(world: World) -> None:
    key, path = named(), f"/v1/clinics/{world.here['id']}/doctors"
    body = {"full_name": "Example Doctor"}
    made = await world.api.post(path, body, world.api.admin, headers=key)
    one = made.headers["location"]
    changed = await world.api.send("PATCH", one, world.api.admin, json={"bio": "New"})
    again = await world.api.post(path, body, world.api.admin, headers=key)

    assert again.status_code == 201
    assert again.json() == changed.json()
    assert again.headers["etag"] == changed.headers["etag"] != made.headers["etag"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/clinics", {"name": "Example Clinic", "time_zone": "Europe/Berlin"}),
        ("/v1/clinics/{clinic_id}/doctors", {"full_name": "Example Doctor"}),
        ("/v1/clinics/{clinic_id}/services", {"name": "Example Service", "duration_minutes": 30}),
    ],
)
async def test_what_is_gone_by_now_is_absent(
    world: World, path: str, body: dict[str, object]
) -> None:
    key, path = named(), path.format(clinic_id=world.here["id"])
    if path == "/v1/clinics":
        body = body | {"slug": f"clinic-{uuid4().hex[:12]}"}
    made = await world.api.post(path, body, world.api.admin, headers=key)
    gone = await world.api.send("DELETE", made.headers["location"], world.api.admin)
    assert (made.status_code, gone.status_code) == (201, 204)

    again = await world.api.post(path, body, world.api.admin, headers=key)
    assert code_of(again) == (404, "not_found")


async def test_slots_that_were_taken_back_are_left_out(world: World) -> None:
    key, path = named(), f"/v1/doctors/{world.doctor['id']}/slots"
    body = {"slots": some_slots(2, world.hour())}
    made = await world.api.post(path, body, world.api.admin, headers=key)
    first, second = made.json()["items"]
    await world.api.send("DELETE", f"/v1/slots/{first['id']}", world.api.admin)
    again = await world.api.post(path, body, world.api.admin, headers=key)

    assert again.status_code == 201
    assert again.headers["location"] == made.headers["location"]
    assert again.json()["items"] == [second]


async def test_a_role_that_was_taken_back_is_absent(world: World) -> None:
    key, path = named(), f"/v1/clinics/{world.here['id']}/staff"
    body = {
        "email": f"{uuid4().hex}@example.com",
        "full_name": "Example",
        "role": "receptionist",
        "password": PASSWORD,
    }
    made = await world.api.post(path, body, world.api.admin, headers=key)
    again = await world.api.post(path, body, world.api.admin, headers=key)
    assert again.json() == made.json()

    await world.api.send("DELETE", f"{path}/{made.json()['user_id']}", world.api.admin)
    assert code_of(await world.api.post(path, body, world.api.admin, headers=key)) == (
        404,
        "not_found",
    )


async def test_who_may_no_longer_do_it_gets_no_replay(world: World) -> None:
    one: Person = await world.api.clinic_admin(world.here["id"])
    staff, key = f"/v1/clinics/{world.here['id']}/staff", named()
    body = {"email": f"{uuid4().hex}@example.com", "full_name": "Example", "role": "receptionist"}
    patient = {"clinic_id": world.here["id"], "full_name": "Example Patient"}
    asked = (staff, body), ("/v1/patients", patient)
    for path, what in asked:
        assert (await world.api.post(path, what, one, headers=key)).status_code == 201
    await world.api.send("DELETE", f"{staff}/{one.user_id}", world.api.admin)

    told = [code_of(await world.api.post(path, what, one, headers=key)) for path, what in asked]
    assert told == [(403, "forbidden"), (404, "not_found")]


async def test_sign_out_takes_no_key(world: World) -> None:
    row = next(row for row in ROWS if row.path == "/v1/auth/sign-out")
    key = named()
    aim = await scenes.device(world, "patient")
    assert (await ask(world, row, "patient", aim, key)).status_code == 204
    assert await replays_of(world, key) == []
