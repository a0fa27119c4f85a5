"""A file: what was announced, what came, and what becomes of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

from booking_system.files.domain.kinds import Edges, MediaKind, kind_of
from booking_system.files.domain.purposes import RULES, FilePurpose, Rules
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId, UserId

FileId = NewType("FileId", UUID)

LINK_LIVES = timedelta(minutes=15)
"""So long the address for the bytes is good."""
READ_LIVES = timedelta(minutes=5)
"""So long an address to read a private file is good."""
GRACE = timedelta(hours=1)
"""So long behind that an upload may be completed; then it is given up."""
REFUSED_KEPT = timedelta(days=1)
"""So long it is told why a file was refused."""
RESTORABLE = timedelta(days=30)
"""So long a deleted file can be brought back."""
SOONEST_AGAIN = timedelta(seconds=20)
LATEST_AGAIN = timedelta(hours=1)
MOST_TRIES = 80
"""About three days: nobody waits for it any more."""


class FileState(StrEnum):
    """How far it has come. `lost`: its bytes are gone from the storage, which staff are told."""

    UPLOADING = "uploading"
    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"
    LOST = "lost"


class Fault(StrEnum):
    """Why the bytes of an upload are not stored."""

    EMPTY = "empty"
    SIZE = "size"
    CHECKSUM = "checksum"
    KIND = "kind"
    PICTURE = "picture"
    MALWARE = "malware"
    OWNER_GONE = "owner_gone"
    UNCHECKED = "unchecked"

    @property
    def detail(self) -> str:
        """What a client is told."""
        return DETAILS[self]


DETAILS = {
    Fault.EMPTY: "The file is empty.",
    Fault.SIZE: "The file has not as many bytes as were announced.",
    Fault.CHECKSUM: "The file's bytes do not have the checksum that was announced.",
    Fault.KIND: "The file is not of the kind that was announced.",
    Fault.PICTURE: "The picture cannot be used: it is broken, moves, or has too many pixels.",
    Fault.MALWARE: "The virus scanner takes the file for malware.",
    Fault.UNCHECKED: "The file could not be checked: the scanner gave no answer to it for days.",
    Fault.OWNER_GONE: "What the file belongs to is not there any more.",
}


class UploadFault(Exception):
    """The bytes of an upload are not stored, for good."""

    def __init__(self, fault: Fault) -> None:
        """`fault` says why."""
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What a file belongs to, in a clinic: the clinic itself, a doctor, or an appointment."""

    clinic_id: ClinicId
    doctor_id: DoctorId | None = None
    appointment_id: AppointmentId | None = None

    @property
    def id(self) -> UUID:
        """The id of the thing itself."""
        return self.appointment_id or self.doctor_id or self.clinic_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Bytes as they came, in one place that nobody else writes to.

    `path` is where they lie on this machine, for as long as they are looked at.
    """

    path: str
    size: int
    sha256: bytes
    edges: Edges


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file. Sizes in bytes, instants in UTC.

    `upload_key` is where its bytes arrive, which a signature has named; `served_key` another place,
    which none ever did. `size` and `sha256` are what was announced, then what is stored.
    `stored_bytes` is what counts against the clinic's room. When something is to be done with the
    row it is `due_at`: given up, looked at, removed. Until it is `used_at` an instant, what waits
    for its use is kept for a short time. `fence` counts the claims of it.
    """

    id: FileId
    purpose: FilePurpose
    owner: Owner
    created_by: UserId
    state: FileState = FileState.UPLOADING
    filename: str
    kind: MediaKind
    size: int
    sha256: bytes | None
    upload_key: str
    served_key: str | None = None
    stored_bytes: int
    fault: Fault | None = None
    created_at: datetime
    expires_at: datetime
    completed_at: datetime | None = None
    deleted_at: datetime | None = None
    used_at: datetime | None = None
    due_at: datetime | None
    fence: int = 0
    tries: int = 0

    @property
    def rules(self) -> Rules:
        """What holds for its purpose."""
        return RULES[self.purpose]

    @property
    def is_readable(self) -> bool:
        """Say whether there are bytes that may go out."""
        return self.state is FileState.READY and self.deleted_at is None

    @property
    def is_document(self) -> bool:
        """Say whether all who see its appointment are told of it."""
        return self.purpose is FilePurpose.BOOKING_DOCUMENT

    def takes_bytes(self, now: datetime) -> bool:
        """Say whether its bytes may still come."""
        is_open = self.state is FileState.UPLOADING and self.deleted_at is None
        return is_open and now < self.expires_at

    def judged(self, upload: Upload) -> None:
        """Raise `UploadFault` unless the bytes are what was announced."""
        if upload.size == 0:
            raise UploadFault(Fault.EMPTY)
        if upload.size != self.size:
            raise UploadFault(Fault.SIZE)
        if self.sha256 is not None and upload.sha256 != self.sha256:
            raise UploadFault(Fault.CHECKSUM)
        if kind_of(upload.edges) is not self.kind:
            raise UploadFault(Fault.KIND)

    def ready(
        self, *, kind: MediaKind, size: int, sha256: bytes, stored: int, at: datetime
    ) -> Self:
        """Return it with its bytes stored; `stored` is the sum of all its parts."""
        return replace(
            self,
            state=FileState.READY,
            kind=kind,
            size=size,
            sha256=sha256,
            stored_bytes=stored,
            completed_at=at,
            due_at=self._kept_until(at),
        )

    def refused(self, fault: Fault, *, at: datetime) -> Self:
        """Return it without bytes."""
        return replace(
            self,
            state=FileState.REFUSED,
            fault=fault,
            stored_bytes=0,
            served_key=None,
            due_at=at + REFUSED_KEPT,
        )

    def waiting(self) -> Self:
        """Return it as it was before somebody asked for bytes that are not there yet."""
        return replace(
            self,
            state=FileState.UPLOADING,
            served_key=None,
            due_at=self.expires_at + GRACE,
        )

    def later(self, *, at: datetime) -> Self:
        """Return it to be looked at again: after seconds, then ever later; refused after days."""
        if self.tries >= MOST_TRIES:
            return self.refused(Fault.UNCHECKED, at=at)
        pause = min(SOONEST_AGAIN * 2 ** min(self.tries, 10), LATEST_AGAIN)
        return replace(self, served_key=None, tries=self.tries + 1, due_at=at + pause)

    def deleted(self, *, at: datetime) -> Self:
        """Return it as nobody sees it; what is not stored is gone at once."""
        is_kept = self.state is FileState.READY
        return replace(self, deleted_at=at, due_at=at + RESTORABLE if is_kept else at)

    def is_restorable(self, now: datetime) -> bool:
        """Say whether it can be brought back: from then on its bytes may be on their way out."""
        if self.deleted_at is None or self.state is not FileState.READY:
            return False
        return now < self.deleted_at + RESTORABLE

    def restored(self, *, at: datetime) -> Self:
        """Return it as it was; what was to be kept until some day is kept until that day.

        A worker whose clock is ahead may have claimed it for removal: its claim counts no more.
        """
        due_at = self._kept_until(self.completed_at or at)
        return replace(self, deleted_at=None, due_at=due_at, fence=self.fence + 1)

    def _kept_until(self, since: datetime) -> datetime | None:
        rules = self.rules
        is_waiting = rules.waits is not None and self.used_at is None
        kept = rules.waits if is_waiting else rules.kept
        return None if kept is None else since + kept
