"""What lets requests in and watches how they, and the queues behind them, do."""

from collections import Counter
from functools import partial

from dependency_injector import containers, providers

from booking_system import __version__
from booking_system.bootstrap import migrations
from booking_system.bootstrap.health import LIVE, READY, HealthRoutes
from booking_system.bootstrap.settings import Settings
from booking_system.identity.domain.policies import public
from booking_system.notifications.adapters.dead_messages import LOOK as MESSAGES_LOOK
from booking_system.payments.adapters.queue_look import LOOK as PAYMENTS_LOOK
from booking_system.platform.http.draining import Draining
from booking_system.platform.http.entrance import Entrance
from booking_system.platform.http.lives import Lives
from booking_system.platform.http.problems import status_of
from booking_system.platform.observability.metrics import Metrics
from booking_system.platform.observability.metrics_routes import PATH, MetricsRoutes
from booking_system.platform.observability.outbox_metrics import OutboxWatch
from booking_system.platform.observability.place_metrics import PlaceWatch
from booking_system.platform.observability.queue_metrics import QueueWatch
from booking_system.platform.observability.tracing import Tracing
from booking_system.platform.postgres.consumers import LOOK as CONSUMERS_LOOK
from booking_system.platform.postgres.faults import Overloaded
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.redis.shared import SharedRedis

ALWAYS_ANSWERED = frozenset({LIVE, READY, PATH})
"""What machines ask for, every few seconds: answered however much there is to do."""


class WatchingContainer(containers.DeclarativeContainer):
    """Admission, health, metrics, traces."""

    settings = providers.Dependency(instance_of=Settings)
    database = providers.Dependency(instance_of=Database)
    leases = providers.Dependency(instance_of=Leases)
    reads = providers.Dependency(instance_of=Counter)
    looks = providers.Dependency(instance_of=Counter)
    redis: providers.Dependency[SharedRedis | None] = providers.Dependency()

    revision = providers.Singleton(migrations.newest)
    metrics = providers.Singleton(Metrics, leases=leases, version=__version__, revision=revision)
    draining = providers.Singleton(Draining)
    health = providers.Singleton(
        HealthRoutes, database=database, revision=revision, draining=draining
    )
    outbox_watch = providers.Singleton(
        OutboxWatch, database=database, tell=metrics.provided.outbox.tell
    )
    queue_watch = providers.Singleton(
        QueueWatch,
        database=database,
        looks=providers.List(
            providers.Object(CONSUMERS_LOOK),
            providers.Object(MESSAGES_LOOK),
            providers.Object(PAYMENTS_LOOK),
        ),
        metrics=metrics.provided.queues,
    )
    place_watch = providers.Singleton(
        PlaceWatch, metrics=metrics.provided.places, reads=reads, pages=looks, redis=redis
    )
    entrance = providers.Singleton(
        Entrance,
        most_inside=settings.provided.places,
        always=ALWAYS_ANSWERED,
        tell=providers.Callable(
            partial,
            metrics.provided.requests.turned_away,
            code=Overloaded.code,
            status=status_of(Overloaded),
        ),
    )
    lives = providers.Singleton(
        Lives, requests=metrics.provided.requests, metrics=metrics.provided.lives
    )
    metrics_routes = providers.Singleton(
        MetricsRoutes, metrics=metrics, policy=providers.Object(public)
    )
    tracing = providers.Singleton(
        Tracing, endpoint=settings.provided.otlp_endpoint, version=__version__
    )
