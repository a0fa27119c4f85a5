"""Health: whether the process lives, and whether it can do its work."""

from dataclasses import dataclass

from fastapi import Response
from pydantic import BaseModel, Field

from booking_system import __version__
from booking_system.bootstrap.process import time_zone_version
from booking_system.bootstrap.schema_fit import OF_THE_DATABASE, Schema
from booking_system.identity.domain.policies import public
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.draining import Draining, InstanceEnds
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.faults import FULL, DependencyUnavailable
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.errors import Transient

LIVE = "/health/live"
READY = "/health/ready"


class LiveOut(BaseModel):
    """The process answers."""

    status: str = Field(examples=["live"], description="`live`")


class ReadyOut(BaseModel):
    """The process can do its work."""

    status: str = Field(examples=["ready"], description="`ready`")
    version: str = Field(description="Version of this program", examples=[__version__])
    schema_revision: str = Field(
        description="Revision of the database's schema that was found", examples=["0007"]
    )
    time_zone_data: str = Field(description="Version of the IANA data", examples=["2026f"])


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRoutes:
    """For load balancers and operators. `revision` is the one that this program works with."""

    database: Database
    revision: str
    draining: Draining

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Health")
        routes.add(
            "GET",
            LIVE,
            self.check_live,
            policy=public,
            asks_who=False,
            needs_database=False,
            always_answered=True,
            is_counted=False,
            answers=LiveOut,
        )
        routes.add(
            "GET",
            READY,
            self.check_ready,
            policy=public,
            asks_who=False,
            is_counted=False,
            refuses=[InstanceEnds],
            answers=ReadyOut,
        )
        return routes

    async def check_live(self) -> Response:
        """Check whether the process lives: asks nobody else."""
        return json_answer({"status": "live"})

    async def check_ready(self) -> Response:
        """Check whether the process can serve: the database answers, with the right schema.

        Nor is a process ready that is about to end: it answers what comes all the same.
        """
        if self.draining.is_on:
            raise InstanceEnds(retry_after=1)
        try:
            async with self.database.reading() as connection:
                row = await connection.fetchrow(OF_THE_DATABASE)
        except Transient as error:
            raise DependencyUnavailable(retry_after=1) from error
        schema = Schema(*row or (None,))
        if problem := schema.problem(self.revision):
            raise DependencyUnavailable(problem, retry_after=5)
        if self.database.leases.is_disk_full:
            raise DependencyUnavailable(FULL, retry_after=5)
        return json_answer(
            {
                "status": "ready",
                "version": __version__,
                "schema_revision": schema.revision,
                "time_zone_data": time_zone_version(),
            }
        )
