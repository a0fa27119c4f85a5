"""The desk's wiring: what it needs from outside, then what it offers."""

from dependency_injector import containers, providers

from booking_system.desk.adapters.absence_http import TimeOffRoutes
from booking_system.desk.adapters.absences import PostgresAbsences
from booking_system.desk.adapters.clinic_calendars import PostgresClinicCalendars
from booking_system.desk.adapters.clinic_http import ClinicChangeRoutes
from booking_system.desk.adapters.closure_http import ClosureRoutes
from booking_system.desk.adapters.day_http import DayRoutes
from booking_system.desk.adapters.days import PostgresCalendars
from booking_system.desk.adapters.merge_http import MergeRoutes
from booking_system.desk.adapters.merging import PostgresMerging
from booking_system.desk.adapters.removal import PostgresRemoval, TellStaff
from booking_system.desk.adapters.removal_http import (
    RemovalRoutes,
    ShowsOne,
    ShowsPatient,
)
from booking_system.desk.application.absence_ports import Alternatives
from booking_system.desk.application.change_absence import ChangeClosure, ChangeTimeOff
from booking_system.desk.application.change_clinic import ChangeClinic
from booking_system.desk.application.clinic_ports import ChangesClinics, PlansDoctors
from booking_system.desk.application.merge_patients import MergePatients
from booking_system.desk.application.merge_ports import WatchesOverlaps
from booking_system.desk.application.preview_absence import PreviewAbsence
from booking_system.desk.application.read_absences import ReadAbsences
from booking_system.desk.application.remove import Remove, Restore
from booking_system.desk.application.show_day import ShowDay
from booking_system.desk.application.take_time_off import (
    CloseClinic,
    EndTimeOff,
    ReopenClinic,
    TakeTimeOff,
)
from booking_system.platform.http.once import Again
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class DeskContainer(containers.DeclarativeContainer):
    """Days, absences, removals, merges: with the appointments that they touch."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    alternatives: providers.Dependency[Alternatives] = providers.Dependency()
    overlaps: providers.Dependency[WatchesOverlaps] = providers.Dependency()
    tell_staff: providers.Dependency[TellStaff] = providers.Dependency()
    show_doctor: providers.Dependency[ShowsOne] = providers.Dependency()
    show_doctor_again: providers.Dependency[Again] = providers.Dependency()
    show_clinic: providers.Dependency[ShowsOne] = providers.Dependency()
    show_clinic_again: providers.Dependency[Again] = providers.Dependency()
    show_patient: providers.Dependency[ShowsPatient] = providers.Dependency()
    store_clinic: providers.Dependency[ChangesClinics] = providers.Dependency()
    plan_doctor: providers.Dependency[PlansDoctors] = providers.Dependency()

    removal = providers.Singleton(PostgresRemoval, database, tell_staff=tell_staff)
    gone = removal.provided.transaction
    remove = providers.Factory(retried(Remove), transaction=gone, clock=clock)
    restore = providers.Factory(retried(Restore), transaction=gone, clock=clock)
    removal_routes = providers.Singleton(
        RemovalRoutes,
        remove=remove,
        restore=restore,
        show_doctor=show_doctor,
        show_doctor_again=show_doctor_again,
        show_clinic=show_clinic,
        show_clinic_again=show_clinic_again,
        show_patient=show_patient,
    )

    merging = providers.Singleton(PostgresMerging, database)
    merge_patients = providers.Factory(
        retried(MergePatients),
        transaction=merging.provided.transaction,
        clock=clock,
        overlaps=overlaps,
    )
    merge_routes = providers.Singleton(MergeRoutes, merge=merge_patients, show=show_patient)

    absences = providers.Singleton(PostgresAbsences, database)
    away = absences.provided.transaction
    preview_absence = providers.Factory(
        retried(PreviewAbsence), transaction=away, alternatives=alternatives, clock=clock
    )
    read_absences = providers.Factory(retried(ReadAbsences), transaction=away)
    take_time_off = providers.Factory(
        retried(TakeTimeOff), transaction=away, clock=clock, identities=identities
    )
    change_time_off = providers.Factory(retried(ChangeTimeOff), transaction=away, clock=clock)
    end_time_off = providers.Factory(retried(EndTimeOff), transaction=away, clock=clock)
    time_off_routes = providers.Singleton(
        TimeOffRoutes,
        preview=preview_absence,
        take=take_time_off,
        change=change_time_off,
        end=end_time_off,
        read=read_absences,
    )
    close_clinic = providers.Factory(
        retried(CloseClinic), transaction=away, clock=clock, identities=identities
    )
    change_closure = providers.Factory(retried(ChangeClosure), transaction=away, clock=clock)
    reopen_clinic = providers.Factory(retried(ReopenClinic), transaction=away, clock=clock)
    closure_routes = providers.Singleton(
        ClosureRoutes,
        preview=preview_absence,
        close=close_clinic,
        change=change_closure,
        reopen=reopen_clinic,
        read=read_absences,
    )

    clinic_calendars = providers.Singleton(PostgresClinicCalendars, database)
    change_clinic = providers.Factory(
        retried(ChangeClinic),
        whole=database.provided.whole,
        change=store_clinic,
        calendars=clinic_calendars.provided.transaction,
        absences=away,
        plan=plan_doctor,
        clock=clock,
    )
    clinic_change_routes = providers.Singleton(ClinicChangeRoutes, change=change_clinic)

    calendars = providers.Singleton(PostgresCalendars, database)
    show_day = providers.Factory(
        retried(ShowDay), snapshot=calendars.provided.snapshot, clock=clock
    )
    day_routes = providers.Singleton(DayRoutes, show=show_day)
