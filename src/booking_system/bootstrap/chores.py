"""All that is tidied up: what has no effect any more, each context's own."""

from collections.abc import Sequence

from booking_system.booking.adapters.told_overlaps import OLD_TOLD_OVERLAPS
from booking_system.consultations.adapters.tickets import OLD_INSTANCES, OLD_TICKETS
from booking_system.directory.adapters.invitations import OLD_INVITATIONS
from booking_system.identity.adapters.chores import OLD_CHANGES, OLD_LINKS, OLD_TOKENS, old_sessions
from booking_system.identity.domain.session import Lifetimes
from booking_system.integrations.adapters.calendar_feeds import OLD_FEEDS
from booking_system.notifications.adapters.chores import OLD_BLOCKS, OLD_MESSAGES, OLD_REPORTS
from booking_system.notifications.adapters.kept.messages import OLD_KEPT_MESSAGES
from booking_system.notifications.adapters.talks import OLD_TALKS
from booking_system.payments.adapters.chores import KEYS_OF_REMOVED_ACCOUNTS, OLD_PAYMENT_EVENTS
from booking_system.payments.adapters.sandbox.books import OLD_CHECKOUTS
from booking_system.platform.postgres.consumers import OLD_EVENTS
from booking_system.platform.postgres.idempotency import OLD_KEYS
from booking_system.platform.postgres.tidying import Chore
from booking_system.scheduling.records.ended_holds import OLD_HOLDS
from booking_system.webhooks.adapters.chores import OLD_DELIVERIES


def chores_of(lifetimes: Lifetimes) -> Sequence[Chore]:
    """Return them in their order: tokens go before their sessions."""
    return [
        OLD_KEYS,
        OLD_HOLDS,
        OLD_INVITATIONS,
        OLD_TOLD_OVERLAPS,
        OLD_EVENTS,
        OLD_REPORTS,
        OLD_MESSAGES,
        OLD_BLOCKS,
        OLD_TALKS,
        OLD_KEPT_MESSAGES,
        OLD_DELIVERIES,
        OLD_FEEDS,
        OLD_PAYMENT_EVENTS,
        KEYS_OF_REMOVED_ACCOUNTS,
        OLD_CHECKOUTS,
        OLD_TICKETS,
        OLD_INSTANCES,
        OLD_CHANGES,
        OLD_TOKENS,
        OLD_LINKS,
        old_sessions(lifetimes),
    ]
