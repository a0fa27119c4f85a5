"""The composition root: the only place that knows every context."""

from dependency_injector import containers, providers

from booking_system.bootstrap.settings import Settings
from booking_system.platform.clock import SystemClock
from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.platform.uuid7 import RandomIdentities


class Container(containers.DeclarativeContainer):
    """Everything that the program is made of."""

    settings = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    identities = providers.Singleton(RandomIdentities)
    engine = providers.Singleton(
        engine_for,
        providers.Callable(sqlalchemy_url, settings.provided.database_url),
        pool_size=settings.provided.database_pool_size,
    )
    database = providers.Singleton(Database, engine)


def build(settings: Settings) -> Container:
    """Put the program together. Nothing connects to anything yet."""
    return Container(settings=settings)


async def close(container: Container) -> None:
    """Give all connections back."""
    await container.engine().dispose()
