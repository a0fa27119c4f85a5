"""Files in PostgreSQL: the transaction in which a file and its owner change together."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.directory.domain.events import ClinicChanged, DoctorChanged
from booking_system.directory.records import pictures
from booking_system.files.adapters import statements as sql
from booking_system.files.adapters.rows import file_of, moving, values_of
from booking_system.files.application.ports import FileWork
from booking_system.files.domain.events import FileAdded, FileRemoved
from booking_system.files.domain.purposes import FilePurpose
from booking_system.files.domain.refusals import StorageFull
from booking_system.files.domain.stored_file import FileId, Owner, StoredFile
from booking_system.platform.postgres.outbox import RECORD, events_text
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId


class PostgresFileWork:
    """One transaction on the driver's own connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def add(self, file: StoredFile, *, most_bytes: int, most_of_owner: int) -> None:
        """Take the room first: the others of the clinic wait for that."""
        owner = file.owner
        taken = await sql.TAKE.fetchval(
            self._connection, clinic_id=owner.clinic_id, bytes=file.stored_bytes, most=most_bytes
        )
        counting = sql.COUNT[file.purpose]
        count = await counting.fetchval(self._connection, owner_id=owner.id)
        if taken is None or count >= most_of_owner:
            raise StorageFull
        await sql.ADD.execute(self._connection, **values_of(file))

    async def lock(self, file_id: FileId) -> StoredFile | None:
        """Take the row."""
        row = await sql.LOCK.fetchrow(self._connection, file_id=file_id)
        return None if row is None else file_of(row)

    async def save(self, file: StoredFile, *, before: StoredFile) -> None:
        """Write what changes, and the difference of room."""
        await sql.SAVE.execute(self._connection, file_id=file.id, **moving(file))
        await self._change_room(file.owner, file.stored_bytes - before.stored_bytes)

    async def remove(self, file: StoredFile) -> None:
        """Delete the row, and give its room back."""
        await sql.REMOVE.execute(self._connection, file_id=file.id)
        await self._change_room(file.owner, -file.stored_bytes)

    async def lock_owner(self, owner: Owner) -> bool:
        """Take the row of the doctor, or of the clinic."""
        lock = pictures.LOCK_DOCTOR if owner.doctor_id else pictures.LOCK_CLINIC
        return await lock.fetchval(self._connection, identity=owner.id) is not None

    async def present(self, file: StoredFile) -> StoredFile | None:
        """Look by the unique index."""
        is_photo = file.purpose is FilePurpose.DOCTOR_PHOTO
        wanted = sql.PRESENT_PHOTO if is_photo else sql.PRESENT_LOGO
        row = await wanted.fetchrow(self._connection, owner_id=file.owner.id)
        return None if row is None else file_of(row)

    async def show(self, owner: Owner, url: str | None, *, at: datetime) -> None:
        """Write it into the directory, as a change of the doctor or the clinic."""
        setting = pictures.SET_PHOTO if owner.doctor_id else pictures.SET_LOGO
        version = await setting.fetchval(self._connection, identity=owner.id, url=url, now=at)
        if version is None:
            return
        told: DomainEvent
        if owner.doctor_id is None:
            told = ClinicChanged(occurred_at=at, clinic_id=owner.clinic_id, version=version)
        else:
            told = DoctorChanged(
                occurred_at=at,
                clinic_id=owner.clinic_id,
                doctor_id=owner.doctor_id,
                version=version,
            )
        await self._record(told)

    async def tell(self, file: StoredFile, *, added: bool, at: datetime) -> None:
        """Record it."""
        assert file.owner.appointment_id is not None, "pictures are told of by their owners"
        kind = FileAdded if added else FileRemoved
        await self._record(
            kind(
                occurred_at=at,
                file_id=file.id,
                purpose=file.purpose,
                clinic_id=file.owner.clinic_id,
                appointment_id=file.owner.appointment_id,
            )
        )

    async def _record(self, event: DomainEvent) -> None:
        await RECORD.execute(self._connection, events=events_text([event]))

    async def _change_room(self, owner: Owner, by: int) -> None:
        if by:
            await sql.CHANGE_ROOM.execute(self._connection, clinic_id=owner.clinic_id, bytes=by)


class PostgresFiles:
    """Opens transactions, looks at files, and hands out what is due."""

    def __init__(self, database: Database) -> None:
        """`database` is the primary: rights follow from it."""
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FileWork]:
        """Open one."""
        async with self._database.driver_transaction() as connection:
            yield PostgresFileWork(connection)

    async def read(self, file_id: FileId) -> StoredFile | None:
        """Look at one."""
        async with self._database.reading() as connection:
            row = await sql.READ.fetchrow(connection, file_id=file_id)
        return None if row is None else file_of(row)

    async def of_appointment(
        self, appointment_id: AppointmentId, *, after: UUID | None, limit: int
    ) -> Sequence[StoredFile]:
        """Read a page by keyset on the id."""
        about: dict[str, Any] = {"appointment_id": appointment_id, "after": after}
        async with self._database.reading() as connection:
            rows = await sql.OF_APPOINTMENT.fetch(connection, **about, most=limit + 1)
        return [file_of(row) for row in rows]

    async def used_bytes(self, clinic_id: ClinicId) -> int:
        """Read the sum."""
        async with self._database.reading() as connection:
            return await sql.USED.fetchval(connection, clinic_id=clinic_id) or 0

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicId | None:
        """Look at the doctor."""
        async with self._database.reading() as connection:
            found = await pictures.CLINIC_OF.fetchval(connection, doctor_id=doctor_id)
        return found and ClinicId(found)

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look at the clinic."""
        async with self._database.reading() as connection:
            return await pictures.HAS_CLINIC.fetchval(connection, clinic_id=clinic_id) is not None

    async def claim(
        self, file_id: FileId | None, *, now: datetime, until: datetime, most: int
    ) -> Sequence[StoredFile]:
        """Skip what others have locked."""
        async with self._database.driver_transaction() as connection:
            if file_id is None:
                rows = await sql.CLAIM_DUE.fetch(connection, now=now, until=until, most=most)
            else:
                rows = await sql.CLAIM_ONE.fetch(connection, file_id=file_id, now=now, until=until)
        return [file_of(row) for row in rows]

    async def known(self, keys: Collection[str]) -> Collection[str]:
        """Look by the unique indexes."""
        async with self._database.reading() as connection:
            rows = await sql.KNOWN.fetch(connection, keys=list(keys))
        return {row[0] for row in rows}

    async def served(
        self, prefix: str, *, before: datetime, after: str, limit: int
    ) -> Sequence[StoredFile]:
        """Read a part of the unique index."""
        first = f"{prefix}/"
        async with self._database.reading() as connection:
            rows = await sql.SERVED.fetch(
                connection,
                after=max(after, first),
                end=f"{prefix}0",
                before=before,
                most=limit,
            )
        return [file_of(row) for row in rows]

    async def readdress(self, base: str, path: str) -> int:
        """Change rows only where the service's own address has changed."""
        changed = 0
        async with self._database.driver_transaction() as connection:
            for statement in pictures.READDRESS:
                told = await statement.execute(connection, base=base, path=path)
                changed += int(told.rpartition(" ")[2])
        return changed
