"""Use cases: an upload is completed, looked at, and put where it is served from."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from booking_system.files.application.ports import (
    Bench,
    FileQueue,
    FileReader,
    FileTransaction,
    FileWork,
    Keys,
    ObjectStore,
    Pictures,
    Scanner,
    ServedAddress,
)
from booking_system.files.application.rights import FileRights
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.purposes import WHOLE
from booking_system.files.domain.refusals import (
    FileNotFound,
    FileNotReady,
    FileRefused,
    StorageUnavailable,
)
from booking_system.files.domain.stored_file import (
    Fault,
    FileId,
    FileState,
    StoredFile,
    Upload,
    UploadFault,
)
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock

LEASE = timedelta(minutes=2)
"""So long nobody else looks at what was claimed."""
PATIENCE_SECONDS = 3.0
"""So long a request waits for what it asked for; then a worker goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was put where it is served from."""

    key: str
    kind: MediaKind
    sha256: bytes
    size: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUpload:
    """Looks at what came, outside of any transaction, and stores it in another place.

    The bytes are fetched once, so that nobody can exchange them behind the look.
    """

    bench: Bench
    objects: ObjectStore
    pictures: Pictures
    scanner: Scanner
    keys: Keys
    transaction: FileTransaction
    address: ServedAddress
    clock: Clock

    async def __call__(self, claim: StoredFile) -> None:
        """Do it. Where it cannot be done now, it is due again later; nothing passes unseen."""
        key = self.keys.for_serving()
        try:
            async with self.bench.taken(claim) as upload:
                stored = await self._put(claim, upload, key)
            kept = await self._finish(claim, stored)
        except LookupError:
            await self._end(claim, claim.waiting())
            return
        except UploadFault as refused:
            await self._end(claim, claim.refused(refused.fault, at=self.clock.now()))
            await self.objects.delete([claim.upload_key, *keys_of(claim, key)])
            return
        except (StorageUnavailable, asyncio.CancelledError, TimeoutError):
            await self._end(claim, claim.later(at=self.clock.now()))
            with suppress(StorageUnavailable):
                await self.objects.delete(keys_of(claim, key))
            raise
        left = [claim.upload_key] if kept else keys_of(claim, key)
        await self.objects.delete(left)

    async def _put(self, file: StoredFile, upload: Upload, key: str) -> Stored:
        file.judged(upload)
        await self.scanner.look(upload)
        if file.rules.is_public:
            sizes = await self.pictures.sizes(upload)
            parts = {str(size): picture.content for size, picture in sizes.items()}
            largest = list(sizes.values())[-1]
            return await self._stored(key, largest.kind, parts)
        if file.kind.is_picture:
            picture = await self.pictures.whole(upload)
            return await self._stored(key, picture.kind, {WHOLE: picture.content})
        await self.objects.put(part_of(key, WHOLE), upload.path)
        return Stored(
            key=key, kind=file.kind, sha256=upload.sha256, size=upload.size, total=upload.size
        )

    async def _stored(self, key: str, kind: MediaKind, parts: Mapping[str, bytes]) -> Stored:
        for part, content in parts.items():
            await self.objects.put(part_of(key, part), content)
        last = list(parts.values())[-1]
        total = sum(len(content) for content in parts.values())
        return Stored(
            key=key, kind=kind, sha256=self.bench.digest(last), size=len(last), total=total
        )

    async def _finish(self, claim: StoredFile, stored: Stored) -> bool:
        """Let it be served; False: somebody else has looked at it, or it is not wanted any more."""
        now = self.clock.now()
        async with self.transaction() as work:
            if claim.owner.appointment_id is None and not await work.lock_owner(claim.owner):
                raise UploadFault(Fault.OWNER_GONE)
            file = await work.lock(claim.id)
            if file is None or not _is_ours(file, claim):
                return False
            ready = replace(
                file.ready(
                    kind=stored.kind,
                    size=stored.size,
                    sha256=stored.sha256,
                    stored=stored.total,
                    at=now,
                ),
                served_key=stored.key,
            )
            if file.owner.appointment_id is None:
                await self._take_place(work, file)
            await work.save(ready, before=file)
            if file.owner.appointment_id is None:
                await work.show(file.owner, self.address(file.id), at=now)
            elif file.is_document:
                await work.tell(ready, added=True, at=now)
        return True

    async def _take_place(self, work: FileWork, file: StoredFile) -> None:
        before = await work.present(file)
        if before is not None:
            await work.save(before.deleted(at=self.clock.now()), before=before)

    async def _end(self, claim: StoredFile, then: StoredFile) -> None:
        async with self.transaction() as work:
            file = await work.lock(claim.id)
            if file is not None and _is_ours(file, claim):
                await work.save(replace(then, fence=file.fence), before=file)


def _is_ours(file: StoredFile, claim: StoredFile) -> bool:
    is_unchanged = file.fence == claim.fence and file.state is FileState.CHECKING
    return is_unchanged and file.deleted_at is None


def part_of(key: str, part: str) -> str:
    """Return the key of one object of a file."""
    return f"{key}/{part}"


def keys_of(file: StoredFile, served_key: str | None) -> list[str]:
    """Return the keys of all objects that may be served of a file."""
    return [part_of(served_key, part) for part in file.rules.parts] if served_key else []


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteUpload:
    """All bytes have been sent: they are looked at now."""

    rights: FileRights
    reader: FileReader
    queue: FileQueue
    transaction: FileTransaction
    check: CheckUpload
    clock: Clock

    async def __call__(self, *, file_id: FileId, actor: Actor) -> StoredFile:
        """Return it, `ready`, or `checking` where that takes longer; again, the same.

        Raises `FileNotFound`, `FileNotReady` where no bytes have come, `FileRefused`.
        """
        await self.rights.seen(file_id, actor)
        await self._ask(file_id)
        now = self.clock.now()
        for claim in await self.queue.claim(file_id, now=now, until=now + LEASE, most=1):
            await self._looked_at(claim)
        file = await self.reader.read(file_id)
        if file is None or file.deleted_at is not None:
            raise FileNotFound
        if file.state is FileState.UPLOADING:
            raise FileNotReady
        if file.fault is not None:
            raise FileRefused(file.fault.detail)
        return file

    async def _ask(self, file_id: FileId) -> None:
        async with self.transaction() as work:
            file = await work.lock(file_id)
            if file is not None and file.state is FileState.UPLOADING:
                asked = replace(file, state=FileState.CHECKING, due_at=self.clock.now())
                await work.save(asked, before=file)

    async def _looked_at(self, claim: StoredFile) -> None:
        """What cannot be done now, or takes long, a worker goes on with."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.check(claim)
        except (TimeoutError, StorageUnavailable):
            return
