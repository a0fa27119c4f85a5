"""Use cases: what is due is done, and rows and objects are compared, in both directions."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking_system.files.application.check_upload import LEASE, CheckUpload, keys_of, part_of
from booking_system.files.application.ports import (
    FileQueue,
    FileTransaction,
    ObjectFound,
    ObjectStore,
)
from booking_system.files.domain.refusals import StorageUnavailable
from booking_system.files.domain.stored_file import FileId, FileState, StoredFile
from booking_system.shared_kernel.clock import Clock

AT_A_TIME = 4
ORPHAN_AFTER = timedelta(hours=48)
"""An object that no row knows is old by then, and no upload of a row to come."""
SETTLED_AFTER = timedelta(hours=1)
"""A row is compared once it was there well before its folder was listed."""
ROWS = 500
QUARANTINE, SERVED = "quarantine", "served"
SHARDS = [f"{number:02x}" for number in range(256)]
"""The folders below each, by the first signs of the random part of a key."""

LostFile = Callable[[FileId], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoDue:
    """Gives uploads up, looks at those that wait, and removes what nobody may read any more."""

    queue: FileQueue
    objects: ObjectStore
    transaction: FileTransaction
    check: CheckUpload
    clock: Clock

    async def __call__(self) -> int:
        """Do some, and return how many there were. What fails is due again later."""
        now = self.clock.now()
        due = await self.queue.claim(None, now=now, until=now + LEASE, most=AT_A_TIME)
        for file in due:
            try:
                if file.state is FileState.CHECKING and file.deleted_at is None:
                    await self.check(file)
                else:
                    await self._remove(file)
            except StorageUnavailable:
                continue
        return len(due)

    async def _remove(self, claim: StoredFile) -> None:
        """Objects first: a row that is left is due again, an object would be found by nobody."""
        await self.objects.delete([claim.upload_key, *keys_of(claim, claim.served_key)])
        async with self.transaction() as work:
            file = await work.lock(claim.id)
            if file is None or file.fence != claim.fence:
                return
            await work.remove(file)
            is_over = file.state is FileState.READY and file.deleted_at is None
            if is_over and file.is_document:
                await work.tell(file, added=False, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Compares one folder of the storage with the rows.

    An object without a row is removed once it is old. A file whose objects are gone is marked: it
    is told of in the log, and its readers are told that it is not there.
    """

    queue: FileQueue
    objects: ObjectStore
    transaction: FileTransaction
    clock: Clock
    tell_lost: LostFile

    async def __call__(self, shard: str) -> None:
        """Compare the folders of a shard. Raises `StorageUnavailable`."""
        began = self.clock.now()
        for place in (QUARANTINE, SERVED):
            await self.objects.tidy(f"{place}/{shard}", before=began - ORPHAN_AFTER)
        await self._orphans(f"{QUARANTINE}/{shard}", before=began - ORPHAN_AFTER, found={})
        found: dict[str, set[str]] = defaultdict(set)
        await self._orphans(f"{SERVED}/{shard}", before=began - ORPHAN_AFTER, found=found)
        await self._missing(f"{SERVED}/{shard}", before=began - SETTLED_AFTER, found=found)

    async def _orphans(self, prefix: str, *, before: datetime, found: dict[str, set[str]]) -> None:
        async for page in self.objects.under(prefix):
            bases = {one.key: _base_of(one) for one in page}
            known = await self.queue.known(set(bases.values()))
            for one in page:
                base = bases[one.key]
                if base in known and prefix.startswith(SERVED):
                    found.setdefault(base, set()).add(one.key)
            orphans = [
                one.key for one in page if bases[one.key] not in known and one.changed_at < before
            ]
            if orphans:
                await self.objects.delete(orphans)

    async def _missing(self, prefix: str, *, before: datetime, found: dict[str, set[str]]) -> None:
        after = ""
        while rows := await self.queue.served(prefix, before=before, after=after, limit=ROWS):
            for file in rows:
                assert file.served_key is not None, "it was found by that"
                after = file.served_key
                wanted = {part_of(after, part) for part in file.rules.parts}
                for key in wanted - found.get(after, set()):
                    if await self.objects.size_of(key) is None:
                        await self._lose(file)
                        break

    async def _lose(self, seen: StoredFile) -> None:
        is_picture = seen.owner.appointment_id is None
        async with self.transaction() as work:
            if is_picture:
                await work.lock_owner(seen.owner)
            file = await work.lock(seen.id)
            if file is None or not file.is_readable:
                return
            await work.save(replace(file, state=FileState.LOST, due_at=None), before=file)
            if is_picture:
                await work.show(file.owner, None, at=self.clock.now())
        self.tell_lost(seen.id)


def _base_of(one: ObjectFound) -> str:
    """The key that a row has: of what is served, without its part."""
    return one.key.rpartition("/")[0] if one.key.startswith(f"{SERVED}/") else one.key
