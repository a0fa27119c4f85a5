"""The script of compose.yaml, run wrongly or oddly on a server that has none of its roles."""

import asyncio
import re

import asyncpg
import pytest

from booking_system.bootstrap import migrations
from booking_system.platform.postgres.transaction import DEADLINES, PLANNING
from tests.architecture.test_migrations import TOO_LONG
from tests.bootstrap.roles import SCRIPT, deployed_by, run_script, said
from tests.postgres import TestServer


async def test_without_passwords_the_script_makes_nothing(postgres: TestServer) -> None:
    async with postgres.database(template="template0") as url:
        done = await asyncio.to_thread(run_script, url)
        assert done.returncode == 3
        assert await said(url, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^booking_'") == 0


async def test_where_functions_are_nobodys_by_default_the_api_may_run_the_checks(
    postgres: TestServer,
) -> None:
    async with deployed_by("postgres", postgres) as deployed:
        nobodys = "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
        await said(deployed.owner, nobodys)
        await migrations.upgrade(deployed.owner)
        checks = "FROM pg_proc WHERE proname ~ '^ck_' AND has_function_privilege(oid, 'EXECUTE')"
        assert await said(deployed.api, f"SELECT count(*) {checks}") == 3
        # All are asked before a missing doctor is noticed.
        with pytest.raises(asyncpg.CheckViolationError, match="ck_time_slots_length"):
            await said(deployed.api, TOO_LONG)


def test_the_role_of_the_api_has_the_settings_that_no_pooler_takes_from_a_client() -> None:
    told = re.findall(
        r"^ALTER ROLE booking_api SET (\w+) = '(.*)';$", SCRIPT.read_text(), re.MULTILINE
    )
    assert told == [*(DEADLINES | PLANNING).items()]
