"""A consultation as plain text, which everybody can read and keep: by the clinic's wall clock."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from booking_system.booking.domain.card import AppointmentCard
from booking_system.consultations.domain.room import EndReason
from booking_system.consultations.domain.seat import Seat
from booking_system.consultations.domain.stored import Entry, EntryKind
from booking_system.scheduling.domain.local_time import wall_clock

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Consultation",
        "clinic": "Clinic",
        "doctor": "Doctor",
        "patient": "Patient",
        "guest": "Guest",
        "appointment": "Appointment",
        "zone": "times of",
        "file": "file",
        "bytes": "bytes",
        "admitted": "{who} was let in.",
        "held": "{who} was put on hold.",
        EndReason.ENDED: "The consultation was ended.",
        EndReason.EXPIRED: "The time of the consultation was over.",
        EndReason.CANCELLED: "The appointment was cancelled.",
        EndReason.NO_SHOW: "The appointment was marked as missed.",
        "nothing": "Nothing was written.",
        "not_recorded": "Picture and sound are not recorded.",
    },
    "de": {
        "title": "Sprechstunde",
        "clinic": "Praxis",
        "doctor": "Arzt/Ärztin",
        "patient": "Patient/in",
        "guest": "Gast",
        "appointment": "Termin",
        "zone": "Uhrzeiten von",
        "file": "Datei",
        "bytes": "Byte",
        "admitted": "{who} wurde eingelassen.",
        "held": "{who} wurde in den Warteraum gebeten.",
        EndReason.ENDED: "Die Sprechstunde wurde beendet.",
        EndReason.EXPIRED: "Die Zeit der Sprechstunde war um.",
        EndReason.CANCELLED: "Der Termin wurde abgesagt.",
        EndReason.NO_SHOW: "Der Termin wurde als versäumt vermerkt.",
        "nothing": "Es wurde nichts geschrieben.",
        "not_recorded": "Bild und Ton werden nicht aufgezeichnet.",
    },
}
EXAMPLE: Final = "[2027-03-01 09:02:11] Patient: My camera does not work.\n"
LANGUAGES: Final = {language: language for language in WORDS}


def heading(card: AppointmentCard, words: Mapping[str, str]) -> str:
    """Return what stands above the lines: who and when."""
    booked, zone = card.appointment, card.time_zone
    doctor = " ".join(filter(None, (card.doctor.title, card.doctor.full_name)))
    begins = wall_clock(booked.period.starts_at, zone)
    ends = wall_clock(booked.period.ends_at, zone)
    lines = [
        words["title"],
        "",
        f"{words['clinic']}: {_in_line(card.clinic_name)}",
        f"{words['doctor']}: {_in_line(doctor)}",
        f"{words['patient']}: {_in_line(card.patient_name)}",
        f"{words['appointment']}: {begins:%Y-%m-%d %H:%M}-{ends:%H:%M} ({words['zone']} {zone})",
        words["not_recorded"],
        "",
    ]
    return "\n".join(lines) + "\n"


def lines_of(
    entries: Sequence[Entry],
    card: AppointmentCard,
    guests: Mapping[UUID, str],
    words: Mapping[str, str],
) -> str:
    """Return a paragraph for each entry: when, who, and what."""
    return "".join(_paragraph(one, card, guests, words) for one in entries)


def file_name(card: AppointmentCard) -> str:
    """Return under which name it is kept; it says nothing of anybody."""
    at = wall_clock(card.appointment.period.starts_at, card.time_zone)
    return f"consultation-{at:%Y-%m-%d-%H%M}.txt"


def _paragraph(
    entry: Entry,
    card: AppointmentCard,
    guests: Mapping[UUID, str],
    words: Mapping[str, str],
) -> str:
    at = f"{wall_clock(entry.at, card.time_zone):%Y-%m-%d %H:%M:%S}"
    if entry.kind is EntryKind.ENDED:
        return f"[{at}] {words[entry.reason or EndReason.ENDED]}\n"
    if entry.kind is not EntryKind.CHAT:
        return f"[{at}] {words[entry.kind].format(who=words[entry.of or Seat.PATIENT])}\n"
    who = words[entry.seat or Seat.GUEST]
    name = None if entry.sender_id is None else guests.get(entry.sender_id)
    if entry.seat is Seat.GUEST and name is not None:
        who = f"{who} ({_in_line(name)})"
    said = [_body(entry.text)] if entry.text else []
    if entry.file is not None:
        file = entry.file
        size = f"{file.size} {words['bytes']}"
        said.append(f"({words['file']}: {_in_line(file.filename)}, {size})")
    return f"[{at}] {who}: " + "\n    ".join(said) + "\n"


def _body(text: str) -> str:
    """Indent what goes on: nobody can write a line that looks like somebody else's."""
    return "\n    ".join(text.splitlines())


def _in_line(text: str) -> str:
    return " ".join(text.split())
