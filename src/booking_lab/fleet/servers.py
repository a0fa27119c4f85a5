"""PostgreSQL of the fleet: a primary with the two roles, and a standby that follows it."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

from booking_lab.fleet.part import Part
from booking_lab.fleet.programs import FleetProblem, of_checkout
from booking_system.bootstrap.embedded_postgres import SETTINGS
from booking_system.bootstrap.postgres_binaries import ServerUser, binaries_for
from booking_system.bootstrap.postgres_cluster import DATABASE, PORT, Cluster

WHO_MAY_CONNECT = """# The folder of the sockets is for the server's own user.
local all postgres trust
local replication postgres trust
local all all scram-sha-256
"""
STANDBY = "standby"
COPY_SECONDS = 120
USUAL = {"shared_buffers": "128MB", "max_connections": "100"}


@dataclass(frozen=True, slots=True)
class Passwords:
    """Of the owner of the tables, and of the API."""

    owner: str
    api: str

    @classmethod
    def new(cls) -> "Passwords":
        """Choose some."""
        return cls(token_hex(24), token_hex(24))


class Servers:
    """Both, in `folder`, which the server's user may enter."""

    def __init__(self, folder: Path, *, is_synchronous: bool) -> None:
        """Nothing is there yet. Raises `LocalStackError`."""
        self.user = ServerUser.for_data_in(folder / "primary")
        self.passwords = Passwords.new()
        self._bin = binaries_for(self.user, None)
        access = folder / "pg_hba.conf"
        access.write_text(WHO_MAY_CONNECT, encoding="utf-8")
        access.chmod(0o644)
        usual = SETTINGS | USUAL | {"hba_file": str(access)}
        waits = {"synchronous_standby_names": STANDBY} if is_synchronous else {}
        self._primary = self._cluster(folder / "primary", usual)
        self._waiting = self._cluster(folder / "primary", usual | waits)
        self._standby = self._cluster(folder / STANDBY, usual | {"cluster_name": STANDBY})
        self.primary = _part("primary", self._waiting)
        self.standby = _part(STANDBY, self._standby)

    def make(self) -> None:
        """Make the data of both, and start them. Raises `FleetProblem`, `LocalStackError`."""
        self._primary.initialise()
        # Nobody waits for a standby that is not there yet.
        first = _part("primary", self._primary)
        first.start()
        try:
            self._primary.ensure_database()
            self._make_roles()
            self._copy()
        finally:
            first.stop()
        self.primary.start()
        self.standby.start()

    def url(self, role: str, *, of: str = "primary") -> str:
        """Return the address of the database for a role, past the pooler."""
        cluster = self._standby if of == STANDBY else self._primary
        password = {"booking_owner": self.passwords.owner, "booking_api": self.passwords.api}[role]
        host = quote(str(cluster.sockets))
        return f"postgresql://{role}:{password}@/{DATABASE}?host={host}&port={PORT}"

    @property
    def superuser(self) -> str:
        """The address of the database for the administrator of the primary."""
        return self._primary.url_for(DATABASE)

    @property
    def sockets(self) -> Path:
        """The folder of the primary's socket."""
        return self._primary.sockets

    def _cluster(self, root: Path, settings: Mapping[str, str]) -> Cluster:
        return Cluster(root, binaries=self._bin, user=self.user, settings=settings)

    def _make_roles(self) -> None:
        psql: list[str | Path] = [
            self._bin / "psql",
            "-XqAt",
            f"--file={of_checkout('docs/database/roles.sql')}",
        ]
        passwords = {"OWNER_PASSWORD": self.passwords.owner, "API_PASSWORD": self.passwords.api}
        done = subprocess.run(  # noqa: S603  (our own program, no shell)
            [*psql, self.superuser],
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **passwords},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FleetProblem(f"The roles could not be made: {done.stderr.strip()}")

    def _copy(self) -> None:
        user = self.user
        done = subprocess.run(  # noqa: S603  (as above)
            [
                self._bin / "pg_basebackup",
                f"--host={self._primary.sockets}",
                f"--port={PORT}",
                "--username=postgres",
                f"--pgdata={self._standby.files}",
                "--checkpoint=fast",
                "--no-sync",
                "--write-recovery-conf",
            ],
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": "/"},
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
            timeout=COPY_SECONDS,
            check=False,
        )
        if done.returncode:
            raise FleetProblem(f"The standby could not be made: {done.stderr.strip()}")


def _part(name: str, cluster: Cluster) -> Part:
    return Part(
        name=name,
        address=str(cluster.sockets),
        launch=cluster.serve,
        answers=cluster.answers,
        log=cluster.log,
        stops_by=signal.SIGINT,
    )
