"""What is left of a role when its clinic, its doctor or the role itself is gone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, UserId
from tests.access import scenes
from tests.access.repeating import named, once_each
from tests.access.table import BOOKING, FILE, PAGE, PAYMENT, RECEIPT, ROWS, SIGNED_IN, Row
from tests.access.test_matrix import ask
from tests.access.world import Aim, World, a_world
from tests.api import Person, code_of
from tests.postgres import TestServer

DESK = ("clinic_admin", "receptionist")
KEEP = {"on_conflict": "keep"}
WIND_UP = {
    ("GET", "/v1/bookings"),
    ("GET", BOOKING),
    ("GET", f"{BOOKING}/history"),
    ("GET", f"{BOOKING}/payments"),
    ("GET", PAYMENT),
    ("GET", f"{PAYMENT}/receipts"),
    ("GET", f"{RECEIPT}.pdf"),
    ("GET", f"{RECEIPT}.html"),
    ("GET", f"{BOOKING}/files"),
    ("GET", FILE),
    ("GET", f"{FILE}/content"),
    ("POST", f"{BOOKING}/cancel"),
    ("POST", f"{BOOKING}/check-in"),
    ("POST", f"{BOOKING}/complete"),
    ("POST", f"{BOOKING}/no-show"),
    ("POST", f"{BOOKING}/undo"),
}
"""All that the staff of a removed clinic may still do: see what is left, and end it."""
OWN = [row for row in ROWS if row.kind is PAGE or row.may >= SIGNED_IN - {"platform_admin"}]
"""What needs no role: own accounts, and what is public."""
OTHERS = [row for row in ROWS if row.on in {scenes.new_clinic, scenes.removed_clinic}]
"""Clinics of their own, which no member of staff may touch anyway."""
Tried = tuple[Row, Aim]
ASKED = [row for row in ROWS if row not in OWN and row not in OTHERS]


@asynccontextmanager
async def prepared(postgres: TestServer, place: Path) -> AsyncIterator[tuple[World, list[Tried]]]:
    """A world in which everything stands that the table tries things on."""
    async with postgres.database() as url, a_world(url, place) as world:
        yield world, [(row, await world.aim(row.on, "receptionist", fresh=True)) for row in ASKED]


async def refused_all(world: World, aims: list[Tried], names: tuple[str, ...]) -> dict[str, object]:
    """Everything that was not refused, or left something behind."""
    wrong: dict[str, object] = {}
    before = await world.all_rows()
    for row, aim in aims:
        for name in names:
            answer = await ask(world, row, name, aim)
            if answer.status_code == 200 and answer.json().get("items") == []:
                continue
            if answer.status_code not in {403, 404}:
                wrong[f"{row} by {name}"] = code_of(answer), answer.text[:200]
        after = await world.all_rows()
        if after != before:
            wrong[f"{row}, left"] = "something"
        before = after
    return wrong


async def test_staff_of_a_removed_clinic_do_nothing_but_wind_up(
    postgres: TestServer, tmp_path: Path
) -> None:
    async with prepared(postgres, tmp_path) as (world, aims):
        here = f"/v1/clinics/{world.here['id']}"
        booked, begun = [await one(world, "") for one in (scenes.booking, scenes.begun_booking)]
        gone = await world.api.send("DELETE", here, world.api.admin, params=KEEP)
        assert gone.status_code == 204

        closed = [one for one in aims if (one[0].method, one[0].path) not in WIND_UP]
        assert await refused_all(world, closed, (*DESK, "doctor", "colleague")) == {}
        ending = [one for one in aims if one not in closed]
        assert await refused_all(world, ending, ("doctor", "colleague", "revoked")) == {}

        for name in DESK:
            one = world.person(name)
            assert (await world.api.get("/v1/bookings", one)).json()["items"]
        desk = world.person("receptionist")
        at = f"/v1/bookings/{begun.values['booking_id']}"
        assert (await world.api.post(f"{at}/check-in", by=desk)).status_code == 200
        assert (await world.api.get(f"{at}/history", desk)).status_code == 200
        at = f"/v1/bookings/{booked.values['booking_id']}"
        shown = (await world.api.get(at, desk)).json()
        assert shown["allowed_actions"] == ["cancel"]
        assert (await world.api.post(f"{at}/cancel", by=desk)).status_code == 200

        assert (await world.api.post(f"{here}/restore", by=world.api.admin)).status_code == 200
        staff = await world.api.get(f"{here}/staff", world.person("clinic_admin"))
        assert staff.status_code == 200


async def test_a_doctor_who_was_removed_does_nothing(postgres: TestServer, tmp_path: Path) -> None:
    async with prepared(postgres, tmp_path) as (world, aims):
        at = f"/v1/doctors/{world.doctor['id']}"
        slot = await world.slot()
        assert (await world.api.get(f"{at}/day", world.person("doctor"))).status_code == 200
        gone = await world.api.send("DELETE", at, world.api.admin, params=KEEP)
        assert gone.status_code == 204

        assert await refused_all(world, aims, ("doctor",)) == {}
        me = (await world.api.get("/v1/me", world.person("doctor"))).json()
        assert (me["roles"], me["doctor_id"]) == ([], None)
        # Nobody reads a removed doctor's name from a slot, and no override books one.
        by = world.person("clinic_admin")
        for path in (f"/v1/slots/{slot['id']}", f"/v1/slots/{slot['id']}/explain"):
            for who in (None, by):
                assert code_of(await world.api.get(path, who)) == (404, "slot_not_found")
        body = {
            "time_slot_id": slot["id"],
            "patient_id": str(world.person("patient").patient_id),
            "service_id": world.services[world.here["id"]],
            "override": {"codes": ["slot_unavailable"], "reason": "Example"},
        }
        answer = await world.api.post("/v1/bookings", body, by)
        assert code_of(answer) == (404, "slot_not_found")

        assert (await world.api.post(f"{at}/restore", by=world.api.admin)).status_code == 200
        assert (await world.api.get(f"{at}/day", world.person("doctor"))).status_code == 200


@pytest.fixture(scope="module")
async def world(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with postgres.database() as url, a_world(url, tmp_path_factory.mktemp("ended")) as made:
        yield made


async def in_place_of(world: World, name: str) -> Person:
    """Somebody new with the same roles, who works elsewhere, too."""
    grants = await world.sql(
        "SELECT * FROM role_grants WHERE user_id = $1 AND role <> 'patient'",
        world.person(name).user_id,
    )
    return await world.api.person(
        RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=ClinicId(UUID(world.elsewhere["id"]))),
        *(
            RoleGrant(
                role=Role(row["role"]),
                clinic_id=row["clinic_id"] and ClinicId(UUID(str(row["clinic_id"]))),
                doctor_id=row["doctor_id"] and DoctorId(UUID(str(row["doctor_id"]))),
            )
            for row in grants
        ),
    )


async def lose_the_roles(world: World, one: Person) -> None:
    """All but the one elsewhere."""
    container = world.api.container
    async with container.database().transaction() as connection:
        await connection.exec_driver_sql(
            "DELETE FROM role_grants WHERE user_id = $1 AND clinic_id IS DISTINCT FROM $2",
            (one.user_id, UUID(world.elsewhere["id"])),
        )
        await container.identity.feed().tell(connection, UserId(one.user_id))


REPLAYED = [row for row in once_each() if row in ASKED or row in OTHERS]


@pytest.mark.parametrize("row", REPLAYED, ids=str)
async def test_who_lost_the_role_is_shown_nothing_by_a_replay(world: World, row: Row) -> None:
    staff = row.may - {"patient"}
    if not staff:
        return
    name, key = min(staff), named()
    one = await in_place_of(world, name)
    aim = await world.aim(row.on, name, fresh=True)
    aim = Aim(aim.values | {"slug": uuid4().hex}, {name: one})
    first = await ask(world, row, name, aim, key)
    assert first.status_code < 300, first.text
    again = await ask(world, row, name, aim, key)
    assert again.headers["idempotent-replayed"] == "true"
    await lose_the_roles(world, one)

    replay = await ask(world, row, name, aim, key)

    assert replay.status_code in {403, 404}, replay.text
