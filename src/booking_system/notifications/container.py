"""What messages need from outside, and what they offer."""

import operator
import random
import time
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from dependency_injector import containers, providers
from pydantic import SecretStr

from booking_system.notifications.adapters.address_book import PostgresAddressBook
from booking_system.notifications.adapters.carriers.choosing import ApiBases, Choice
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.carriers.waits import Waits
from booking_system.notifications.adapters.dead_messages_http import DeadMessageRoutes
from booking_system.notifications.adapters.kept.carriers import KeptEmails, KeptSms
from booking_system.notifications.adapters.kept.http import OutboxRoutes
from booking_system.notifications.adapters.kept.messages import PostgresKeptMessages
from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.adapters.messages_http import MessageRoutes
from booking_system.notifications.adapters.own_channels import carriers as carrying
from booking_system.notifications.adapters.own_channels.checking import AccountCheck
from booking_system.notifications.adapters.own_channels.http import ChannelRoutes
from booking_system.notifications.adapters.own_channels.making import OwnCarrierMaker
from booking_system.notifications.adapters.own_channels.resealing import ChannelResealing
from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.adapters.own_channels.store import PostgresChannels
from booking_system.notifications.adapters.own_words.at_hand import WordsAtHand
from booking_system.notifications.adapters.own_words.http import TemplateRoutes
from booking_system.notifications.adapters.own_words.previews import PreviewsWhenNeeded
from booking_system.notifications.adapters.own_words.store import PostgresTemplates
from booking_system.notifications.adapters.planner import Planner
from booking_system.notifications.adapters.preferences import PostgresPreferences
from booking_system.notifications.adapters.preferences_http import PreferenceRoutes
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.adapters.reports import own_http as owned
from booking_system.notifications.adapters.reports.certificates import Certificates, fetched_by
from booking_system.notifications.adapters.reports.http import ReportRoutes, twilio_callback
from booking_system.notifications.adapters.reports.sendgrid import SendGridSignature
from booking_system.notifications.adapters.reports.sns import SnsConfirmation, SnsSignature
from booking_system.notifications.adapters.reports.twilio import TwilioSignature
from booking_system.notifications.adapters.reports_taken import TakeReports
from booking_system.notifications.adapters.sending_job import SendingJob
from booking_system.notifications.adapters.shown_messages import PostgresMessages
from booking_system.notifications.adapters.unreached import PostgresUnreached
from booking_system.notifications.adapters.unreached_http import UnreachedRoutes
from booking_system.notifications.adapters.unsubscribing import UnsubscribeLinks
from booking_system.notifications.application import own_channels as owning
from booking_system.notifications.application import own_templates as wording
from booking_system.notifications.application.account_links import AccountLinks
from booking_system.notifications.application.letters import Letters
from booking_system.notifications.application.preferences import (
    ChangePreferences,
    LiftAddress,
    ReadPreferences,
    SeePatient,
    StopReminders,
)
from booking_system.notifications.application.send_messages import Carriers, SendMessage
from booking_system.notifications.application.show_messages import SeeAppointment, ShowMessages
from booking_system.notifications.application.show_outbox import ShowOutbox
from booking_system.notifications.application.show_unreached import ShowUnreached
from booking_system.notifications.application.try_channel import TryChannel
from booking_system.notifications.application.writing_ports import Writer
from booking_system.notifications.domain.message import Channel
from booking_system.platform.keyring import Keyring
from booking_system.platform.outward.connecting import CheckedAddresses
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities

FOR_A_PERSON = Waits(opening=1.8, answer=1.8)
"""Seconds for somebody who waits for what a provider says: a request has five."""
CONSUMER = "messages"
"""Its place in the feed, in `feed_consumers`."""


def _a_writer(at_hand: WordsAtHand) -> Writer:
    # What it is made of takes a tenth of a second to load, and only workers write.
    from booking_system.notifications.adapters.words.writer import TemplateWriter  # noqa: PLC0415

    return TemplateWriter(own_templates=at_hand, tell_broken=at_hand.hear)


def _chosen(choice: Choice, email_url: SecretStr, sms_url: SecretStr) -> Carriers:
    email, sms = email_url.get_secret_value(), sms_url.get_secret_value()
    return Carriers(email=choice.email(email), sms=choice.sms(sms))


class NotificationsContainer(containers.DeclarativeContainer):
    """Messages: planned from events, sent when they are due."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    keys = providers.Dependency(instance_of=Keyring)
    email_url = providers.Dependency(instance_of=SecretStr)
    sms_url = providers.Dependency(instance_of=SecretStr)
    bases = providers.Dependency(instance_of=ApiBases)
    sender_address = providers.Dependency(instance_of=str)
    sms_sender = providers.Dependency(instance_of=str)
    twilio_tokens: providers.Dependency[Sequence[SecretStr]] = providers.Dependency()
    sendgrid_keys: providers.Dependency[Sequence[EllipticCurvePublicKey]] = providers.Dependency()
    trusted_topics: providers.Dependency[Sequence[str]] = providers.Dependency()
    public_url = providers.Dependency(instance_of=str)
    in_production = providers.Dependency(instance_of=bool)
    see_appointment: providers.Dependency[SeeAppointment] = providers.Dependency()
    see_patient: providers.Dependency[SeePatient] = providers.Dependency()
    account_links = providers.Dependency(instance_of=AccountLinks)
    addresses = providers.Dependency(instance_of=CheckedAddresses)

    kept = providers.Singleton(PostgresKeptMessages, database)
    kept_emails = providers.Singleton(KeptEmails, kept=kept, clock=clock, identities=identities)
    kept_sms = providers.Singleton(KeptSms, kept=kept, clock=clock, identities=identities)
    outbox_routes = providers.Singleton(
        OutboxRoutes,
        show=providers.Factory(retried(ShowOutbox), kept=kept),
        is_offered=providers.Callable(operator.not_, in_production),
    )

    words_at_hand = providers.Singleton(WordsAtHand, database=database, clock=clock)
    writer = providers.Singleton(_a_writer, words_at_hand)
    http = providers.Singleton(HttpWhenNeeded, clock)
    choice = providers.Singleton(
        Choice,
        http=http,
        kept_email=kept_emails,
        kept_sms=kept_sms,
        bases=bases,
        twilio_callback=providers.Callable(twilio_callback, public_url),
    )
    carriers = providers.Singleton(_chosen, choice, email_url, sms_url)
    planner = providers.Singleton(Planner, database=database, identities=identities, clock=clock)
    consumer = providers.Singleton(
        Consumer, database=database, name=CONSUMER, effect=planner.provided.take
    )
    recipients = providers.Singleton(
        Recipients,
        keys=keys,
        clock=clock,
        senders=providers.Dict({Channel.EMAIL: sender_address, Channel.SMS: sms_sender}),
    )
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
        can_reply=False,
    )
    vault = providers.Singleton(ChannelVault, keys)
    channels = providers.Singleton(PostgresChannels, database, vault)
    channel_resealing = providers.Singleton(ChannelResealing, database=database, vault=vault)
    own_maker = providers.Factory(
        OwnCarrierMaker,
        http=http,
        bases=bases,
        addresses=addresses,
        callback=providers.Singleton(owned.OwnCallback, public_url=public_url),
    )
    quick_maker = providers.Factory(own_maker, waits=FOR_A_PERSON)
    own_carriers = providers.Singleton(
        carrying.CachedOwnCarriers, store=channels, maker=own_maker, clock=clock
    )
    send = providers.Singleton(
        SendMessage,
        ledger=ledger,
        letters=letters,
        account_links=account_links,
        carriers=carriers,
        own_carriers=own_carriers,
        own_words=words_at_hand,
        clock=clock,
        chance=providers.Object(random.random),
        monotonic=providers.Object(time.monotonic),
    )
    sending = providers.Singleton(SendingJob, ledger=ledger, send=send, clock=clock)

    preferences = providers.Singleton(PostgresPreferences, database)
    address_book = providers.Singleton(
        PostgresAddressBook, database=database, recipients=recipients
    )
    preference_routes = providers.Singleton(
        PreferenceRoutes,
        read=providers.Factory(
            ReadPreferences, see=see_patient, store=preferences, book=address_book
        ),
        change=providers.Factory(
            retried(ChangePreferences),
            see=see_patient,
            store=preferences,
            book=address_book,
            clock=clock,
        ),
        lift=providers.Factory(
            retried(LiftAddress), see=see_patient, store=preferences, book=address_book
        ),
    )
    unreached_routes = providers.Singleton(
        UnreachedRoutes,
        show=providers.Factory(
            ShowUnreached, reader=providers.Singleton(PostgresUnreached, database), clock=clock
        ),
    )
    channel_routes = providers.Singleton(
        ChannelRoutes,
        show=providers.Factory(retried(owning.ShowChannel), store=channels),
        set=providers.Factory(
            retried(owning.SetChannel),
            store=channels,
            check=providers.Singleton(AccountCheck, addresses=addresses),
            vault=vault,
            clock=clock,
        ),
        drop=providers.Factory(retried(owning.DropChannel), store=channels),
        trial=providers.Factory(
            TryChannel,
            store=channels,
            carriers=providers.Factory(
                carrying.FreshCarriers,
                store=channels,
                maker=quick_maker,
            ),
            clock=clock,
            elsewhere=providers.Object(waiting_elsewhere),
        ),
        public_url=public_url,
    )
    templates = providers.Singleton(PostgresTemplates, database)
    previews = providers.Singleton(PreviewsWhenNeeded)
    template_routes = providers.Singleton(
        TemplateRoutes,
        list=providers.Factory(retried(wording.ListTemplates), store=templates),
        show=providers.Factory(retried(wording.ShowTemplates), store=templates),
        set=providers.Factory(
            retried(wording.SetTemplates),
            store=templates,
            preview=previews,
            clock=clock,
            identities=identities,
        ),
        drop=providers.Factory(retried(wording.DropTemplates), store=templates),
        preview=providers.Factory(
            retried(wording.PreviewTemplates), store=templates, preview=previews
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
    reports = providers.Singleton(
        TakeReports,
        database=database,
        recipients=recipients,
        identities=identities,
        clock=clock,
    )
    certificates = providers.Singleton(
        Certificates, providers.Singleton(fetched_by, http), clock=clock
    )
    confirmation = providers.Singleton(SnsConfirmation, http=http, base=bases.provided.amazon)
    report_routes = providers.Singleton(
        ReportRoutes,
        sink=reports,
        clock=clock,
        twilio=providers.Singleton(TwilioSignature, twilio_tokens, public_url=public_url),
        sendgrid=providers.Singleton(SendGridSignature, sendgrid_keys),
        sns=providers.Singleton(SnsSignature, trusted_topics, certificates),
        confirm=confirmation,
    )
    own_report_routes = providers.Singleton(
        owned.OwnReportRoutes,
        store=channels,
        signatures=providers.Singleton(
            owned.OwnSignatures, store=channels, public_url=public_url, certificates=certificates
        ),
        sink=reports,
        clock=clock,
        confirm=confirmation,
    )
