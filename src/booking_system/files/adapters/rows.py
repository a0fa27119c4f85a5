"""Rows of files, and what they make."""

from typing import Any

from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.purposes import FilePurpose
from booking_system.files.domain.stored_file import Fault, FileId, FileState, Owner, StoredFile
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId, UserId

MOVING = (
    "state",
    "kind",
    "size",
    "sha256",
    "served_key",
    "stored_bytes",
    "fault",
    "completed_at",
    "deleted_at",
    "due_at",
    "fence",
    "tries",
)
"""What changes about a file. The fence is counted by claims, and by what makes them void."""


def file_of(row: Any) -> StoredFile:
    """Make a file of a row of the table."""
    doctor_id, appointment_id = row["doctor_id"], row["appointment_id"]
    return StoredFile(
        id=FileId(row["id"]),
        purpose=FilePurpose(row["purpose"]),
        owner=Owner(
            clinic_id=ClinicId(row["clinic_id"]),
            doctor_id=doctor_id and DoctorId(doctor_id),
            appointment_id=appointment_id and AppointmentId(appointment_id),
        ),
        created_by=UserId(row["created_by"]),
        state=FileState(row["state"]),
        filename=row["filename"],
        kind=MediaKind(row["kind"]),
        size=row["size"],
        sha256=row["sha256"],
        upload_key=row["upload_key"],
        served_key=row["served_key"],
        stored_bytes=row["stored_bytes"],
        fault=row["fault"] and Fault(row["fault"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        completed_at=row["completed_at"],
        deleted_at=row["deleted_at"],
        used_at=row["used_at"],
        due_at=row["due_at"],
        fence=row["fence"],
        tries=row["tries"],
    )


def values_of(file: StoredFile) -> dict[str, Any]:
    """Return all columns of a new row."""
    owner = file.owner
    return {
        "id": file.id,
        "purpose": file.purpose,
        "clinic_id": owner.clinic_id,
        "doctor_id": owner.doctor_id,
        "appointment_id": owner.appointment_id,
        "created_by": file.created_by,
        "filename": file.filename,
        "upload_key": file.upload_key,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "used_at": file.used_at,
        "fence": file.fence,
        **moving(file),
    }


def moving(file: StoredFile) -> dict[str, Any]:
    """Return the columns that change."""
    return {name: getattr(file, name) for name in MOVING}
