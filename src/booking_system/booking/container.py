"""Booking's wiring: what it needs from outside, then what it offers."""

from typing import Any

from dependency_injector import containers, providers

from booking_system.booking.adapters.absence_http import TimeOffRoutes
from booking_system.booking.adapters.absences import PostgresAbsences
from booking_system.booking.adapters.clinic_calendars import PostgresClinicCalendars
from booking_system.booking.adapters.clinic_http import ClinicChangeRoutes
from booking_system.booking.adapters.closure_http import ClosureRoutes
from booking_system.booking.adapters.day_http import DayRoutes
from booking_system.booking.adapters.days import PostgresCalendars
from booking_system.booking.adapters.hold_http import HoldRoutes
from booking_system.booking.adapters.hold_tokens import HoldTokens
from booking_system.booking.adapters.holding import PostgresHolds
from booking_system.booking.adapters.http import BookingRoutes
from booking_system.booking.adapters.lifecycle_http import LifecycleRoutes
from booking_system.booking.adapters.merge_http import MergeRoutes
from booking_system.booking.adapters.merging import PostgresMerging
from booking_system.booking.adapters.postgres import PostgresBooking
from booking_system.booking.adapters.reading import PostgresBookingReader
from booking_system.booking.adapters.references import RandomReferences
from booking_system.booking.adapters.removal import PostgresRemoval, TellStaff
from booking_system.booking.adapters.removal_http import RemovalRoutes, Removing
from booking_system.booking.adapters.told_overlaps import PostgresToldOverlaps
from booking_system.booking.application.ask_to_move import AskToMove
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.application.cancel_appointment import CancelAppointment
from booking_system.booking.application.change_absence import ChangeClosure, ChangeTimeOff
from booking_system.booking.application.change_clinic import ChangeClinic
from booking_system.booking.application.clinic_ports import ChangesClinics, PlansDoctors
from booking_system.booking.application.explain_slot import ExplainSlot
from booking_system.booking.application.hold_slot import (
    ExtendHold,
    HoldSlot,
    ReleaseHold,
    ShowHold,
)
from booking_system.booking.application.mark_appointment import MarkAppointment
from booking_system.booking.application.merge_patients import MergePatients
from booking_system.booking.application.overlaps import OverlapThrottle, WatchOverlaps
from booking_system.booking.application.ports import Alternatives
from booking_system.booking.application.preview_absence import PreviewAbsence
from booking_system.booking.application.read_absences import ReadAbsences
from booking_system.booking.application.read_appointments import (
    ListAppointments,
    ShowAppointment,
    ShowHistory,
)
from booking_system.booking.application.remove import Remove, Restore
from booking_system.booking.application.reschedule_appointment import RescheduleAppointment
from booking_system.booking.application.show_day import ShowDay
from booking_system.booking.application.take_time_off import (
    CloseClinic,
    EndTimeOff,
    ReopenClinic,
    TakeTimeOff,
)
from booking_system.booking.domain.booking_rules import BOOKING_RULES, HOLD_RULES, MOVE_RULES
from booking_system.booking.domain.removal import Kind
from booking_system.platform.http.network import Networks
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


def removing(
    kind: Kind,
    removal: providers.Provider[PostgresRemoval],
    clock: providers.Provider[Clock],
    routes: providers.Provider[Any],
    answers: providers.Provider[Any],
) -> providers.Factory[Removing]:
    """Wire one kind of thing that can be removed and restored; the directory's `routes` show it.

    Everybody may read doctors and clinics, so who asks for an answer again is asked for their role.
    """
    work = {"kind": kind, "transaction": removal.provided.transaction, "clock": clock}
    again = None if kind is Kind.PATIENT else getattr(routes.provided, f"show_{kind}_again")
    return providers.Factory(
        Removing,
        kind=kind,
        remove=providers.Callable(retrying, providers.Factory(Remove, **work)),
        restore=providers.Callable(retrying, providers.Factory(Restore, **work)),
        show=getattr(routes.provided, f"read_{kind}"),
        answers=answers,
        again=again,
    )


class BookingContainer(containers.DeclarativeContainer):
    """Appointments."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    alternatives: providers.Dependency[Alternatives] = providers.Dependency()
    networks = providers.Dependency(instance_of=Networks)
    keys = providers.Dependency(instance_of=Keyring)
    throttle: providers.Dependency[OverlapThrottle] = providers.Dependency()

    tell_staff: providers.Dependency[TellStaff] = providers.Dependency()
    doctors: providers.Dependency[Any] = providers.Dependency()
    clinics: providers.Dependency[Any] = providers.Dependency()
    patients: providers.Dependency[Any] = providers.Dependency()
    store_clinic: providers.Dependency[ChangesClinics] = providers.Dependency()
    plan_doctor: providers.Dependency[PlansDoctors] = providers.Dependency()
    clinic_change: providers.Dependency[Any] = providers.Dependency()
    doctor_answer: providers.Dependency[Any] = providers.Dependency()
    clinic_answer: providers.Dependency[Any] = providers.Dependency()
    patient_answer: providers.Dependency[Any] = providers.Dependency()

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
        BookAppointment,
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
        CancelAppointment, transaction=booking.provided.transaction, clock=clock
    )
    mark_appointment = providers.Factory(
        MarkAppointment,
        transaction=booking.provided.transaction,
        clock=clock,
        overlaps=overlaps,
    )
    reschedule_appointment = providers.Factory(
        RescheduleAppointment,
        transaction=booking.provided.transaction,
        alternatives=alternatives,
        rules=providers.Object(MOVE_RULES),
        clock=clock,
        overlaps=overlaps,
    )
    show_appointment = providers.Factory(ShowAppointment, reader=reader)
    list_appointments = providers.Factory(ListAppointments, reader=reader)
    show_history = providers.Factory(ShowHistory, reader=reader)

    hold_tokens = providers.Singleton(HoldTokens, keys)
    hold_slot = providers.Factory(
        HoldSlot,
        transaction=holds.provided.transaction,
        alternatives=alternatives,
        rules=providers.Object(HOLD_RULES),
        clock=clock,
        identities=identities,
    )
    ask_to_move = providers.Factory(AskToMove, reader=reader, clock=clock)
    show_hold = providers.Factory(ShowHold, reader=holds, clock=clock)
    extend_hold = providers.Factory(ExtendHold, transaction=holds.provided.transaction, clock=clock)
    release_hold = providers.Factory(
        ReleaseHold, transaction=holds.provided.transaction, clock=clock
    )
    explain_slot = providers.Factory(ExplainSlot, reader=holds, clock=clock)

    removal = providers.Singleton(PostgresRemoval, database, tell_staff=tell_staff)
    remove_service = providers.Factory(
        Remove,
        kind=Kind.SERVICE,
        transaction=removal.provided.transaction,
        clock=clock,
    )

    merging = providers.Singleton(PostgresMerging, database)
    merge_patients = providers.Factory(
        MergePatients,
        transaction=merging.provided.transaction,
        clock=clock,
        overlaps=overlaps,
    )

    absences = providers.Singleton(PostgresAbsences, database)
    away = absences.provided.transaction
    preview_absence = providers.Factory(
        PreviewAbsence, transaction=away, alternatives=alternatives, clock=clock
    )
    take_time_off = providers.Factory(
        TakeTimeOff, transaction=away, clock=clock, identities=identities
    )
    end_time_off = providers.Factory(EndTimeOff, transaction=away, clock=clock)
    close_clinic = providers.Factory(
        CloseClinic, transaction=away, clock=clock, identities=identities
    )
    reopen_clinic = providers.Factory(ReopenClinic, transaction=away, clock=clock)
    change_time_off = providers.Factory(ChangeTimeOff, transaction=away, clock=clock)
    change_closure = providers.Factory(ChangeClosure, transaction=away, clock=clock)
    read_absences = providers.Factory(ReadAbsences, transaction=away)

    clinic_calendars = providers.Singleton(PostgresClinicCalendars, database)
    change_clinic = providers.Factory(
        ChangeClinic,
        whole=database.provided.whole,
        change=store_clinic,
        calendars=clinic_calendars.provided.transaction,
        absences=away,
        plan=plan_doctor,
        clock=clock,
    )
    clinic_change_routes = providers.Singleton(
        ClinicChangeRoutes,
        change=providers.Callable(retrying, change_clinic),
        body=clinic_change,
        answers=clinic_answer,
    )

    calendars = providers.Singleton(PostgresCalendars, database)
    show_day = providers.Factory(ShowDay, snapshot=calendars.provided.snapshot, clock=clock)

    routes = providers.Singleton(
        BookingRoutes,
        book=providers.Callable(retrying, book_appointment),
        cancel=providers.Callable(retrying, cancel_appointment),
        show=providers.Callable(retrying, show_appointment),
        list=providers.Callable(retrying, list_appointments),
        tokens=hold_tokens,
        clock=clock,
    )
    hold_routes = providers.Singleton(
        HoldRoutes,
        hold=providers.Callable(retrying, hold_slot),
        show=providers.Callable(retrying, show_hold),
        extend=providers.Callable(retrying, extend_hold),
        release=providers.Callable(retrying, release_hold),
        explain=providers.Callable(retrying, explain_slot),
        agreed=providers.Callable(retrying, ask_to_move),
        tokens=hold_tokens,
        networks=networks,
        clock=clock,
    )
    lifecycle_routes = providers.Singleton(
        LifecycleRoutes,
        mark=providers.Callable(retrying, mark_appointment),
        reschedule=providers.Callable(retrying, reschedule_appointment),
        history=providers.Callable(retrying, show_history),
        clock=clock,
    )
    removal_routes = providers.Singleton(
        RemovalRoutes,
        doctors=removing(Kind.DOCTOR, removal, clock, doctors, doctor_answer),
        clinics=removing(Kind.CLINIC, removal, clock, clinics, clinic_answer),
        patients=removing(Kind.PATIENT, removal, clock, patients, patient_answer),
        remove_service=providers.Callable(retrying, remove_service),
    )
    merge_routes = providers.Singleton(
        MergeRoutes,
        merge=providers.Callable(retrying, merge_patients),
        show=patients.provided.read_patient,
        answers=patient_answer,
    )
    time_off_routes = providers.Singleton(
        TimeOffRoutes,
        preview=providers.Callable(retrying, preview_absence.provided.time_off),
        preview_change=providers.Callable(retrying, preview_absence.provided.changed_time_off),
        take=providers.Callable(retrying, take_time_off),
        change=providers.Callable(retrying, change_time_off),
        end=providers.Callable(retrying, end_time_off),
        one=providers.Callable(retrying, read_absences.provided.one_time_off),
        list=providers.Callable(retrying, read_absences.provided.time_off),
    )
    closure_routes = providers.Singleton(
        ClosureRoutes,
        preview=providers.Callable(retrying, preview_absence.provided.closures),
        preview_change=providers.Callable(retrying, preview_absence.provided.changed_closure),
        close=providers.Callable(retrying, close_clinic),
        change=providers.Callable(retrying, change_closure),
        reopen=providers.Callable(retrying, reopen_clinic),
        one=providers.Callable(retrying, read_absences.provided.one_closure),
        list=providers.Callable(retrying, read_absences.provided.closures),
        # Whoever gives an answer again tries again itself.
        some=read_absences.provided.some_closures,
    )
    day_routes = providers.Singleton(
        DayRoutes,
        of_doctor=providers.Callable(retrying, show_day.provided.of_doctor),
        of_clinic=providers.Callable(retrying, show_day.provided.of_clinic),
    )
