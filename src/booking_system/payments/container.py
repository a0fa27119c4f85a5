"""What payments need from outside, and what they offer."""

import operator
import random
from collections.abc import Sequence

from dependency_injector import containers, providers

from booking_system.payments.adapters.accounts import PlatformAccounts
from booking_system.payments.adapters.appointments import BookedAppointments
from booking_system.payments.adapters.clinic_http import ClinicMoneyRoutes
from booking_system.payments.adapters.documents.printer import Printer
from booking_system.payments.adapters.documents_http import DocumentRoutes
from booking_system.payments.adapters.following import CONSUMER, Following
from booking_system.payments.adapters.hooks_http import PaymentHooks
from booking_system.payments.adapters.http import PaymentRoutes, SeeAppointment
from booking_system.payments.adapters.inbox import PostgresInbox, PostgresMatterBook
from booking_system.payments.adapters.own_accounts.checking import KeysCheck
from booking_system.payments.adapters.own_accounts.choosing import AllAccounts
from booking_system.payments.adapters.own_accounts.comparing import CompareEndpoints
from booking_system.payments.adapters.own_accounts.hooks import OwnPaymentHooks
from booking_system.payments.adapters.own_accounts.http import OwnAccountRoutes
from booking_system.payments.adapters.own_accounts.sealing import PaymentVault
from booking_system.payments.adapters.own_accounts.sealing import account_resealing as resealing_of
from booking_system.payments.adapters.own_accounts.store import PostgresOwnAccounts
from booking_system.payments.adapters.pages_http import PaymentPages
from booking_system.payments.adapters.pay_http import PayPages
from booking_system.payments.adapters.payable import Payables
from booking_system.payments.adapters.postgres import PostgresPayments
from booking_system.payments.adapters.providers.accounts import PayPalAccount, StripeAccount
from booking_system.payments.adapters.providers.choosing import PaymentApiBases
from booking_system.payments.adapters.providers.choosing import Providers as KnownProviders
from booking_system.payments.adapters.providers.sandbox import SandboxProvider
from booking_system.payments.adapters.queue import PostgresWorkQueue
from booking_system.payments.adapters.reading import PostgresPaymentsReader
from booking_system.payments.adapters.result_links import PayLinks, ResultLinks
from booking_system.payments.adapters.results import Results
from booking_system.payments.adapters.sandbox.books import PostgresSandboxBooks
from booking_system.payments.adapters.sandbox.page import CHECKOUT
from booking_system.payments.adapters.work_job import PaymentWorkJob
from booking_system.payments.application import own_accounts as owning
from booking_system.payments.application import read_payments as reading
from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.do_work import DoWork
from booking_system.payments.application.reconcile import Reconcile
from booking_system.payments.application.refund_payment import RefundPayment
from booking_system.payments.application.settle_appointment import SettleAppointment
from booking_system.payments.application.settler import Settler
from booking_system.payments.application.show_documents import ExportLedger, ShowDocument
from booking_system.payments.application.start_payment import StartPayment
from booking_system.payments.application.take_at_desk import TakeAtDesk
from booking_system.payments.application.take_event import HandleEvents, TakeEvent
from booking_system.payments.application.take_sighting import TakeSighting
from booking_system.payments.application.work_tools import Tools
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.platform.postgres.consumers import Consumer
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


def _checkout_page(public_url: str) -> str:
    return f"{public_url}{CHECKOUT}"


def _sandbox_secret(keys: Keyring) -> bytes:
    return keys.derived(Purpose.SANDBOX_EVENTS)[0]


class PaymentsContainer(containers.DeclarativeContainer):
    """Attempts, the ledger, refunds and documents, and what works towards providers."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    keys = providers.Dependency(instance_of=Keyring)
    public_url = providers.Dependency(instance_of=str)
    in_production = providers.Dependency(instance_of=bool)
    see_appointment: providers.Dependency[SeeAppointment] = providers.Dependency()
    booking = providers.DependenciesContainer()
    offered: providers.Dependency[Sequence[str]] = providers.Dependency()
    allowed: providers.Dependency[Sequence[str]] = providers.Dependency()
    stripe: providers.Dependency[StripeAccount | None] = providers.Dependency()
    paypal: providers.Dependency[PayPalAccount | None] = providers.Dependency()
    bases = providers.Dependency(instance_of=PaymentApiBases)

    appointments = providers.Singleton(
        BookedAppointments,
        locking=booking.lock_for_payment,
        confirming=booking.confirm_paid,
        keeping=booking.keep_for_payment,
        expiring=booking.expire_unpaid,
        noting=booking.note_payment,
    )
    known_providers = providers.Singleton(KnownProviders, clock=clock, bases=bases)
    sandbox = providers.Singleton(
        SandboxProvider,
        books=providers.Singleton(PostgresSandboxBooks, database=database, clock=clock),
        clock=clock,
        page=providers.Callable(_checkout_page, public_url),
        secret=providers.Callable(_sandbox_secret, keys),
    )
    platform_accounts = providers.Singleton(
        PlatformAccounts,
        providers=known_providers,
        sandbox=sandbox,
        offered=offered,
        stripe=stripe,
        paypal=paypal,
    )
    vault = providers.Singleton(PaymentVault, keys)
    own_accounts = providers.Singleton(PostgresOwnAccounts, database, vault, clock)
    account_resealing = providers.Singleton(resealing_of, database=database, vault=vault)
    accounts = providers.Singleton(
        AllAccounts,
        platform=platform_accounts,
        store=own_accounts,
        providers=known_providers,
        allowed=allowed,
    )

    store = providers.Singleton(PostgresPayments, database=database, clock=clock)
    transaction = store.provided.transaction
    queue = providers.Singleton(PostgresWorkQueue, database=database)
    reader = providers.Singleton(PostgresPaymentsReader, database=database)
    inbox = providers.Singleton(PostgresInbox, database=database)
    settler = providers.Singleton(Settler, appointments=appointments)

    take_sighting = providers.Singleton(
        retried(TakeSighting),
        transaction=transaction,
        appointments=appointments,
        settler=settler,
        clock=clock,
    )
    settle = providers.Singleton(
        retried(SettleAppointment),
        transaction=transaction,
        appointments=appointments,
        settler=settler,
        clock=clock,
    )
    do_work = providers.Singleton(
        DoWork,
        settle=settle,
        tools=providers.Singleton(
            Tools,
            queue=queue,
            reader=reader,
            providers=accounts,
            take=take_sighting,
            clock=clock,
            chance=providers.Object(random.random),
        ),
        changes=providers.Singleton(retried(AttemptChanges), take=take_sighting),
    )
    start = providers.Singleton(
        retried(StartPayment),
        transaction=transaction,
        appointments=appointments,
        settler=settler,
        providers=accounts,
        reader=reader,
        queue=queue,
        do=do_work,
        clock=clock,
        identities=identities,
    )
    take_at_desk = providers.Singleton(
        retried(TakeAtDesk),
        transaction=transaction,
        appointments=appointments,
        settler=settler,
        clock=clock,
        identities=identities,
    )
    refund = providers.Singleton(
        retried(RefundPayment), transaction=transaction, take=take_sighting
    )
    reconcile = providers.Singleton(
        retried(Reconcile),
        reader=reader,
        providers=accounts,
        take=take_sighting,
        clock=clock,
    )
    take_event = providers.Singleton(retried(TakeEvent), inbox=inbox, clock=clock)
    handle_events = providers.Singleton(retried(HandleEvents), inbox=inbox, clock=clock)
    job = providers.Singleton(
        PaymentWorkJob, queue=queue, do=do_work, events=handle_events, clock=clock
    )

    show = providers.Singleton(retried(reading.ShowPayment), reader=reader)
    list_all = providers.Singleton(retried(reading.ListPayments), reader=reader)
    documents = providers.Singleton(retried(reading.ShowDocuments), reader=reader)
    day_totals = providers.Singleton(retried(reading.ShowDayTotals), reader=reader, clock=clock)
    matters = providers.Singleton(retried(reading.ListMatters), reader=reader)
    resolve_matter = providers.Singleton(
        retried(reading.ResolveMatter),
        book=providers.Singleton(PostgresMatterBook, database=database),
        clock=clock,
    )

    links = providers.Singleton(ResultLinks, keys=keys, public_url=public_url)
    pay_links = providers.Singleton(PayLinks, keys=keys, public_url=public_url)
    following = providers.Singleton(Following, clock=clock)
    consumer = providers.Singleton(
        Consumer, database=database, name=CONSUMER, effect=following.provided.take
    )
    routes = providers.Singleton(
        PaymentRoutes,
        see=see_appointment,
        start=start,
        at_desk=take_at_desk,
        show=show,
        list=list_all,
        refund=refund,
        documents=documents,
        links=links,
    )
    clinic_routes = providers.Singleton(
        ClinicMoneyRoutes, totals=day_totals, matters=matters, resolve=resolve_matter
    )
    printer = providers.Singleton(Printer)
    show_document = providers.Singleton(retried(ShowDocument), reader=reader)
    document_routes = providers.Singleton(
        DocumentRoutes,
        see=see_appointment,
        show=show_document,
        printer=printer,
        export=providers.Singleton(retried(ExportLedger), reader=reader, clock=clock),
    )
    hooks = providers.Singleton(
        PaymentHooks, accounts=platform_accounts, take=take_event, clock=clock
    )
    own_hooks = providers.Singleton(
        OwnPaymentHooks, accounts=accounts, take=take_event, clock=clock
    )
    own_account_routes = providers.Singleton(
        OwnAccountRoutes,
        show=providers.Factory(retried(owning.ShowOwnAccount), store=own_accounts),
        set=providers.Factory(
            retried(owning.SetOwnAccount),
            store=own_accounts,
            check=providers.Singleton(KeysCheck, providers=known_providers),
            vault=vault,
            clock=clock,
            allowed=allowed,
        ),
        remove=providers.Factory(retried(owning.RemoveOwnAccount), store=own_accounts),
        public_url=public_url,
    )
    compare_endpoints = providers.Singleton(
        CompareEndpoints,
        providers=known_providers,
        platform=platform_accounts,
        store=own_accounts,
        public_url=public_url,
    )
    pages = providers.Singleton(
        PaymentPages,
        sandbox=sandbox,
        take=take_event,
        results=providers.Singleton(Results, database=database),
        links=links,
        clock=clock,
        is_offered=providers.Callable(operator.not_, in_production).provider,
    )
    pay_pages = providers.Singleton(
        PayPages,
        start=start,
        payables=providers.Singleton(Payables, database=database),
        links=pay_links,
        results=links,
        clock=clock,
        offered=offered,
    )
