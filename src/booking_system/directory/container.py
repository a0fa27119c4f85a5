"""The directory's wiring: what it needs from outside, then what it offers."""

from collections.abc import Callable
from typing import Any

from dependency_injector import containers, providers

from booking_system.directory.adapters.answers import PublicPages
from booking_system.directory.adapters.http_clinics import ClinicRoutes
from booking_system.directory.adapters.http_doctors import DoctorRoutes
from booking_system.directory.adapters.http_invitations import InvitationRoutes
from booking_system.directory.adapters.http_patients import PatientRoutes
from booking_system.directory.adapters.http_references import ReferenceRoutes
from booking_system.directory.adapters.http_services import ServiceRoutes
from booking_system.directory.adapters.http_staff import StaffRoutes
from booking_system.directory.adapters.http_staff_sessions import StaffSessionRoutes
from booking_system.directory.adapters.postgres import PostgresDirectory
from booking_system.directory.adapters.public_lists import PostgresPublicLists
from booking_system.directory.application import (
    accept_invitation,
    invite_staff,
    keep_clinics,
    keep_doctors,
    keep_patients,
    keep_references,
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
from booking_system.directory.application.public_lists import DigestList, Listed
from booking_system.directory.application.register import Register
from booking_system.platform.http.kept_pages import KeptPages, SharedPages
from booking_system.platform.http.network import Networks
from booking_system.platform.postgres.retry import retried
from booking_system.platform.postgres.searches import Reads
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities


def public_pages(
    listed: Listed, digest: providers.Factory[Any], shared: providers.Dependency[SharedPages]
) -> providers.Singleton[PublicPages]:
    """Return the pages of a list."""
    kept = providers.Factory(KeptPages, listed, shared, tags=False)
    return providers.Singleton(PublicPages, listed=listed, kept=kept, digest=digest)


class DirectoryContainer(containers.DeclarativeContainer):
    """Clinics, doctors, services and patients."""

    database = providers.Dependency(instance_of=Database)
    searches: providers.Dependency[Reads] = providers.Dependency()
    shared_pages: providers.Dependency[SharedPages] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    identities: providers.Dependency[Identities] = providers.Dependency()
    accounts_of: providers.Dependency[Callable[..., Any]] = providers.Dependency()
    passwords: providers.Dependency[Passwords] = providers.Dependency()
    throttle: providers.Dependency[Throttle] = providers.Dependency()
    one_time_tokens: providers.Dependency[OneTimeTokens] = providers.Dependency()
    accept_page = providers.Dependency(instance_of=str)
    hands_links_over = providers.Dependency(instance_of=bool)
    networks = providers.Dependency(instance_of=Networks)

    directory = providers.Singleton(PostgresDirectory, database, accounts_of)
    transaction = directory.provided.transaction
    public_lists = providers.Singleton(PostgresPublicLists, searches)
    digest_list = providers.Factory(retried(DigestList), lists=public_lists)
    clinic_pages = public_pages("clinics", digest_list, shared_pages)
    doctor_pages = public_pages("doctors", digest_list, shared_pages)
    service_pages = public_pages("services", digest_list, shared_pages)

    create_clinic = providers.Factory(
        retried(keep_clinics.CreateClinic),
        transaction=transaction,
        clock=clock,
        identities=identities,
    )
    show_clinic = providers.Factory(retried(keep_clinics.ShowClinic), transaction=transaction)
    list_clinics = providers.Factory(retried(keep_clinics.ListClinics), lists=public_lists)
    change_clinic = providers.Factory(
        keep_clinics.ChangeClinic, transaction=transaction, clock=clock
    )

    create_doctor = providers.Factory(
        retried(keep_doctors.CreateDoctor),
        transaction=transaction,
        clock=clock,
        identities=identities,
    )
    show_doctor = providers.Factory(retried(keep_doctors.ShowDoctor), transaction=transaction)
    list_doctors = providers.Factory(retried(keep_doctors.ListDoctors), lists=public_lists)
    change_doctor = providers.Factory(
        retried(keep_doctors.ChangeDoctor), transaction=transaction, clock=clock
    )

    create_service = providers.Factory(
        retried(keep_services.CreateService),
        transaction=transaction,
        clock=clock,
        identities=identities,
    )
    show_service = providers.Factory(retried(keep_services.ShowService), transaction=transaction)
    list_services = providers.Factory(retried(keep_services.ListServices), lists=public_lists)
    change_service = providers.Factory(
        retried(keep_services.ChangeService), transaction=transaction, clock=clock
    )
    restore_service = providers.Factory(
        retried(keep_services.RestoreService), transaction=transaction, clock=clock
    )

    create_patient = providers.Factory(
        retried(keep_patients.CreatePatient),
        transaction=transaction,
        clock=clock,
        identities=identities,
    )
    show_patient = providers.Factory(retried(keep_patients.ShowPatient), transaction=transaction)
    show_new_patient = providers.Factory(
        retried(keep_patients.ShowNewPatient), transaction=transaction
    )
    find_patients = providers.Factory(
        retried(finding.FindPatients), transaction=transaction, throttle=throttle
    )
    take_on_patient = providers.Factory(
        retried(finding.TakeOnPatient), transaction=transaction, throttle=throttle, clock=clock
    )
    list_patients = providers.Factory(retried(keep_patients.ListPatients), transaction=transaction)
    change_patient = providers.Factory(
        retried(keep_patients.ChangePatient), transaction=transaction, clock=clock
    )

    call_patient = providers.Factory(retried(keep_patients.CallPatient), transaction=transaction)

    list_references = providers.Factory(
        retried(keep_references.ListReferences), transaction=transaction
    )
    register = providers.Factory(
        retried(Register),
        transaction=transaction,
        passwords=passwords,
        throttle=throttle,
        clock=clock,
        identities=identities,
    )
    add_staff = providers.Factory(
        retried(AddStaff),
        looking=directory.provided.looking,
        transaction=transaction,
        passwords=passwords,
        throttle=throttle,
        clock=clock,
        identities=identities,
    )
    invite = providers.Factory(
        retried(invite_staff.InviteStaff),
        transaction=transaction,
        tokens=one_time_tokens,
        throttle=throttle,
        clock=clock,
        identities=identities,
    )
    list_staff = providers.Factory(retried(keep_staff.ListStaff), transaction=transaction)
    remove_staff = providers.Factory(
        retried(keep_staff.RemoveStaff), transaction=transaction, clock=clock
    )
    list_invited = providers.Factory(retried(invite_staff.ListInvitations), transaction=transaction)
    show_invited = providers.Factory(retried(invite_staff.ShowInvitation), transaction=transaction)
    revoke = providers.Factory(
        retried(invite_staff.RevokeInvitation), transaction=transaction, clock=clock
    )
    invitation_link = providers.Factory(
        retried(accept_invitation.MakeInvitationLink),
        transaction=transaction,
        tokens=one_time_tokens,
        clock=clock,
    )
    look_at_invitation = providers.Factory(
        retried(accept_invitation.LookAtInvitation),
        looking=directory.provided.looking,
        tokens=one_time_tokens,
        throttle=throttle,
        clock=clock,
    )
    accept = providers.Factory(
        retried(accept_invitation.AcceptInvitation),
        looking=directory.provided.looking,
        transaction=transaction,
        look=look_at_invitation,
        tokens=one_time_tokens,
        passwords=passwords,
        clock=clock,
        identities=identities,
    )
    show_accepted = providers.Factory(
        retried(accept_invitation.ShowAccepted), transaction=transaction
    )

    list_staff_sessions = providers.Factory(
        retried(staff_sessions.ListStaffSessions), transaction=transaction, clock=clock
    )
    end_staff_sessions = providers.Factory(
        retried(staff_sessions.EndStaffSessions), transaction=transaction, clock=clock
    )

    staff_session_routes = providers.Singleton(
        StaffSessionRoutes,
        list=list_staff_sessions,
        end=end_staff_sessions,
    )
    clinic_routes = providers.Singleton(
        ClinicRoutes,
        create=create_clinic,
        show=show_clinic,
        list=list_clinics,
        pages=clinic_pages,
    )
    staff_routes = providers.Singleton(
        StaffRoutes,
        add=add_staff,
        invite=invite,
        list=list_staff,
        remove=remove_staff,
        list_invited=list_invited,
        show_invited=show_invited,
        revoke=revoke,
        accept_page=accept_page,
        hands_links_over=hands_links_over,
        clock=clock,
    )
    invitation_routes = providers.Singleton(
        InvitationRoutes,
        look=look_at_invitation,
        accept=accept,
        show=show_accepted,
        networks=networks,
    )
    doctor_routes = providers.Singleton(
        DoctorRoutes,
        create=create_doctor,
        show=show_doctor,
        list=list_doctors,
        references=list_references,
        pages=doctor_pages,
        change=change_doctor,
    )
    service_routes = providers.Singleton(
        ServiceRoutes,
        create=create_service,
        show=show_service,
        list=list_services,
        references=list_references,
        pages=service_pages,
        change=change_service,
        restore=restore_service,
    )
    reference_routes = providers.Singleton(
        ReferenceRoutes,
        show=providers.Factory(retried(keep_references.ShowReferences), transaction=transaction),
        change=providers.Factory(
            retried(keep_references.ChangeReferences), transaction=transaction
        ),
    )
    patient_routes = providers.Singleton(
        PatientRoutes,
        register=register,
        create=create_patient,
        show=show_patient,
        show_new=show_new_patient,
        list=list_patients,
        references=list_references,
        find=find_patients,
        take_on=take_on_patient,
        change=change_patient,
        networks=networks,
        call=call_patient,
    )
