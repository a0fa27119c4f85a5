"""Who may do what with a file: that follows from what it belongs to."""

from dataclasses import dataclass
from uuid import UUID

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.files.application.ports import FileReader, SeeAppointment
from booking_system.files.domain.purposes import FilePurpose
from booking_system.files.domain.refusals import FileNotFound
from booking_system.files.domain.stored_file import FileId, FileState, Owner, StoredFile
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId
from booking_system.shared_kernel.mode import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRights:
    """Judges by what holds now, at each request.

    Pictures of a clinic or a doctor are everybody's; actors who may change the clinic or the doctor
    keep them. Documents are read by all who see the appointment: the patient, the doctor, the
    clinic's desk. A platform's administrator is none of them. What is attached to the chat of an
    online appointment is read by the two who talk, once it was sent.
    """

    see: SeeAppointment
    reader: FileReader

    async def owner(self, purpose: FilePurpose, owner_id: UUID, actor: Actor) -> Owner:
        """Return what a new file is to belong to. Raises `NotFound`, `NotPermitted`."""
        if purpose is FilePurpose.BOOKING_DOCUMENT:
            return await self._appointment(AppointmentId(owner_id), actor)
        if purpose is FilePurpose.CHAT_ATTACHMENT:
            return await self._chat(AppointmentId(owner_id), actor)
        if purpose is FilePurpose.CLINIC_LOGO:
            owner = Owner(clinic_id=ClinicId(owner_id))
            is_there = await self.reader.has_clinic(owner.clinic_id)
        else:
            clinic_id = await self.reader.clinic_of(DoctorId(owner_id))
            is_there = clinic_id is not None
            owner = Owner(clinic_id=clinic_id or ClinicId(owner_id), doctor_id=DoctorId(owner_id))
        if not is_there:
            raise NotFound
        if not _keeps_pictures(owner, actor):
            raise NotPermitted
        return owner

    async def seen(self, file_id: FileId, actor: Actor, *, deleted: bool = False) -> StoredFile:
        """Return a file that the actor may see. Raises `FileNotFound`.

        What is not stored yet is seen by nobody but the actor who sends it. With `deleted` it is a
        file that was deleted, seen by actors who could have done so.
        """
        file = await self.reader.read(file_id)
        if file is None or (file.deleted_at is not None) is not deleted:
            raise FileNotFound
        is_stored = file.state in {FileState.READY, FileState.LOST}
        if not is_stored and file.created_by != actor.user_id:
            raise FileNotFound
        if file.owner.appointment_id is None:
            if not _keeps_pictures(file.owner, actor):
                raise FileNotFound
            return file
        try:
            card = await self.see(appointment_id=file.owner.appointment_id, actor=actor)
        except AppointmentNotFound:
            raise FileNotFound from None
        if not file.is_document and not _may_read_attachment(file, card.appointment, actor):
            raise FileNotFound
        if deleted and not _may_delete(file, actor):
            raise FileNotFound
        return file

    async def deletable(self, file_id: FileId, actor: Actor) -> StoredFile:
        """Return a file that the actor may delete. Raises `FileNotFound`, `NotPermitted`."""
        file = await self.seen(file_id, actor)
        if not _may_delete(file, actor):
            raise NotPermitted
        return file

    async def _appointment(self, appointment_id: AppointmentId, actor: Actor) -> Owner:
        card = await self.see(appointment_id=appointment_id, actor=actor)
        booked = card.appointment
        if not (_is_party(booked, actor) or actor.works_at(booked.clinic_id)):
            # Staff who wind up a removed clinic add nothing to it.
            raise NotPermitted
        return Owner(clinic_id=booked.clinic_id, appointment_id=appointment_id)

    async def _chat(self, appointment_id: AppointmentId, actor: Actor) -> Owner:
        booked = (await self.see(appointment_id=appointment_id, actor=actor)).appointment
        if not _is_party(booked, actor):
            raise NotPermitted
        if booked.mode is not Mode.ONLINE:
            raise Invalid.field("/owner_id", "must be an online booking", "not_allowed")
        return Owner(clinic_id=booked.clinic_id, appointment_id=appointment_id)


def _is_party(booked: Appointment, actor: Actor) -> bool:
    return booked.doctor_id in actor.doctor_ids or booked.patient_id == actor.patient_id


def _may_read_attachment(file: StoredFile, booked: Appointment, actor: Actor) -> bool:
    """What was not sent yet is its sender's alone."""
    is_theirs = file.used_at is not None or file.created_by == actor.user_id
    return is_theirs and _is_party(booked, actor)


def _keeps_pictures(owner: Owner, actor: Actor) -> bool:
    is_theirs = owner.doctor_id is not None and owner.doctor_id in actor.doctor_ids
    return is_theirs or actor.manages(owner.clinic_id)


def _may_delete(file: StoredFile, actor: Actor) -> bool:
    """Documents are deleted by their sender and by the clinic's administrators.

    An attachment of a chat by its sender alone: nobody else of the clinic sees it.
    """
    if file.owner.appointment_id is None:
        return _keeps_pictures(file.owner, actor)
    return file.created_by == actor.user_id or file.owner.clinic_id in actor.admin_of
