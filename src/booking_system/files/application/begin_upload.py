"""Use cases: somebody announces a file, and its bytes come."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from booking_system.files.application.ports import (
    FileReader,
    FileTransaction,
    Keys,
    ObjectStore,
    UploadLink,
    UploadLinks,
)
from booking_system.files.application.rights import FileRights
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.names import clean_name
from booking_system.files.domain.purposes import RULES, FilePurpose
from booking_system.files.domain.refusals import (
    FileNotFound,
    FileNotReady,
    FileRefused,
    FileTooLarge,
    StorageFull,
)
from booking_system.files.domain.stored_file import GRACE, LINK_LIVES, Fault, FileId, StoredFile
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What is said of a file before it comes; `filename` is one line, `sha256` has 32 bytes."""

    purpose: FilePurpose
    owner_id: UUID
    filename: str
    kind: MediaKind
    size: int
    sha256: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A file, and where its bytes go; None: they do not come any more."""

    file: StoredFile
    link: UploadLink | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginUpload:
    """Makes room for a file, and an address for its bytes."""

    rights: FileRights
    links: UploadLinks
    transaction: FileTransaction
    keys: Keys
    clock: Clock
    identities: Identities
    most_bytes: int

    async def __call__(self, announced: Announced, actor: Actor) -> Begun:
        """Return it. Raises `NotFound`, `NotPermitted`, `Invalid`, `FileTooLarge`, `StorageFull`.

        `most_bytes` is the room of a clinic.
        """
        rules = RULES[announced.purpose]
        if announced.kind not in rules.kinds:
            kinds = ", ".join(sorted(rules.kinds))
            raise Invalid.field("/content_type", f"must be one of {kinds}", "not_allowed")
        owner = await self.rights.owner(announced.purpose, announced.owner_id, actor)
        if announced.size > rules.most_bytes:
            raise FileTooLarge
        if announced.size > self.most_bytes:
            raise StorageFull
        now = self.clock.now()
        file = StoredFile(
            id=FileId(self.identities.new()),
            purpose=announced.purpose,
            owner=owner,
            created_by=actor.user_id,
            filename=clean_name(announced.filename, announced.kind),
            kind=announced.kind,
            size=announced.size,
            sha256=announced.sha256,
            upload_key=self.keys.for_upload(),
            stored_bytes=announced.size,
            created_at=now,
            expires_at=now + LINK_LIVES,
            due_at=now + LINK_LIVES + GRACE,
        )
        link = await self.links.of(file)
        async with self.transaction() as work:
            await work.add(file, most_bytes=self.most_bytes, most_of_owner=rules.most_of_owner)
        return Begun(file=file, link=link)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFile:
    """Shows what is known of a file, to people who may see it."""

    rights: FileRights
    links: UploadLinks
    clock: Clock

    async def __call__(self, *, file_id: FileId, actor: Actor) -> Begun:
        """Return it, with an address for its bytes while they may come. Raises `FileNotFound`."""
        file = await self.rights.seen(file_id, actor)
        link = await self.links.of(file) if file.takes_bytes(self.clock.now()) else None
        return Begun(file=file, link=link)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveUpload:
    """Stores bytes that come to an address of ours; the address was looked at before."""

    reader: FileReader
    objects: ObjectStore
    clock: Clock

    async def __call__(
        self, *, file_id: FileId, length: int | None, pieces: AsyncIterator[bytes]
    ) -> None:
        """Store them where nobody reads. Sent again, they take the place of those before.

        `length` is what the request says of its body. Raises `FileNotFound`, `FileRefused` for
        more or fewer bytes than were announced, `FileNotReady` for bytes that come too late.
        """
        file = await self.reader.read(file_id)
        if file is None:
            raise FileNotFound
        if not file.takes_bytes(self.clock.now()):
            raise FileNotReady(TOO_LATE)
        if length is not None and length != file.size:
            raise FileRefused(Fault.SIZE.detail)
        await self.objects.receive(file.upload_key, _counted(pieces, file.size))
        file = await self.reader.read(file_id)
        if file is None:
            # It was given up meanwhile; what came is in nobody's way, and is swept.
            raise FileNotFound


TOO_LATE = "The bytes of this file are not taken any more."


async def _counted(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Raise `FileRefused` before more than announced is stored, or for less at the end."""
    read = 0
    async for piece in pieces:
        read += len(piece)
        if read > size:
            raise FileRefused(Fault.SIZE.detail)
        if piece:
            yield piece
    if read != size:
        raise FileRefused(Fault.SIZE.detail)
