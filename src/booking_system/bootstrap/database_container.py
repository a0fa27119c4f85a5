"""The databases: the primary, and what searches may read beside it."""

from collections import Counter

from dependency_injector import containers, providers

from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.searches import searches_at
from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url


class DatabaseContainer(containers.DeclarativeContainer):
    """Connections to both."""

    settings = providers.Dependency(instance_of=Settings)

    url = providers.Callable(sqlalchemy_url, settings.provided.database_url)
    direct_url = providers.Callable(sqlalchemy_url, settings.provided.direct_url)
    engine = providers.Singleton(
        engine_for,
        url,
        pool_size=settings.provided.database_pool_size,
        is_pooled=settings.provided.is_pooled,
    )
    leases = providers.Singleton(Leases, engine, size=settings.provided.database_pool_size)
    database = providers.Singleton(Database, leases)
    reads: providers.Singleton[Counter[str]] = providers.Singleton(Counter)
    searches = providers.Singleton(
        searches_at,
        database,
        settings.provided.replica,
        pool_size=settings.provided.database_pool_size,
        outcomes=reads,
    )
