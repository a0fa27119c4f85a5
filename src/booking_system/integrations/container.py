"""What integrations need from outside, and what they offer."""

from dependency_injector import containers, providers

from booking_system.integrations.adapters.dead_events_http import DeadEventRoutes
from booking_system.integrations.adapters.feed import PostgresFeed
from booking_system.integrations.adapters.feed_http import FeedRoutes
from booking_system.integrations.adapters.stream_http import StreamRoutes
from booking_system.integrations.adapters.tail import Tail
from booking_system.integrations.application.read_feed import ReadFeed
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database


class IntegrationsContainer(containers.DeclarativeContainer):
    """The feed of events, read page by page or followed."""

    database = providers.Dependency(instance_of=Database)

    feed = providers.Singleton(PostgresFeed, database)
    read_feed = providers.Factory(retried(ReadFeed), feed=feed)
    feed_routes = providers.Singleton(FeedRoutes, read=read_feed)
    tail = providers.Singleton(Tail, feed)
    stream_routes = providers.Singleton(StreamRoutes, tail=tail)
    dead_event_routes = providers.Singleton(DeadEventRoutes, database=database)
