"""The whole service in one process, with a clock, identities and chances that a seed decides."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dependency_injector import providers
from pydantic import SecretStr

from booking_lab.weave.scene import BEGIN
from booking_system.booking.domain.reference import reference_from
from booking_system.bootstrap.container import Container, build
from booking_system.bootstrap.settings import Settings
from booking_system.identity.adapters.throttle import UnlimitedThrottle
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import first_of
from booking_system.scheduling.domain.search import FoundSlot

KEY = (
    ec.derive_private_key(1, ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)
"""The same in each run. It keeps nothing secret."""


async def nothing_instead(*_: object, **__: object) -> Sequence[FoundSlot]:
    """Offer no other slots."""
    return []


class SetClock:
    """A clock that stands until somebody sets it."""

    def __init__(self) -> None:
        """It begins with the scene."""
        self.moment = BEGIN

    def now(self) -> datetime:
        """Return the moment at which it stands, UTC."""
        return self.moment


class Counted:
    """Identities and references in the order of counting, from the beginning in each run."""

    KIND = 0xA << 64

    def __init__(self) -> None:
        """Begin with 1."""
        self.last = 0

    def new(self) -> Any:
        """Return the next one."""
        self.last += 1
        return UUID(int=self.KIND | self.last)


class CountedReferences(Counted):
    """The same for booking references."""

    def new(self) -> Any:
        """Return the next one."""
        self.last += 1
        return reference_from(self.last)


class Service:
    """The program's container with these in it; `database` is where it keeps its rows.

    In the folder it keeps nothing.
    """

    def __init__(self, url: str, database: Database, folder: Path) -> None:
        """Nothing connects yet."""
        self.clock, self.identities = SetClock(), Counted()
        self.references, self.database = CountedReferences(), database
        settings = Settings(
            database_url=url,
            env="development",
            rate_limit=False,
            data_dir=folder,
            secret_key=SecretStr(KEY),
        )
        self.container: Container = build(settings)
        for provider, what in (
            (self.container.clock, self.clock),
            (self.container.identities, self.identities),
            (self.container.database, database),
            (self.container.booking.references, self.references),
            (self.container.identity.throttle, UnlimitedThrottle()),
            # It decides nothing, and costs more than all the rest.
            (self.container.booking.alternatives, nothing_instead),
        ):
            provider.override(providers.Object(what))

    def case(self, provider: Callable[[], Any]) -> Any:
        """Return a use case as the container makes it."""
        return provider()

    def begin(self) -> None:
        """Set clock and counts to the beginning."""
        self.clock.moment = BEGIN
        self.identities.last = self.references.last = 0


class CountedInTime:
    """Identities that say when they were made as well; they are counted as all others are."""

    def __init__(self, service: Service) -> None:
        """Its clock says when."""
        self._service = service

    def new(self) -> Any:
        """Return the next one."""
        count = self._service.identities.new().int & 0xFFFF
        return UUID(int=first_of(self._service.clock.moment).int | count)
