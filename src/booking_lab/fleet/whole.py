"""The fleet: all of its parts, started in order, with a handle for each."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self

from booking_lab.bench.processes import free_port
from booking_lab.fleet import between, programs
from booking_lab.fleet.instances import Starts, Surroundings, as_program
from booking_lab.fleet.part import Part
from booking_lab.fleet.servers import STANDBY, Servers
from booking_system.bootstrap import migrations

INSTANCES, WORKERS = 3, 2
ADMIN = "operator@example.com"
POOL_SIZE = 16
"""Connections of each process: 80 clients of the pooler at most, which has 40 sessions."""
DRAIN_SECONDS = 3
"""The balancer notices in less than a second."""
Say = Callable[[str], None]


def silent(_: str) -> None:
    """Hear it and do nothing."""


@dataclass(kw_only=True)
class Fleet:
    """A block in which all of it runs; everything is gone afterwards, with its data.

    `settings` are of all instances and workers. Raises `FleetProblem`, `LocalStackError`.
    """

    port: int = 0
    is_synchronous: bool = False
    settings: dict[str, object] = field(default_factory=dict)
    say: Say = silent
    starts: Starts = as_program

    def __post_init__(self) -> None:
        """Look for all programs first."""
        self.password = token_hex(12)
        for sought in (programs.balancer, programs.pooler, programs.redis):
            sought()
        if self.port and between.listens(self.port):
            raise programs.FleetProblem(f"Port {self.port} is taken: --port names another.")

    def __enter__(self) -> Self:
        """Start all parts."""
        self._opened = ExitStack()
        try:
            self._start()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all parts, the last first."""
        self._opened.close()

    @property
    def url(self) -> str:
        """Where the balancer is."""
        return self.balancer.address

    @property
    def parts(self) -> list[Part]:
        """All of them, in the order in which they start."""
        between_them = [self.redis, self.pooler]
        servers = [self.servers.primary, self.servers.standby]
        return [*servers, *between_them, *self.instances, *self.workers, self.balancer]

    def lines(self) -> Iterator[str]:
        """Return a line for each part, and what one needs to use it."""
        yield from (part.line() for part in self.parts)
        yield f"\nAPI      {self.url}"
        yield f"Docs     {self.url}/docs"
        yield f"Sign in  {ADMIN}, {self.password}"
        yield f"Logs     {self.folder}"

    def fill(self) -> None:
        """Load the demo data."""
        self.surroundings.once("seed-demo")

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="booking-fleet-"))
        self._opened.callback(shutil.rmtree, folder, ignore_errors=True)
        # The servers' user has to come in; each place inside is its owner's alone.
        folder.chmod(0o711)
        self.folder = folder
        port = self.port or free_port()
        ports, at_pooler = [free_port() for _ in range(INSTANCES)], free_port()
        self.servers = Servers(folder, is_synchronous=self.is_synchronous)
        self.pooler = between.pooler(folder, at_pooler, self.servers)
        self.redis = between.redis(folder)
        self.balancer = between.balancer(folder, port, ports)
        self.surroundings = Surroundings(
            folder=folder,
            settings=self._common(port, at_pooler) | self.settings,
            starts=self.starts,
        )
        self.instances = [
            self.surroundings.instance(number, one) for number, one in enumerate(ports, 1)
        ]
        self.workers = [self.surroundings.worker(number) for number in range(1, WORKERS + 1)]
        self._opened.callback(self._stop)
        self.say("Starting PostgreSQL, and a standby ...")
        self.servers.make()
        for part in (self.redis, self.pooler):
            part.start()
        self.say("Making the tables ...")
        owner = self.servers.url("booking_owner")
        asyncio.run(migrations.upgrade(owner))
        self.surroundings.once("create-admin", admin_email=ADMIN, admin_password=self.password)
        self.say("Starting instances, workers and the balancer ...")
        # One after the other: an instance gives itself a minute, and all at once take longer.
        for part in (*self.instances, *self.workers, self.balancer):
            part.start()

    def _common(self, port: int, at_pooler: int) -> dict[str, object]:
        login = f"booking_api:{self.servers.passwords.api}"
        return {
            "data_dir": self.folder / "data",
            "database_url": f"postgresql://{login}@{between.HOST}:{at_pooler}/booking",
            "database_direct_url": self.servers.url("booking_api"),
            "database_replica_url": self.servers.url("booking_api", of=STANDBY),
            "database_pool_size": POOL_SIZE,
            "redis_url": self.redis.address,
            "public_url": f"http://{between.HOST}:{port}",
            "forwarded_allow_ips": between.HOST,
            "drain_seconds": DRAIN_SECONDS,
            "demo": "false",
            "log_format": "json",
        }

    def _stop(self) -> None:
        """Instances at the same time: each takes its time to drain."""
        first = [part for part in (*self.instances, *self.workers) if part.ask_to_end()]
        for part in first:
            part.ended()
        for part in (self.balancer, self.pooler, self.redis):
            part.stop()
        for part in (self.servers.standby, self.servers.primary):
            part.stop()
