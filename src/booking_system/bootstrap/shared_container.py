"""What processes share in a Redis, where the settings name one."""

from collections import Counter

from dependency_injector import containers, providers

from booking_system import __version__
from booking_system.bootstrap import wired_settings as wired
from booking_system.bootstrap.settings import Settings
from booking_system.platform.keyring import Keyring
from booking_system.platform.redis.counts import counts_in
from booking_system.platform.redis.names import SharedNames
from booking_system.platform.redis.pages import pages_in
from booking_system.platform.redis.shared import closed, shared_redis
from booking_system.platform.redis.spending import sharing


class SharedContainer(containers.DeclarativeContainer):
    """Pages that anybody may read, counts of attempts, what callers have spent."""

    settings = providers.Dependency(instance_of=Settings)
    keys = providers.Dependency(instance_of=Keyring)

    redis = providers.Singleton(shared_redis, settings.provided.redis)
    names = providers.Singleton(SharedNames, keys)
    looks: providers.Singleton[Counter[str]] = providers.Singleton(Counter)
    pages = providers.Singleton(
        pages_in, redis, names, keys=keys, version=__version__, outcomes=looks
    )
    counts = providers.Singleton(counts_in, redis, names)
    budgets = wired.budgets(settings)
    sharing = providers.Factory(sharing, redis, names, budgets.provided.all)
    close = providers.Factory(closed, redis)
