"""The accounts keep addresses apart, count versions and tell every change of access."""

import asyncio

import pytest

from booking_system.identity.domain.account import ProfileChange
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.refusals import EmailTaken
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import UserId
from tests.identity.builders import EMAIL, NOON, an_actor
from tests.identity.world import World


async def test_an_account_is_found_by_its_address_however_it_is_written(world: World) -> None:
    user_id = await world.account("Patient@Example.com")

    async with world.transaction() as work:
        found = await work.accounts.by_email("  patient@EXAMPLE.com ")
        nobody = await work.accounts.by_email("other@example.com")

    assert found is not None
    assert (found.id, found.email, found.version) == (user_id, "Patient@Example.com", 1)
    assert found.email_verified is False
    assert nobody is None


async def test_an_address_belongs_to_one_account(world: World) -> None:
    await world.account("patient@example.com")

    with pytest.raises(EmailTaken):
        await world.account("PATIENT@example.com")


async def test_unknown_users_are_none(world: World) -> None:
    async with world.transaction() as work:
        assert await work.accounts.read(UserId(uuid7())) is None
        assert await work.accounts.lock(UserId(uuid7())) is None


async def test_whoever_locks_an_account_keeps_rivals_waiting(real_world: World) -> None:
    user_id = await real_world.account()
    async with real_world.transaction() as work:
        await work.accounts.lock(user_id)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), real_world.transaction() as rival:
                await rival.accounts.lock(user_id)


async def test_a_change_keeps_what_is_not_named(world: World) -> None:
    user_id = await world.account()

    async with world.transaction() as work:
        await work.accounts.change(user_id, ProfileChange(locale="de-DE"), NOON)
        change = ProfileChange(full_name="Other Name", time_zone="Europe/Berlin")
        changed = await work.accounts.change(user_id, change, NOON)
        stored = await work.accounts.read(user_id)

    assert changed == stored
    assert (changed.full_name, changed.locale) == ("Other Name", "de-DE")
    assert (changed.time_zone, changed.version) == ("Europe/Berlin", 3)


async def test_a_role_is_given_once_and_shows_in_the_version(world: World) -> None:
    user_id, (clinic_id, doctor_id) = await world.account(), await world.clinic()
    admin = RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=clinic_id)
    doctor = RoleGrant(role=Role.DOCTOR, clinic_id=clinic_id, doctor_id=doctor_id)

    async with world.transaction() as work:
        first = await work.accounts.grant(user_id, admin, NOON)
        again = await work.accounts.grant(user_id, admin, NOON)
        await work.accounts.grant(user_id, doctor, NOON)
        account = await work.accounts.read(user_id)
        assert await work.accounts.grants_of(user_id) == [admin, doctor]

    assert (first, again) == (True, False)
    assert account is not None
    assert account.version == 3


async def test_the_staff_of_a_clinic_has_an_entry_for_each_role(world: World) -> None:
    user_id, (clinic_id, doctor_id) = await world.account(), await world.clinic()
    elsewhere, _ = await world.clinic()
    async with world.transaction() as work:
        for grant in (
            RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=clinic_id),
            RoleGrant(role=Role.DOCTOR, clinic_id=clinic_id, doctor_id=doctor_id),
            RoleGrant(role=Role.RECEPTIONIST, clinic_id=elsewhere),
        ):
            await work.accounts.grant(user_id, grant, NOON)

    async with world.transaction() as work:
        staff = await work.accounts.staff_of(clinic_id)

    assert [(one.role, one.doctor_id) for one in staff] == [
        (Role.CLINIC_ADMIN, None),
        (Role.DOCTOR, doctor_id),
    ]
    assert {(one.user_id, one.email, one.full_name) for one in staff} == {
        (user_id, EMAIL, "Example Patient")
    }


async def test_leaving_a_clinic_takes_its_roles_and_no_others(world: World) -> None:
    user_id, (clinic_id, doctor_id) = await world.account(), await world.clinic()
    elsewhere, _ = await world.clinic()
    kept = RoleGrant(role=Role.RECEPTIONIST, clinic_id=elsewhere)
    async with world.transaction() as work:
        for grant in (
            RoleGrant(role=Role.CLINIC_ADMIN, clinic_id=clinic_id),
            RoleGrant(role=Role.DOCTOR, clinic_id=clinic_id, doctor_id=doctor_id),
            kept,
        ):
            await work.accounts.grant(user_id, grant, NOON)

    async with world.transaction() as work:
        assert await work.accounts.revoke(user_id, clinic_id, NOON)
        assert not await work.accounts.revoke(user_id, clinic_id, NOON)
        assert await work.accounts.grants_of(user_id) == [kept]


async def test_a_change_of_access_is_forgotten_here_at_once(world: World) -> None:
    user_id, (clinic_id, _) = await world.account(), await world.clinic()
    world.known.trust(world.known._monotonic())
    role = RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic_id)

    async def is_forgotten_after(token: str) -> bool:
        world.known._doubted.clear()
        world.known.remember(token, an_actor(user_id=user_id), NOON)
        assert world.known.find(token) is not None
        async with world.transaction() as work:
            if token == "granted":
                await work.accounts.grant(user_id, role, NOON)
            elif token == "revoked":
                await work.accounts.revoke(user_id, clinic_id, NOON)
            else:
                await work.accounts.set_password(user_id, "hash", NOON)
        return world.known.find(token) is None

    assert await is_forgotten_after("granted")
    assert await is_forgotten_after("revoked")
    assert await is_forgotten_after("password")
