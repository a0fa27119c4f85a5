"""Use cases: files go out, to people who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.files.application.check_upload import part_of
from booking_system.files.application.ports import (
    FileReader,
    GrantsInForce,
    ObjectStore,
    SeeAppointment,
)
from booking_system.files.application.rights import FileRights
from booking_system.files.domain.purposes import Size
from booking_system.files.domain.refusals import FileNotFound
from booking_system.files.domain.stored_file import FileId, StoredFile
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, SessionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A file that goes out whole or in part: all its bytes are under `key`."""

    file: StoredFile
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """Lets a private file out."""

    rights: FileRights
    grants: GrantsInForce

    async def __call__(self, *, file_id: FileId, actor: Actor) -> Outgoing:
        """Return it. Raises `FileNotFound`, also where its bytes are not there (yet)."""
        file = await self.rights.seen(file_id, actor)
        if not file.is_readable or file.rules.is_public:
            raise FileNotFound
        assert file.served_key is not None, "a file that can be read is somewhere"
        return Outgoing(file=file, key=part_of(file.served_key, file.rules.parts[-1]))

    async def by_link(
        self, *, file_id: FileId, user_id: UserId, session_id: SessionId
    ) -> tuple[Outgoing, Actor]:
        """Return it to the holder of a link, and for whom the link was made.

        What counts is what they may see now, by the session that the link was made in. Raises
        `FileNotFound`.
        """
        actor = await self.actor(user_id, session_id)
        return await self(file_id=file_id, actor=actor), actor

    async def actor(self, user_id: UserId, session_id: SessionId) -> Actor:
        """Return who this is as of now. Raises `FileNotFound` where the session is over."""
        grants = await self.grants(user_id, session_id)
        if grants is None:
            raise FileNotFound
        return Actor.of(user_id, session_id, grants)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPicture:
    """Shows everybody a logo or a photo."""

    reader: FileReader
    objects: ObjectStore

    async def __call__(self, *, file_id: FileId, size: Size) -> tuple[StoredFile, bytes]:
        """Return it and its bytes. Raises `FileNotFound`."""
        file = await self.reader.read(file_id)
        if file is None or not file.is_readable or not file.rules.is_public:
            raise FileNotFound
        assert file.served_key is not None, "a file that can be read is somewhere"
        try:
            return file, await self.objects.get(part_of(file.served_key, size))
        except LookupError:
            raise FileNotFound from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocuments:
    """Lists the documents of an appointment."""

    see: SeeAppointment
    reader: FileReader

    async def __call__(
        self, *, appointment_id: AppointmentId, after: UUID | None, limit: int, actor: Actor
    ) -> Sequence[StoredFile]:
        """Return a page, the oldest first, one more than `limit` where there are more.

        Raises `AppointmentNotFound`.
        """
        await self.see(appointment_id=appointment_id, actor=actor)
        return await self.reader.of_appointment(appointment_id, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStorage:
    """Tells a clinic how much room its files take."""

    reader: FileReader

    async def __call__(self, *, clinic_id: ClinicId, actor: Actor) -> int:
        """Return how many bytes. Raises `NotFound`, `NotPermitted`."""
        if not await self.reader.has_clinic(clinic_id):
            raise NotFound
        if not actor.manages(clinic_id):
            raise NotPermitted
        return await self.reader.used_bytes(clinic_id)
