"""Booking's wiring: what it needs from outside, then what it offers."""

from dependency_injector import containers, providers

from booking_system.booking.adapters.around import PostgresAround
from booking_system.booking.adapters.hold_http import HoldRoutes
from booking_system.booking.adapters.hold_tokens import HoldTokens
from booking_system.booking.adapters.holding import PostgresHolds
from booking_system.booking.adapters.http import BookingRoutes
from booking_system.booking.adapters.lifecycle_http import LifecycleRoutes
from booking_system.booking.adapters.noting import PostgresBookingReferences
from booking_system.booking.adapters.paying import PostgresPaying
from booking_system.booking.adapters.postgres import PostgresBooking
from booking_system.booking.adapters.reading import PostgresBookingReader
from booking_system.booking.adapters.references import RandomReferences
from booking_system.booking.adapters.references_http import BookingReferenceRoutes
from booking_system.booking.adapters.told_overlaps import PostgresToldOverlaps
from booking_system.booking.adapters.unpaid import UnpaidJob
from booking_system.booking.application.ask_to_move import AskToMove
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.application.cancel_appointment import CancelAppointment
from booking_system.booking.application.expanding import ShowAround
from booking_system.booking.application.expanding_ports import MoneyReader, NoMoney
from booking_system.booking.application.explain_slot import ExplainSlot
from booking_system.booking.application.hold_slot import (
    ExtendHold,
    HoldSlot,
    ReleaseHold,
    ShowHold,
)
from booking_system.booking.application.keep_references import (
    ChangeReferences,
    ListReferences,
    ShowReferences,
)
from booking_system.booking.application.mark_appointment import MarkAppointment
from booking_system.booking.application.overlaps import OverlapThrottle, WatchOverlaps
from booking_system.booking.application.patients_word import PatientsWord
from booking_system.booking.application.ports import Alternatives
from booking_system.booking.application.read_appointments import (
    ListAppointments,
    ShowAppointment,
    ShowHistory,
)
from booking_system.booking.application.reschedule_appointment import RescheduleAppointment
from booking_system.booking.application.settle_payment import (
    ConfirmPaid,
    ExpireUnpaid,
    KeepForPayment,
    LockForPayment,
    NotePayment,
)
from booking_system.booking.domain.booking_rules import BOOKING_RULES, HOLD_RULES, MOVE_RULES
from booking_system.platform.http.network import Networks
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class BookingContainer(containers.DeclarativeContainer):
    """Appointments."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    alternatives: providers.Dependency[Alternatives] = providers.Dependency()
    networks = providers.Dependency(instance_of=Networks)
    keys = providers.Dependency(instance_of=Keyring)
    throttle: providers.Dependency[OverlapThrottle] = providers.Dependency()
    money: providers.Dependency[MoneyReader] = providers.Dependency(default=NoMoney())

    booking = providers.Singleton(PostgresBooking, database)
    reader = providers.Singleton(PostgresBookingReader, database)
    references = providers.Singleton(RandomReferences)
    holds = providers.Singleton(PostgresHolds, database)
    overlaps = providers.Factory(
        WatchOverlaps,
        throttle=throttle,
        told=providers.Singleton(PostgresToldOverlaps, database),
        facts=holds,
        reader=reader,
        clock=clock,
    )

    book_appointment = providers.Factory(
        retried(BookAppointment),
        transaction=booking.provided.transaction,
        reader=reader,
        alternatives=alternatives,
        rules=providers.Object(BOOKING_RULES),
        clock=clock,
        identities=identities,
        references=references,
        overlaps=overlaps,
    )
    cancel_appointment = providers.Factory(
        retried(CancelAppointment), transaction=booking.provided.transaction, clock=clock
    )
    patients_word = providers.Factory(
        retried(PatientsWord), transaction=booking.provided.transaction, clock=clock
    )
    mark_appointment = providers.Factory(
        retried(MarkAppointment),
        transaction=booking.provided.transaction,
        clock=clock,
        overlaps=overlaps,
    )
    reschedule_appointment = providers.Factory(
        retried(RescheduleAppointment),
        transaction=booking.provided.transaction,
        alternatives=alternatives,
        rules=providers.Object(MOVE_RULES),
        clock=clock,
        overlaps=overlaps,
    )
    show_appointment = providers.Factory(retried(ShowAppointment), reader=reader)
    list_appointments = providers.Factory(retried(ListAppointments), reader=reader)
    show_history = providers.Factory(retried(ShowHistory), reader=reader)

    paying = providers.Singleton(PostgresPaying, database)
    lock_for_payment = providers.Factory(
        retried(LockForPayment), transaction=paying.provided.transaction
    )
    confirm_paid = providers.Factory(
        retried(ConfirmPaid), transaction=paying.provided.transaction, clock=clock
    )
    keep_for_payment = providers.Factory(
        retried(KeepForPayment), transaction=paying.provided.transaction, clock=clock
    )
    note_payment = providers.Factory(
        retried(NotePayment), transaction=paying.provided.transaction, clock=clock
    )
    expire_unpaid = providers.Factory(
        retried(ExpireUnpaid),
        transaction=paying.provided.transaction,
        overdue=paying.provided.overdue,
        clock=clock,
    )
    unpaid = providers.Singleton(UnpaidJob, expire=expire_unpaid)

    hold_tokens = providers.Singleton(HoldTokens, keys)
    hold_slot = providers.Factory(
        retried(HoldSlot),
        transaction=holds.provided.transaction,
        alternatives=alternatives,
        rules=providers.Object(HOLD_RULES),
        clock=clock,
        identities=identities,
    )
    ask_to_move = providers.Factory(retried(AskToMove), reader=reader, clock=clock)
    show_hold = providers.Factory(retried(ShowHold), reader=holds, clock=clock)
    extend_hold = providers.Factory(
        retried(ExtendHold), transaction=holds.provided.transaction, clock=clock
    )
    release_hold = providers.Factory(
        retried(ReleaseHold), transaction=holds.provided.transaction, clock=clock
    )
    explain_slot = providers.Factory(retried(ExplainSlot), reader=holds, clock=clock)

    reference_store = providers.Singleton(PostgresBookingReferences, database)
    routes = providers.Singleton(
        BookingRoutes,
        book=book_appointment,
        cancel=cancel_appointment,
        show=show_appointment,
        list=list_appointments,
        around=providers.Factory(
            retried(ShowAround), reader=providers.Singleton(PostgresAround, database), money=money
        ),
        references=providers.Factory(retried(ListReferences), store=reference_store),
        tokens=hold_tokens,
        clock=clock,
    )
    hold_routes = providers.Singleton(
        HoldRoutes,
        hold=hold_slot,
        show=show_hold,
        extend=extend_hold,
        release=release_hold,
        explain=explain_slot,
        agreed=ask_to_move,
        tokens=hold_tokens,
        networks=networks,
        clock=clock,
    )
    reference_routes = providers.Singleton(
        BookingReferenceRoutes,
        show=providers.Factory(retried(ShowReferences), reader=reader, store=reference_store),
        change=providers.Factory(retried(ChangeReferences), reader=reader, store=reference_store),
    )
    lifecycle_routes = providers.Singleton(
        LifecycleRoutes,
        mark=mark_appointment,
        reschedule=reschedule_appointment,
        history=show_history,
        clock=clock,
    )
