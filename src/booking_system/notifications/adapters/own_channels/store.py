"""Accounts of clinics in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from booking_system.directory.records.tables import clinics, patients
from booking_system.identity.records.tables import users
from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.application.own_channel_ports import Person, SealedSecret
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import (
    Account,
    OwnChannel,
    OwnSender,
    Provider,
)
from booking_system.notifications.records.own_tables import clinic_channels
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId, UserId

c = clinic_channels.c
HIDDEN = {"sealed", "key_id", "tried_at"}
SHOWN = tuple(column for column in c if column.key not in HIDDEN)


class PostgresChannels:
    """Keeps them; each call is one transaction."""

    def __init__(self, database: Database, vault: ChannelVault) -> None:
        """Secrets are read only where something is to be sent, or was."""
        self._database = database
        self._vault = vault

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look in the directory."""
        is_there = (clinics.c.id == clinic_id) & clinics.c.deleted_at.is_(None)
        async with self._database.looking() as connection:
            found = await connection.scalar(select(clinics.c.id).where(is_there))
        return found is not None

    async def of(self, clinic_id: ClinicId, channel: Channel) -> OwnChannel | None:
        """Read it."""
        return await self._one(select(*SHOWN).where(*_its(clinic_id, channel)))

    async def by_id(self, channel_id: UUID) -> OwnChannel | None:
        """Read it."""
        return await self._one(select(*SHOWN).where(c.id == channel_id))

    async def _one(self, wanted: Select[Any]) -> OwnChannel | None:
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else _channel_of(row)

    async def with_secret(self, channel_id: UUID) -> tuple[OwnChannel, str] | None:
        """Return an account with its secret. Raises `UnreadableChannelError`."""
        wanted = select(*SHOWN, c.sealed, c.key_id).where(c.id == channel_id)
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        own = _channel_of(row)
        account = own.account
        secret = self._vault.opened(row.sealed, row.key_id, own.clinic_id, own.channel, account)
        return own, secret

    async def put(
        self, wanted: OwnChannel, secret: SealedSecret | None, *, version: int | None
    ) -> OwnChannel | None:
        """Insert it, or update the version that was seen: of two at once, one changes nothing."""
        account = wanted.account
        values: dict[str, Any] = {
            "provider": account.provider.value,
            "sender": account.sender,
            "target": dict(account.target),
            "options": dict(account.options),
            "hint": wanted.hint,
            "version": wanted.version,
            "changed_at": wanted.changed_at,
            "changed_by": wanted.changed_by,
            "verified_at": wanted.verified_at,
            "failed_at": None,
            "failure": None,
        }
        if secret is not None:
            values |= {"sealed": secret.sealed, "key_id": secret.key_id}
        its = _its(wanted.clinic_id, wanted.channel)
        async with self._database.transaction() as connection:
            if version:
                mine = update(clinic_channels).where(*its, c.id == wanted.id, c.version == version)
                done = await connection.execute(mine.values(values).returning(c.id))
                return wanted if done.one_or_none() is not None else None
            about = {"id": wanted.id, "clinic_id": wanted.clinic_id, "channel": wanted.channel}
            new = insert(clinic_channels).values({**about, **values})
            new = new.on_conflict_do_nothing(index_elements=["clinic_id", "channel"])
            done = await connection.execute(new.returning(c.id))
            return wanted if done.one_or_none() is not None else None

    async def delete(self, clinic_id: ClinicId, channel: Channel, *, version: int | None) -> int:
        """Delete the row behind its lock, and the secret with it."""
        its = _its(clinic_id, channel)
        async with self._database.transaction() as connection:
            there = await connection.scalar(select(c.version).where(*its).with_for_update())
            if there is not None and version in {None, there}:
                await connection.execute(delete(clinic_channels).where(*its))
        return there or 0

    async def begin_try(self, channel_id: UUID, *, now: datetime, rest: timedelta) -> bool:
        """Of two at once one is the first."""
        rested = or_(c.tried_at.is_(None), c.tried_at <= now - rest)
        mine = update(clinic_channels).where(c.id == channel_id, rested).values(tried_at=now)
        async with self._database.transaction() as connection:
            done = await connection.execute(mine.returning(c.id))
            return done.one_or_none() is not None

    async def note(self, own: OwnSender, *, failure: str | None, now: datetime) -> None:
        """Note nothing of a version that is not the present one."""
        values: dict[str, Any] = {"failed_at": now, "failure": failure}
        if failure is None:
            values = {"verified_at": now, "failed_at": None, "failure": None}
        mine = update(clinic_channels).where(c.id == own.channel_id, c.version == own.version)
        async with self._database.transaction() as connection:
            await connection.execute(mine.values(values))

    async def person(self, user_id: UserId, clinic_id: ClinicId) -> Person | None:
        """Read the account, its record as a patient, and the clinic's name."""
        its_record = (patients.c.user_id == users.c.id) & patients.c.deleted_at.is_(None)
        wanted = (
            select(
                users.c.full_name,
                users.c.email,
                patients.c.phone,
                users.c.locale,
                clinics.c.name.label("clinic_name"),
            )
            .select_from(users.outerjoin(patients, its_record))
            .join(clinics, clinics.c.id == clinic_id)
            .where(users.c.id == user_id, users.c.deleted_at.is_(None))
        )
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        return Person(
            name=row.full_name,
            email=row.email,
            phone=row.phone,
            locale=row.locale,
            clinic_name=row.clinic_name,
        )


def _its(clinic_id: ClinicId, channel: Channel) -> Sequence[Any]:
    return c.clinic_id == clinic_id, c.channel == channel.value


def _channel_of(row: Any) -> OwnChannel:
    return OwnChannel(
        id=row.id,
        clinic_id=row.clinic_id,
        channel=Channel(row.channel),
        account=account_of(row),
        hint=row.hint,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        verified_at=row.verified_at,
        failed_at=row.failed_at,
        failure=row.failure,
    )


def account_of(row: Any) -> Account:
    """Return what a row says of an account; JSON may come as text."""
    target, options = (
        orjson.loads(one) if isinstance(one, str) else one for one in (row.target, row.options)
    )
    return Account(
        provider=Provider(row.provider), sender=row.sender, target=target, options=options
    )
