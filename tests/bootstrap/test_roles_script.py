"""The script of compose.yaml, run wrongly on a server that has none of its roles."""

import asyncio

from tests.bootstrap.roles import run_script, said
from tests.postgres import TestServer


async def test_without_passwords_the_script_makes_nothing(postgres: TestServer) -> None:
    async with postgres.database(template="template0") as url:
        done = await asyncio.to_thread(run_script, url)
        assert done.returncode == 3
        assert await said(url, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^booking_'") == 0
