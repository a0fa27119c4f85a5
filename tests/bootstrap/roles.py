"""A database with the two roles of docs/database/roles.sql, made by that very script."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from booking_system.bootstrap.postgres_binaries import binaries_for
from tests.bootstrap.processes import SOURCE
from tests.postgres import TestServer

SCRIPT = SOURCE.parent / "docs" / "database" / "roles.sql"
PASSWORDS = {"OWNER_PASSWORD": f"o-{uuid4().hex}", "API_PASSWORD": f"a-{uuid4().hex}"}
OURS = ("booking_owner", "booking_api")
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Deployed:
    """The same database as each role."""

    superuser: str
    owner: str
    api: str


@asynccontextmanager
async def deployed_by(admin: str, postgres: TestServer) -> AsyncIterator[Deployed]:
    """An empty database after the script, which `admin` has run; the roles are gone afterwards."""
    extra = {admin} - {SUPERUSER}
    async with postgres.database(template="template0") as url:
        name = await said(url, "SELECT current_database()")
        for role in extra:
            await said(url, f"CREATE ROLE {role} LOGIN CREATEROLE CREATEDB")
            await said(url, f"ALTER DATABASE {name} OWNER TO {role}")
        try:
            done = await asyncio.to_thread(run_script, as_role(url, admin), **PASSWORDS)
            assert (done.returncode, done.stderr) == (0, "")
            yield Deployed(url, as_role(url, "booking_owner"), as_role(url, "booking_api"))
        finally:
            await said(url, f"ALTER DATABASE {name} OWNER TO {SUPERUSER}")
            for role in (*OURS, *extra):
                await said(url, f"DROP OWNED BY {role} CASCADE")
                await said(url, f"DROP ROLE {role}")


def run_script(url: str, **given: str) -> "subprocess.CompletedProcess[str]":
    """Run the script with these variables in the environment."""
    psql = binaries_for(None, None) / "psql"
    return subprocess.run(
        [psql, "-XqAt", "--no-password", "-f", SCRIPT, url],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **given},
        capture_output=True,
        text=True,
        check=False,
    )


def as_role(url: str, role: str) -> str:
    """The address of the same database for another role."""
    assert url.startswith(f"postgresql://{SUPERUSER}@")
    return url.replace(f"//{SUPERUSER}@", f"//{role}@")


async def said(url: str, statement: str) -> object:
    """The one value that the statement gives."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
