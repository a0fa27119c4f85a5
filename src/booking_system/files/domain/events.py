"""What files tell the rest of the world: ids and purposes, no name and nothing of the bytes."""

from dataclasses import dataclass
from typing import ClassVar

from booking_system.files.domain.purposes import FilePurpose
from booking_system.files.domain.stored_file import FileId
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEvent(DomainEvent):
    """Something happened to a file of an appointment."""

    file_id: FileId
    purpose: FilePurpose
    clinic_id: ClinicId
    appointment_id: AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAdded(FileEvent):
    """A document is there to be read, or there again."""

    name: ClassVar[str] = "file.added"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRemoved(FileEvent):
    """A document was deleted."""

    name: ClassVar[str] = "file.removed"
