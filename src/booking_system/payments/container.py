"""What payments need from outside, and what they offer."""

import random

from dependency_injector import containers, providers

from booking_system.payments.adapters.inbox import PostgresInbox, PostgresMatterBook
from booking_system.payments.adapters.postgres import PostgresPayments
from booking_system.payments.adapters.queue import PostgresWorkQueue
from booking_system.payments.adapters.reading import PostgresPaymentsReader
from booking_system.payments.adapters.work_job import PaymentWorkJob
from booking_system.payments.application import read_payments as reading
from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.do_work import DoWork
from booking_system.payments.application.ports import Appointments, Providers
from booking_system.payments.application.refund_payment import RefundPayment
from booking_system.payments.application.settle_appointment import SettleAppointment
from booking_system.payments.application.settler import Settler
from booking_system.payments.application.start_payment import StartPayment
from booking_system.payments.application.take_at_desk import TakeAtDesk
from booking_system.payments.application.take_event import HandleEvents, TakeEvent
from booking_system.payments.application.take_sighting import TakeSighting
from booking_system.payments.application.work_tools import Tools
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class PaymentsContainer(containers.DeclarativeContainer):
    """Attempts, the ledger, refunds and documents, and what works towards providers."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    appointments: providers.Dependency[Appointments] = providers.Dependency()
    accounts: providers.Dependency[Providers] = providers.Dependency()

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
    do_work = providers.Singleton(
        DoWork,
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
    settle = providers.Singleton(
        retried(SettleAppointment),
        transaction=transaction,
        appointments=appointments,
        settler=settler,
        clock=clock,
    )
    take_event = providers.Singleton(retried(TakeEvent), inbox=inbox, clock=clock)
    handle_events = providers.Singleton(retried(HandleEvents), inbox=inbox, clock=clock)
    job = providers.Singleton(
        PaymentWorkJob, queue=queue, do=do_work, events=handle_events, clock=clock
    )

    show = providers.Singleton(retried(reading.ShowPayment), reader=reader)
    list = providers.Singleton(retried(reading.ListPayments), reader=reader)
    documents = providers.Singleton(retried(reading.ShowDocuments), reader=reader)
    day_totals = providers.Singleton(retried(reading.ShowDayTotals), reader=reader)
    matters = providers.Singleton(retried(reading.ListMatters), reader=reader)
    resolve_matter = providers.Singleton(
        retried(reading.ResolveMatter),
        book=providers.Singleton(PostgresMatterBook, database=database),
        clock=clock,
    )
