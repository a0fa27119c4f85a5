"""The directory's wiring: what it needs from outside, then what it offers."""

from collections.abc import Callable
from typing import Any

from dependency_injector import containers, providers

from booking_system.directory.adapters.http_clinics import ClinicRoutes
from booking_system.directory.adapters.http_doctors import DoctorRoutes
from booking_system.directory.adapters.http_invitations import InvitationRoutes
from booking_system.directory.adapters.http_patients import PatientRoutes
from booking_system.directory.adapters.http_services import ServiceRoutes
from booking_system.directory.adapters.http_staff import StaffRoutes
from booking_system.directory.adapters.http_staff_sessions import StaffSessionRoutes
from booking_system.directory.adapters.postgres import PostgresDirectory
from booking_system.directory.application import (
    accept_invitation,
    invite_staff,
    keep_clinics,
    keep_doctors,
    keep_patients,
    keep_services,
    keep_staff,
    staff_sessions,
)
from booking_system.directory.application import (
    find_patients as finding,
)
from booking_system.directory.application.add_staff import AddStaff
from booking_system.directory.application.invitation_ports import OneTimeTokens
from booking_system.directory.application.ports import Passwords, Throttle
from booking_system.directory.application.register import Register
from booking_system.platform.http.network import Networks
from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


class DirectoryContainer(containers.DeclarativeContainer):
    """Clinics, doctors, services and patients."""

    database = providers.Dependency(instance_of=Database)
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    accounts_of: providers.Dependency[Callable[..., Any]] = providers.Dependency()
    passwords: providers.Dependency[Passwords] = providers.Dependency()
    throttle: providers.Dependency[Throttle] = providers.Dependency()
    one_time_tokens: providers.Dependency[OneTimeTokens] = providers.Dependency()
    accept_page = providers.Dependency(instance_of=str)
    networks = providers.Dependency(instance_of=Networks)

    directory = providers.Singleton(PostgresDirectory, database, accounts_of)
    transaction = directory.provided.transaction

    create_clinic = providers.Factory(
        keep_clinics.CreateClinic, transaction=transaction, clock=clock, identities=identities
    )
    show_clinic = providers.Factory(keep_clinics.ShowClinic, transaction=transaction)
    list_clinics = providers.Factory(keep_clinics.ListClinics, transaction=transaction)
    change_clinic = providers.Factory(
        keep_clinics.ChangeClinic, transaction=transaction, clock=clock
    )

    create_doctor = providers.Factory(
        keep_doctors.CreateDoctor, transaction=transaction, clock=clock, identities=identities
    )
    show_doctor = providers.Factory(keep_doctors.ShowDoctor, transaction=transaction)
    list_doctors = providers.Factory(keep_doctors.ListDoctors, transaction=transaction)
    change_doctor = providers.Factory(
        keep_doctors.ChangeDoctor, transaction=transaction, clock=clock
    )

    create_service = providers.Factory(
        keep_services.CreateService, transaction=transaction, clock=clock, identities=identities
    )
    show_service = providers.Factory(keep_services.ShowService, transaction=transaction)
    list_services = providers.Factory(keep_services.ListServices, transaction=transaction)
    change_service = providers.Factory(
        keep_services.ChangeService, transaction=transaction, clock=clock
    )
    restore_service = providers.Factory(
        keep_services.RestoreService, transaction=transaction, clock=clock
    )

    create_patient = providers.Factory(
        keep_patients.CreatePatient, transaction=transaction, clock=clock, identities=identities
    )
    show_patient = providers.Factory(keep_patients.ShowPatient, transaction=transaction)
    show_new_patient = providers.Factory(keep_patients.ShowNewPatient, transaction=transaction)
    find_patients = providers.Factory(
        finding.FindPatients, transaction=transaction, throttle=throttle
    )
    take_on_patient = providers.Factory(
        finding.TakeOnPatient, transaction=transaction, throttle=throttle, clock=clock
    )
    list_patients = providers.Factory(keep_patients.ListPatients, transaction=transaction)
    change_patient = providers.Factory(
        keep_patients.ChangePatient, transaction=transaction, clock=clock
    )

    call_patient = providers.Factory(keep_patients.CallPatient, transaction=transaction)

    register = providers.Factory(
        Register,
        transaction=transaction,
        passwords=passwords,
        throttle=throttle,
        clock=clock,
        identities=identities,
    )
    add_staff = providers.Factory(
        AddStaff,
        looking=directory.provided.looking,
        transaction=transaction,
        passwords=passwords,
        throttle=throttle,
        clock=clock,
        identities=identities,
    )
    invite = providers.Factory(
        invite_staff.InviteStaff,
        transaction=transaction,
        tokens=one_time_tokens,
        throttle=throttle,
        clock=clock,
        identities=identities,
    )
    list_staff = providers.Factory(keep_staff.ListStaff, transaction=transaction)
    remove_staff = providers.Factory(keep_staff.RemoveStaff, transaction=transaction, clock=clock)
    list_invited = providers.Factory(invite_staff.ListInvitations, transaction=transaction)
    show_invited = providers.Factory(invite_staff.ShowInvitation, transaction=transaction)
    revoke = providers.Factory(invite_staff.RevokeInvitation, transaction=transaction, clock=clock)
    look_at_invitation = providers.Factory(
        accept_invitation.LookAtInvitation,
        looking=directory.provided.looking,
        tokens=one_time_tokens,
        throttle=throttle,
        clock=clock,
    )
    accept = providers.Factory(
        accept_invitation.AcceptInvitation,
        looking=directory.provided.looking,
        transaction=transaction,
        look=look_at_invitation,
        tokens=one_time_tokens,
        passwords=passwords,
        clock=clock,
        identities=identities,
    )
    show_accepted = providers.Factory(accept_invitation.ShowAccepted, transaction=transaction)

    list_staff_sessions = providers.Factory(
        staff_sessions.ListStaffSessions, transaction=transaction, clock=clock
    )
    end_staff_sessions = providers.Factory(
        staff_sessions.EndStaffSessions, transaction=transaction, clock=clock
    )

    staff_session_routes = providers.Singleton(
        StaffSessionRoutes,
        list=providers.Callable(retrying, list_staff_sessions),
        end=providers.Callable(retrying, end_staff_sessions),
    )
    clinic_routes = providers.Singleton(
        ClinicRoutes,
        create=providers.Callable(retrying, create_clinic),
        show=providers.Callable(retrying, show_clinic),
        list=providers.Callable(retrying, list_clinics),
    )
    staff_routes = providers.Singleton(
        StaffRoutes,
        add=providers.Callable(retrying, add_staff),
        invite=providers.Callable(retrying, invite),
        list=providers.Callable(retrying, list_staff),
        remove=providers.Callable(retrying, remove_staff),
        list_invited=providers.Callable(retrying, list_invited),
        show_invited=providers.Callable(retrying, show_invited),
        revoke=providers.Callable(retrying, revoke),
        accept_page=accept_page,
        clock=clock,
    )
    invitation_routes = providers.Singleton(
        InvitationRoutes,
        look=providers.Callable(retrying, look_at_invitation),
        accept=providers.Callable(retrying, accept),
        show=providers.Callable(retrying, show_accepted),
        networks=networks,
    )
    doctor_routes = providers.Singleton(
        DoctorRoutes,
        create=providers.Callable(retrying, create_doctor),
        show=providers.Callable(retrying, show_doctor),
        list=providers.Callable(retrying, list_doctors),
        change=providers.Callable(retrying, change_doctor),
    )
    service_routes = providers.Singleton(
        ServiceRoutes,
        create=providers.Callable(retrying, create_service),
        show=providers.Callable(retrying, show_service),
        list=providers.Callable(retrying, list_services),
        change=providers.Callable(retrying, change_service),
        restore=providers.Callable(retrying, restore_service),
    )
    patient_routes = providers.Singleton(
        PatientRoutes,
        register=providers.Callable(retrying, register),
        create=providers.Callable(retrying, create_patient),
        show=providers.Callable(retrying, show_patient),
        show_new=providers.Callable(retrying, show_new_patient),
        list=providers.Callable(retrying, list_patients),
        find=providers.Callable(retrying, find_patients),
        take_on=providers.Callable(retrying, take_on_patient),
        change=providers.Callable(retrying, change_patient),
        networks=networks,
        call=providers.Callable(retrying, call_patient),
    )
