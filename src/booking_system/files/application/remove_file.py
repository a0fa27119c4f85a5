"""Use cases: a file is deleted, and brought back."""

from dataclasses import dataclass

from booking_system.files.application.ports import FileTransaction, ServedAddress
from booking_system.files.application.rights import FileRights
from booking_system.files.domain.refusals import FileNotFound, RestoreConflict
from booking_system.files.domain.stored_file import FileId, FileState, StoredFile
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFile:
    """From now on nobody sees it; its bytes are kept for a while."""

    rights: FileRights
    transaction: FileTransaction
    clock: Clock

    async def __call__(self, *, file_id: FileId, actor: Actor) -> None:
        """Raises `FileNotFound`, `NotPermitted`."""
        seen = await self.rights.deletable(file_id, actor)
        now = self.clock.now()
        is_picture = seen.owner.appointment_id is None
        async with self.transaction() as work:
            if is_picture:
                await work.lock_owner(seen.owner)
            file = await work.lock(file_id)
            if file is None or file.deleted_at is not None:
                raise FileNotFound
            await work.save(file.deleted(at=now), before=file)
            if file.state is FileState.READY:
                if is_picture:
                    await work.show(file.owner, None, at=now)
                elif file.is_document:
                    await work.tell(file, added=False, at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFile:
    """It is there again, if nothing else has taken its place."""

    rights: FileRights
    transaction: FileTransaction
    address: ServedAddress
    clock: Clock

    async def __call__(self, *, file_id: FileId, actor: Actor) -> StoredFile:
        """Return it. Raises `FileNotFound`, `RestoreConflict`."""
        seen = await self.rights.seen(file_id, actor, deleted=True)
        now = self.clock.now()
        is_picture = seen.owner.appointment_id is None
        async with self.transaction() as work:
            if is_picture and not await work.lock_owner(seen.owner):
                raise FileNotFound
            file = await work.lock(file_id)
            if file is None or not file.is_restorable(now):
                raise FileNotFound
            if is_picture and await work.present(file) is not None:
                raise RestoreConflict
            restored = file.restored(at=now)
            await work.save(restored, before=file)
            if is_picture:
                await work.show(file.owner, self.address(file.id), at=now)
            elif file.is_document:
                await work.tell(restored, added=True, at=now)
        return restored
