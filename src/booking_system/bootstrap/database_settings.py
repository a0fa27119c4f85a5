"""What an operator can set about the database, and a replica of it."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings
from sqlalchemy import URL

from booking_system.platform.postgres.url import sqlalchemy_url


class DatabaseSettings(BaseSettings):
    """Where the data is."""

    database_url: str | None = Field(None, repr=False, description="None: the embedded server")
    database_direct_url: str | None = Field(
        None, repr=False, description="the way around a transaction pooler; None: the database URL"
    )
    migration_url: str | None = Field(None, repr=False, description="None: the direct URL")
    database_replica_url: str | None = Field(
        None, repr=False, description="what searches may read, too; None: the database alone"
    )
    postgres_bin: Path | None = None
    database_pool_size: int = Field(16, ge=1, le=200)

    @property
    def url_for_migrations(self) -> str | None:
        """The address for the role that owns the tables."""
        return self.migration_url or self.direct_url

    @property
    def direct_url(self) -> str | None:
        """The address for what needs a session of its own, such as `LISTEN`."""
        return self.database_direct_url or self.database_url

    @property
    def is_pooled(self) -> bool:
        """Say whether the database's address is that of a pooler in transaction mode."""
        return self.direct_url != self.database_url

    @property
    def replica(self) -> URL | None:
        """The address of the replica."""
        url = self.database_replica_url
        return None if url is None else sqlalchemy_url(url, of_several="standby")

    @field_validator("database_url", "database_direct_url", "migration_url", "database_replica_url")
    @classmethod
    def _database_address(cls, value: str | None) -> str | None:
        try:
            readable = value is None or _is_whole(sqlalchemy_url(value))
        except ValueError:
            readable = False
        if not readable:
            raise ValueError(
                "{name} must be an address like postgresql://user:password@host:5432/name."
            )
        return value

    def _database_contradictions(self) -> Iterator[str]:
        if self.database_url is None:
            for name in ("database_direct_url", "migration_url", "database_replica_url"):
                if getattr(self, name) is not None:
                    yield f"BOOKING_{name.upper()} needs BOOKING_DATABASE_URL beside it."


def _is_whole(url: URL) -> bool:
    """An unescaped slash in a password would else make it a host's port, seen in error texts."""
    hosts = url.query.get("host", ())
    several = () if isinstance(hosts, str) else hosts
    ports = [str(url.query.get("port", "5432")), *(host.rpartition(":")[2] for host in several)]
    return bool(url.database) and all(port.isdecimal() for port in ports)
