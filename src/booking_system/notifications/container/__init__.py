"""What messages need from outside, and what they offer."""

import operator
import random
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from dependency_injector import containers, providers
from pydantic import SecretStr

from booking_system.notifications.adapters.address_book import PostgresAddressBook
from booking_system.notifications.adapters.asking_job import AskingJob
from booking_system.notifications.adapters.carriers.choosing import ApiBases, Choice
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.dead_messages_http import DeadMessageRoutes
from booking_system.notifications.adapters.documents import PrintedDocuments
from booking_system.notifications.adapters.kept.carriers import KeptEmails, KeptSms
from booking_system.notifications.adapters.kept.http import OutboxRoutes
from booking_system.notifications.adapters.kept.messages import PostgresKeptMessages
from booking_system.notifications.adapters.ledger import PostgresLedger
from booking_system.notifications.adapters.manage_links import to_manage
from booking_system.notifications.adapters.messages_http import MessageRoutes
from booking_system.notifications.adapters.opt_outs_job import OptOutList, OptOutsJob
from booking_system.notifications.adapters.own_words.at_hand import WordsAtHand
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
from booking_system.notifications.adapters.talks import PostgresTalks
from booking_system.notifications.adapters.unreached import PostgresUnreached
from booking_system.notifications.adapters.unreached_http import UnreachedRoutes
from booking_system.notifications.adapters.unsubscribing import UnsubscribeLinks
from booking_system.notifications.adapters.words.answer_words import built_in_words
from booking_system.notifications.application.account_links import AccountLinks
from booking_system.notifications.application.answer_sms import AnswerSms
from booking_system.notifications.application.answering_ports import PatientsWord
from booking_system.notifications.application.ask_provider import AskProvider
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
from booking_system.notifications.application.writing_ports import Writer
from booking_system.notifications.container.own import OwnMessagesContainer
from booking_system.notifications.domain.message import Channel
from booking_system.payments.application.show_documents import DocumentPrinter, ShowDocument
from booking_system.platform.keyring import Keyring
from booking_system.platform.outward.connecting import CheckedAddresses
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities

CONSUMER = "messages"
"""Its place in the feed, in `feed_consumers`."""


def _a_writer(at_hand: WordsAtHand) -> Writer:
    # What it is made of takes a tenth of a second to load, and only workers write.
    from booking_system.notifications.adapters.words.writer import TemplateWriter  # noqa: PLC0415

    return TemplateWriter(own_templates=at_hand, tell_broken=at_hand.hear)


def _chosen(choice: Choice, email_url: SecretStr, sms_url: SecretStr) -> Carriers:
    email, sms = email_url.get_secret_value(), sms_url.get_secret_value()
    return Carriers(email=choice.email(email), sms=choice.sms(sms))


def _opt_outs(choice: Choice, sms_url: SecretStr) -> OptOutList | None:
    return choice.opt_outs(sms_url.get_secret_value())


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
    patients_word: providers.Dependency[PatientsWord] = providers.Dependency()
    can_reply = providers.Dependency(instance_of=bool)
    pay_url: providers.Dependency[Callable[[UUID], str]] = providers.Dependency()
    show_document: providers.Dependency[ShowDocument] = providers.Dependency()
    printer: providers.Dependency[DocumentPrinter] = providers.Dependency()
    manage_url = providers.Dependency(instance_of=str)
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
    own = providers.Container(
        OwnMessagesContainer,
        database=database,
        clock=clock,
        identities=identities,
        keys=keys,
        http=http,
        bases=bases,
        public_url=public_url,
        addresses=addresses,
    )
    channel_routes, template_routes = own.channel_routes, own.template_routes
    channel_resealing = own.channel_resealing
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
        pay_url=pay_url,
        manage_url=providers.Callable(to_manage, manage_url),
        can_reply=can_reply,
    )
    send = providers.Singleton(
        SendMessage,
        ledger=ledger,
        letters=letters,
        account_links=account_links,
        carriers=carriers,
        own_carriers=own.own_carriers,
        own_words=words_at_hand,
        documents=providers.Singleton(PrintedDocuments, show=show_document, printer=printer),
        clock=clock,
        chance=providers.Object(random.random),
        monotonic=providers.Object(time.monotonic),
    )
    sending = providers.Singleton(SendingJob, ledger=ledger, send=send, clock=clock)

    asking = providers.Singleton(
        AskingJob,
        ask=providers.Singleton(
            AskProvider, ledger=ledger, letters=letters, carrier=carriers.provided.sms
        ),
    )
    opt_outs = providers.Singleton(
        OptOutsJob,
        listed=providers.Callable(_opt_outs, choice, sms_url),
        database=database,
        recipients=recipients,
    )

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
    answer = providers.Singleton(
        retried(AnswerSms),
        talks=providers.Singleton(
            PostgresTalks,
            database=database,
            recipients=recipients,
            identities=identities,
            clock=clock,
        ),
        patients_word=patients_word,
        vocabulary=providers.Object(built_in_words),
        clock=clock,
    )
    dead_message_routes = providers.Singleton(DeadMessageRoutes, database=database, clock=clock)
    reports = providers.Singleton(
        TakeReports,
        database=database,
        recipients=recipients,
        identities=identities,
        clock=clock,
        answer=answer,
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
        store=own.channels,
        signatures=providers.Singleton(
            owned.OwnSignatures,
            store=own.channels,
            public_url=public_url,
            certificates=certificates,
        ),
        sink=reports,
        clock=clock,
        confirm=confirmation,
    )
