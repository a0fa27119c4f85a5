"""What the rows of consultations make."""

from datetime import timedelta
from typing import Any

import asyncpg

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.consultations.domain.guest import Guest, GuestKind
from booking_system.consultations.domain.presence import Media, Sitting, Switch
from booking_system.consultations.domain.room import EndReason, Room
from booking_system.consultations.domain.seat import Seat
from booking_system.consultations.domain.stored import Attachment, Entry, EntryKind, NewEntry
from booking_system.consultations.domain.visit import Visit
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.stored_file import FileId
from booking_system.shared_kernel.mode import Mode

MINUTE = timedelta(minutes=1)


def room_of(row: asyncpg.Record) -> Room:
    """Make the room of a row of `LOOK`."""
    reason = row["end_reason"]
    return Room(
        visit=Visit(
            appointment_id=row["id"],
            clinic_id=row["clinic_id"],
            doctor_id=row["doctor_id"],
            patient_id=row["patient_id"],
            status=AppointmentStatus(row["status"]),
            mode=Mode(row["mode"]),
            revision=row["revision"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            opens_before=row["consultation_opens_minutes"] * MINUTE,
            closes_after=row["consultation_closes_minutes"] * MINUTE,
            relay_only=row["consultation_relay_only"],
        ),
        seq=row["seq"],
        admitted_revision=row["admitted_revision"],
        extended_revision=row["extended_revision"],
        ended_revision=row["ended_revision"],
        end_reason=None if reason is None else EndReason(reason),
        late_revision=row["late_revision"],
        late_minutes=row["late_minutes"],
        doctor_is_elsewhere=row["doctor_is_elsewhere"],
    )


def decided(room: Room) -> dict[str, Any]:
    """Return the columns of what was decided in a room."""
    return {
        "admitted_revision": room.admitted_revision,
        "extended_revision": room.extended_revision,
        "ended_revision": room.ended_revision,
        "end_reason": room.end_reason,
        "late_revision": room.late_revision,
        "late_minutes": room.late_minutes,
    }


def sitting_of(row: asyncpg.Record, room: Room) -> Sitting:
    """Make the sitting of a row of `SITTINGS`."""
    seat = Seat(row["seat"])
    admitted = {Seat.DOCTOR: True, Seat.PATIENT: room.is_admitted}
    return Sitting(
        seat=seat,
        person_id=row["person_id"],
        name=row["name"],
        epoch=row["epoch"],
        client=row["client"],
        media=Media(Switch(row["mic"]), Switch(row["camera"]), Switch(row["screen"])),
        is_admitted=admitted.get(seat, row["is_admitted"] is True),
        delivered=row["delivered_seq"],
        read=row["read_seq"],
        since=row["since"],
        alive_until=row["alive_until"],
        gone_at=row["gone_at"],
        left_at=row["left_at"],
        read_at=row["read_at"],
    )


def entry_of(row: asyncpg.Record) -> Entry:
    """Make the entry of a row."""
    seat, about, reason = row["seat"], row["about"], row["reason"]
    return Entry(
        seq=row["seq"],
        kind=EntryKind(row["kind"]),
        at=row["at"],
        seat=None if seat is None else Seat(seat),
        sender_id=row["sender_id"],
        client_id=row["client_id"],
        text=row["text"],
        file=_attachment_of(row),
        of=None if about is None else Seat(about),
        reason=None if reason is None else EndReason(reason),
    )


def stored(entry: NewEntry) -> dict[str, Any]:
    """Return the columns of a new entry."""
    file = entry.file
    return {
        "kind": entry.kind,
        "seat": entry.seat,
        "sender_id": entry.sender_id,
        "client_id": entry.client_id,
        "text": entry.text,
        "about": entry.of,
        "reason": entry.reason,
        "at": entry.at,
        "file_id": file and file.id,
        "file_name": file and file.filename,
        "file_kind": file and file.kind,
        "file_size": file and file.size,
    }


def numbered(entry: NewEntry, seq: int) -> Entry:
    """Return the entry with its number."""
    return Entry(
        seq=seq,
        kind=entry.kind,
        at=entry.at,
        seat=entry.seat,
        sender_id=entry.sender_id,
        client_id=entry.client_id,
        text=entry.text,
        file=entry.file,
        of=entry.of,
        reason=entry.reason,
    )


def _attachment_of(row: asyncpg.Record) -> Attachment | None:
    if row["file_id"] is None:
        return None
    return Attachment(
        id=FileId(row["file_id"]),
        filename=row["file_name"],
        kind=MediaKind(row["file_kind"]),
        size=row["file_size"],
    )


def guest_of(row: Any) -> Guest:
    """Make the guest of a row."""
    return Guest(
        id=row["id"],
        room_id=row["room_id"],
        kind=GuestKind(row["kind"]),
        name=row["name"],
        invited_by=row["invited_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        removed_at=row["removed_at"],
    )
