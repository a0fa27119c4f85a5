"""PostgreSQL's own programs, which write and read dumps beside ours."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.postgres_binaries import LocalStackError, binaries_for
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.url import OF_SEVERAL

SILENT_SECONDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database as libpq reads its address; the password is no argument that others could see."""

    url: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, url: str) -> "Target":
        """Take an address as the settings have it."""
        parts = urlsplit(url)
        login, at, hosts = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        query = dict(parse_qsl(parts.query))
        if "ssl" in query:
            query["sslmode"] = query.pop("ssl")
        if "," in hosts or "," in query.get("host", ""):
            # As we do: the server that writes, and not to wait for a silent host.
            query = {OF_SEVERAL: "read-write", "connect_timeout": str(SILENT_SECONDS), **query}
        secret = query.pop("password", "") or unquote(password)
        public = parts._replace(
            scheme="postgresql", netloc=f"{user}{at}{hosts}", query=urlencode(query)
        )
        return cls(url=public.geturl(), environment={"PGPASSWORD": secret} if secret else {})


def other_database(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{quote(name)}").geturl()


async def run(settings: Settings, name: str, *arguments: str, target: Target) -> None:
    """Run one to its end; `arguments` come before the address.

    Raises `DatabaseProblemError` with the first sentence of what it complains of, which is about
    programs and tables and never about rows.
    """
    environment = {**os.environ, **target.environment, "LC_MESSAGES": "C"}
    program = await asyncio.create_subprocess_exec(
        str(_found(settings, name)),
        *arguments,
        f"--dbname={target.url}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        _, said = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    if program.returncode:
        raise DatabaseProblemError(f"{name} failed: {_complaint(said)}.")


def _complaint(said: bytes) -> str:
    lines = said.decode(errors="replace").splitlines()
    told = next((line for line in lines if "error: " in line), "it does not say why")
    return told.partition("error: ")[2].rstrip(".") or told


def _found(settings: Settings, name: str) -> Path:
    """The program of the folder in the settings, of the server that came with us, or of PATH."""
    if settings.postgres_bin is not None:
        folders = [settings.postgres_bin]
    else:
        try:
            folders = [binaries_for(None, None)]
        except LocalStackError:
            folders = []
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    if (found := shutil.which(name)) is None:
        raise DatabaseProblemError(
            f"{name} was not found: install PostgreSQL's client programs, as new as the server or "
            "newer, or name their folder in BOOKING_POSTGRES_BIN"
        )
    return Path(found)
