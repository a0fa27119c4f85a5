"""What integrations need from outside, and what they offer."""

from dependency_injector import containers, providers

from booking_system.integrations.adapters.calendar_feeds import PostgresCalendarFeeds
from booking_system.integrations.adapters.calendar_feeds_http import CalendarFeedRoutes
from booking_system.integrations.adapters.calendar_reading import PostgresCalendarReader
from booking_system.integrations.adapters.calendar_writing import digest_of
from booking_system.integrations.adapters.dead_events_http import DeadEventRoutes
from booking_system.integrations.adapters.feed import PostgresFeed
from booking_system.integrations.adapters.feed_http import FeedRoutes
from booking_system.integrations.adapters.live_http import LiveSlotRoutes, Unknown
from booking_system.integrations.adapters.live_looks import Find, SlotLooks
from booking_system.integrations.adapters.live_slots import LiveSlots
from booking_system.integrations.adapters.stream_http import StreamRoutes
from booking_system.integrations.adapters.tail import Tail
from booking_system.integrations.application.calendar_ports import (
    CalendarTokens,
    GrantsOf,
    ReadThrottle,
)
from booking_system.integrations.application.keep_calendar_feeds import (
    ListCalendarFeeds,
    MakeCalendarFeed,
    RevokeCalendarFeed,
    ShowCalendarFeed,
    ShowMadeFeed,
)
from booking_system.integrations.application.read_calendar_feed import ReadCalendarFeed
from booking_system.integrations.application.read_feed import ReadFeed
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class IntegrationsContainer(containers.DeclarativeContainer):
    """The feed of events, read page by page or followed."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    grants_of: providers.Dependency[GrantsOf] = providers.Dependency()
    throttle: providers.Dependency[ReadThrottle] = providers.Dependency()
    one_time_tokens: providers.Dependency[CalendarTokens] = providers.Dependency()
    public_url = providers.Dependency(instance_of=str)
    find_slots: providers.Dependency[Find] = providers.Dependency()
    unknown_ids: providers.Dependency[Unknown] = providers.Dependency()

    feed = providers.Singleton(PostgresFeed, database)
    read_feed = providers.Factory(retried(ReadFeed), feed=feed)
    feed_routes = providers.Singleton(FeedRoutes, read=read_feed)
    tail = providers.Singleton(Tail, feed)
    stream_routes = providers.Singleton(StreamRoutes, tail=tail)
    looks = providers.Singleton(SlotLooks, database=database, find=find_slots, clock=clock)
    live_slots = providers.Singleton(LiveSlots, feed=feed, tail=tail, looks=looks, clock=clock)
    live_slot_routes = providers.Singleton(
        LiveSlotRoutes, live=live_slots, looks=looks, unknown=unknown_ids, clock=clock
    )
    calendar_feeds = providers.Singleton(PostgresCalendarFeeds, database)
    calendars = providers.Singleton(PostgresCalendarReader, database)
    show_feed = providers.Factory(retried(ShowCalendarFeed), store=calendar_feeds)
    calendar_feed_routes = providers.Singleton(
        CalendarFeedRoutes,
        make=providers.Factory(
            retried(MakeCalendarFeed),
            store=calendar_feeds,
            reader=calendars,
            tokens=one_time_tokens,
            clock=clock,
            identities=identities,
        ),
        show=show_feed,
        # What gives an answer again tries again itself.
        show_made=providers.Factory(ShowMadeFeed, show=show_feed, reader=calendars),
        list=providers.Factory(retried(ListCalendarFeeds), store=calendar_feeds),
        revoke=providers.Factory(retried(RevokeCalendarFeed), store=calendar_feeds, clock=clock),
        read=providers.Factory(
            retried(ReadCalendarFeed),
            store=calendar_feeds,
            reader=calendars,
            tokens=one_time_tokens,
            grants_of=grants_of,
            digest_of=providers.Object(digest_of),
            throttle=throttle,
            clock=clock,
        ),
        public_url=public_url,
    )
    dead_event_routes = providers.Singleton(DeadEventRoutes, database=database)
