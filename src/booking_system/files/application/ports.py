"""What files need from outside."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.booking.domain.card import AppointmentCard
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.purposes import Size
from booking_system.files.domain.stored_file import FileId, Owner, StoredFile, Upload
from booking_system.identity.domain.actor import Actor, RoleGrant
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    SessionId,
    UserId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLink:
    """How the bytes of a file are sent: one request, whose address nobody else can make."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFound:
    """An object in the storage; `changed_at` by the storage's clock (UTC)."""

    key: str
    size: int
    changed_at: datetime


class ObjectStore(Protocol):
    """Where bytes are. All calls raise `StorageUnavailable` where they cannot be done now."""

    async def put(self, key: str, content: bytes | str) -> None:
        """Store bytes, or the file at a path of this machine, in one step."""
        ...

    async def receive(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store what comes; what breaks off leaves nothing."""
        ...

    async def size_of(self, key: str) -> int | None:
        """Return how many bytes there are; None: no such object."""
        ...

    async def get(self, key: str) -> bytes:
        """Return all bytes, which are few. Raises `LookupError` without an object."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Return the bytes from `start` to before `end`. Raises `LookupError` without an object."""
        ...

    async def delete(self, keys: Collection[str]) -> None:
        """Remove these objects, of which none need be there."""
        ...

    def under(self, prefix: str) -> AsyncIterator[Sequence[ObjectFound]]:
        """List what lies in a folder, page by page."""
        ...

    async def tidy(self, prefix: str, *, before: datetime) -> None:
        """Remove from a folder what storing that broke off has left behind before then."""
        ...


class UploadLinks(Protocol):
    """Makes addresses for bytes that come."""

    async def of(self, file: StoredFile) -> UploadLink:
        """Return a link that is good until the file's `expires_at`."""
        ...


class Bench(Protocol):
    """Where an upload is looked at."""

    def taken(self, file: StoredFile) -> AbstractAsyncContextManager[Upload]:
        """Fetch the bytes once, as they are now, to a place that nobody else writes to.

        Raises `LookupError` where none have come, and `UploadFault` for more than were announced.
        """
        ...

    def digest(self, content: bytes) -> bytes:
        """Return the SHA-256 of bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that was written anew."""

    kind: MediaKind
    content: bytes


class Pictures(Protocol):
    """Decodes pictures under limits."""

    async def whole(self, upload: Upload) -> Picture:
        """Return it upright and without anything that was said about it, of the same kind.

        Raises `UploadFault`.
        """
        ...

    async def sizes(self, upload: Upload) -> Mapping[Size, Picture]:
        """Return it as everybody may see it. Raises `UploadFault`."""
        ...


class Scanner(Protocol):
    """Looks for malware."""

    async def look(self, upload: Upload) -> None:
        """Return where it is clean, by the scanner's own word.

        Raises `UploadFault` where it is not, `StorageUnavailable` for any other answer and none.
        """
        ...


class Keys(Protocol):
    """Makes keys of objects."""

    def for_upload(self) -> str:
        """Return a random one among those that bytes arrive at."""
        ...

    def for_serving(self) -> str:
        """Return a random one among those that are served."""
        ...


class ServedAddress(Protocol):
    """Where everybody sees a public picture."""

    def __call__(self, file_id: FileId) -> str:
        """Return the whole address."""
        ...


class FileWork(Protocol):
    """One transaction over files."""

    async def add(self, file: StoredFile, *, most_bytes: int, most_of_owner: int) -> None:
        """Store a new one. Raises `StorageFull` beyond what clinic and owner may have."""
        ...

    async def lock(self, file_id: FileId) -> StoredFile | None:
        """Return it as it is, and keep others from changing it."""
        ...

    async def save(self, file: StoredFile, *, before: StoredFile) -> None:
        """Write what is other than before, and what it makes of the clinic's room."""
        ...

    async def remove(self, file: StoredFile) -> None:
        """Remove the row."""
        ...

    async def lock_owner(self, owner: Owner) -> bool:
        """Keep others from changing the clinic's or doctor's picture; False: they are gone."""
        ...

    async def present(self, file: StoredFile) -> StoredFile | None:
        """Return the picture that is shown of the owner now, locked."""
        ...

    async def show(self, owner: Owner, url: str | None, *, at: datetime) -> None:
        """Say where the owner's picture is, and tell of the change."""
        ...

    async def tell(self, file: StoredFile, *, added: bool, at: datetime) -> None:
        """Tell that a document came or went."""
        ...


class FileTransaction(Protocol):
    """Opens one; leaving commits, an exception undoes everything."""

    def __call__(self) -> AbstractAsyncContextManager[FileWork]:
        """Open it."""
        ...


class FileReader(Protocol):
    """Looks at files without a lock."""

    async def read(self, file_id: FileId) -> StoredFile | None:
        """Return one, deleted or not."""
        ...

    async def of_appointment(
        self, appointment_id: AppointmentId, *, after: UUID | None, limit: int
    ) -> Sequence[StoredFile]:
        """Return those that can be read, by age, one more than `limit` where there are more."""
        ...

    async def used_bytes(self, clinic_id: ClinicId) -> int:
        """Return how much room the clinic's files take."""
        ...

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicId | None:
        """Return the clinic of a doctor who is there."""
        ...

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Say whether there is such a clinic."""
        ...


class FileQueue(Protocol):
    """What is due, for the workers, and what the sweep compares."""

    async def claim(
        self, file_id: FileId | None, *, now: datetime, until: datetime, most: int
    ) -> Sequence[StoredFile]:
        """Take the named file, or those that are due, until an instant; a later claim wins.

        The named one is taken only where it is not being looked at already.
        """
        ...

    async def known(self, keys: Collection[str]) -> Collection[str]:
        """Return those of these keys that rows name."""
        ...

    async def served(
        self, prefix: str, *, before: datetime, after: str, limit: int
    ) -> Sequence[StoredFile]:
        """Return readable files below a prefix, by key, that were stored before then."""
        ...

    async def readdress(self, base: str, path: str) -> int:
        """Let addresses of pictures, with `path` inside, begin with `base`; return how many."""
        ...


class SeeAppointment(Protocol):
    """Booking's use case that shows one."""

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> AppointmentCard:
        """Return it. Raises `AppointmentNotFound` where there is none that the actor may see."""
        ...


class GrantsInForce(Protocol):
    """Identity's look at a session."""

    async def __call__(self, user_id: UserId, session_id: SessionId) -> Sequence[RoleGrant] | None:
        """Return the roles that hold; None: the session is over."""
        ...
