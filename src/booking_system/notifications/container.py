"""What messages need from outside, and what they offer."""

import operator
import random
import time

from dependency_injector import containers, providers

from booking_system.notifications.adapters.dead_messages_http import DeadMessageRoutes
from booking_system.notifications.adapters.kept.carriers import KeptEmails, KeptSms
from booking_system.notifications.adapters.kept.http import OutboxRoutes
from booking_system.notifications.adapters.kept.messages import PostgresKeptMessages
from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.adapters.messages_http import MessageRoutes
from booking_system.notifications.adapters.planner import Planner
from booking_system.notifications.adapters.preferences import PostgresPreferences
from booking_system.notifications.adapters.preferences_http import PreferenceRoutes
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.adapters.sending_job import SendingJob
from booking_system.notifications.adapters.shown_messages import PostgresMessages
from booking_system.notifications.adapters.unsubscribing import UnsubscribeLinks
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.application.letters import Letters
from booking_system.notifications.application.preferences import (
    ChangePreferences,
    ReadPreferences,
    SeePatient,
    StopReminders,
)
from booking_system.notifications.application.send_messages import Carriers, SendMessage
from booking_system.notifications.application.show_messages import SeeAppointment, ShowMessages
from booking_system.notifications.application.show_outbox import ShowOutbox
from booking_system.platform.clock import SystemClock
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import RandomIdentities

CONSUMER = "messages"
"""Its place in the feed, in `feed_consumers`."""


class NotificationsContainer(containers.DeclarativeContainer):
    """Messages: planned from events, sent when they are due."""

    database = providers.Dependency(instance_of=Database)
    clock = providers.Dependency(instance_of=SystemClock)
    identities = providers.Dependency(instance_of=RandomIdentities)
    keys = providers.Dependency(instance_of=Keyring)
    sender_address = providers.Dependency(instance_of=str)
    senders = providers.Dependency(instance_of=dict)
    public_url = providers.Dependency(instance_of=str)
    can_reply = providers.Dependency(instance_of=bool)
    in_production = providers.Dependency(instance_of=bool)
    see_appointment: providers.Dependency[SeeAppointment] = providers.Dependency()
    see_patient: providers.Dependency[SeePatient] = providers.Dependency()

    kept = providers.Singleton(PostgresKeptMessages, database)
    kept_emails = providers.Singleton(KeptEmails, kept=kept, clock=clock, identities=identities)
    kept_sms = providers.Singleton(KeptSms, kept=kept, clock=clock, identities=identities)
    outbox_routes = providers.Singleton(
        OutboxRoutes,
        show=providers.Factory(retried(ShowOutbox), kept=kept),
        is_offered=providers.Callable(operator.not_, in_production),
    )

    writer = providers.Singleton(TemplateWriter)
    carriers = providers.Singleton(Carriers, email=kept_emails, sms=kept_sms)
    planner = providers.Singleton(Planner, database=database, identities=identities, clock=clock)
    consumer = providers.Singleton(
        Consumer, database=database, name=CONSUMER, effect=planner.provided.take
    )
    recipients = providers.Singleton(Recipients, keys=keys, clock=clock, senders=senders)
    ledger = providers.Singleton(
        PostgresLedger,
        database=database,
        recipients=recipients,
        identities=identities,
        clock=clock,
    )
    links = providers.Singleton(UnsubscribeLinks, keys=keys, public_url=public_url)
    letters = providers.Singleton(
        Letters,
        writer=writer,
        sender_address=sender_address,
        unsubscribe_url=links.provided.link,
        can_reply=can_reply,
    )
    send = providers.Singleton(
        SendMessage,
        ledger=ledger,
        letters=letters,
        carriers=carriers,
        clock=clock,
        chance=providers.Object(random.random),
        monotonic=providers.Object(time.monotonic),
    )
    sending = providers.Singleton(SendingJob, ledger=ledger, send=send, clock=clock)

    preferences = providers.Singleton(PostgresPreferences, database)
    preference_routes = providers.Singleton(
        PreferenceRoutes,
        read=providers.Factory(ReadPreferences, see=see_patient, store=preferences),
        change=providers.Factory(
            retried(ChangePreferences), see=see_patient, store=preferences, clock=clock
        ),
    )
    message_routes = providers.Singleton(
        MessageRoutes,
        show=providers.Factory(
            ShowMessages,
            see=see_appointment,
            reader=providers.Singleton(PostgresMessages, database),
        ),
        stop=providers.Factory(retried(StopReminders), store=preferences, clock=clock),
        links=links,
    )
    dead_message_routes = providers.Singleton(DeadMessageRoutes, database=database, clock=clock)
