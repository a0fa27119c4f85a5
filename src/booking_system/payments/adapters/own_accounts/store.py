"""Accounts of clinics in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.records.tables import clinics
from booking_system.payments.adapters.own_accounts.sealing import PaymentVault
from booking_system.payments.application.own_account_ports import SealedKeys
from booking_system.payments.domain.own_account import (
    AccountKeys,
    Named,
    OwnAccount,
    OwnProvider,
)
from booking_system.payments.records.own_tables import clinic_payment_accounts
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId, UserId

t, c = clinic_payment_accounts, clinic_payment_accounts.c
HIDDEN = {"sealed", "key_id"}
SHOWN = tuple(column for column in c if column.key not in HIDDEN)
MOST = 10_000
"""Accounts that are compared at once."""


class PostgresOwnAccounts:
    """Keeps them; each call is one transaction, or a part of the caller's."""

    def __init__(self, database: Database, vault: PaymentVault, clock: Clock) -> None:
        """Keys are read only where a provider is asked, or heard."""
        self._database = database
        self._vault = vault
        self._clock = clock

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look in the directory."""
        is_there = (clinics.c.id == clinic_id) & clinics.c.deleted_at.is_(None)
        async with self._database.looking() as connection:
            found = await connection.scalar(select(clinics.c.id).where(is_there))
        return found is not None

    async def present(self, clinic_id: ClinicId, provider: OwnProvider) -> OwnAccount | None:
        """Read it."""
        return await self._one(select(*SHOWN).where(*_present(clinic_id, provider)))

    async def known(self, clinic_id: ClinicId, named: Named) -> OwnAccount | None:
        """Read it by its name."""
        return await self._one(select(*SHOWN).where(*_its(clinic_id, named)))

    async def keys_of(self, account: OwnAccount) -> AccountKeys | None:
        """Open them. Raises `UnreadableAccountError`."""
        found = await self._with_keys(c.id == account.id)
        return None if found is None else found[1]

    async def by_id(self, account_id: UUID, provider: str) -> tuple[OwnAccount, AccountKeys] | None:
        """Return an account with its keys; None: there is none, or its keys were deleted.

        Raises `UnreadableAccountError`.
        """
        return await self._with_keys(c.id == account_id, c.provider == provider)

    async def chosen(
        self, clinic_id: ClinicId, provider: str
    ) -> tuple[OwnAccount, AccountKeys] | None:
        """Return the present account with its keys. Raises `UnreadableAccountError`."""
        return await self._with_keys(*_present(clinic_id, provider))

    async def all_present(self) -> Sequence[OwnAccount]:
        """Read those of clinics that are there."""
        wanted = (
            select(*SHOWN)
            .join(clinics, clinics.c.id == c.clinic_id)
            .where(c.removed_at.is_(None), clinics.c.deleted_at.is_(None))
            .order_by(c.clinic_id, c.provider)
            .limit(MOST)
        )
        async with self._database.looking() as connection:
            return [_account_of(row) for row in await connection.execute(wanted)]

    async def put(self, wanted: OwnAccount, keys: SealedKeys, *, seen: int) -> OwnAccount | None:
        """Lock the clinic's rows, compare the present one, and write: of two at once one waits."""
        async with self._database.transaction() as connection:
            rows = await self._locked(connection, wanted.clinic_id, wanted.named.provider)
            present = next((row for row in rows if row.removed_at is None), None)
            if seen != (0 if present is None else present.version):
                return None
            stored = replace(wanted, version=1 + max((row.version for row in rows), default=0))
            if present is not None and present.id != wanted.id:
                gone = {"removed_at": wanted.changed_at}
                await connection.execute(update(t).where(c.id == present.id).values(gone))
            values = _values(stored, keys)
            if any(row.id == wanted.id for row in rows):
                await connection.execute(update(t).where(c.id == wanted.id).values(values))
                return stored
            new = insert(t).values({"id": wanted.id, **values}).on_conflict_do_nothing()
            done = await connection.execute(new.returning(c.id))
            return stored if done.one_or_none() is not None else None

    async def remove(
        self, clinic_id: ClinicId, provider: OwnProvider, *, version: int | None
    ) -> int:
        """Lock the clinic's rows, and mark the present one behind that."""
        async with self._database.transaction() as connection:
            await self._locked(connection, clinic_id, provider)
            # Read anew: the writer that was waited for may have set another one.
            present = select(c.id, c.version).where(*_present(clinic_id, provider))
            found = (await connection.execute(present)).one_or_none()
            if found is None:
                return 0
            if version in {None, found.version}:
                gone = {"removed_at": self._clock.now(), "version": found.version + 1}
                await connection.execute(update(t).where(c.id == found.id).values(gone))
        return int(found.version)

    async def _locked(
        self, connection: AsyncConnection, clinic_id: ClinicId, provider: OwnProvider
    ) -> Sequence[Any]:
        whose = c.clinic_id == clinic_id, c.provider == provider.value
        wanted = select(c.id, c.version, c.removed_at).where(*whose).order_by(c.id)
        return (await connection.execute(wanted.with_for_update())).all()

    async def _one(self, wanted: Select[Any]) -> OwnAccount | None:
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else _account_of(row)

    async def _with_keys(self, *which: Any) -> tuple[OwnAccount, AccountKeys] | None:
        wanted = select(*SHOWN, c.sealed, c.key_id).where(*which, c.sealed.is_not(None))
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        account = _account_of(row)
        return account, self._vault.opened(row.sealed, row.key_id, account)


def _present(clinic_id: ClinicId, provider: str) -> Sequence[Any]:
    return c.clinic_id == clinic_id, c.provider == str(provider), c.removed_at.is_(None)


def _its(clinic_id: ClinicId, named: Named) -> Sequence[Any]:
    return (
        c.clinic_id == clinic_id,
        c.provider == named.provider.value,
        c.name == named.name,
        c.is_live.is_(named.is_live),
    )


def _values(account: OwnAccount, keys: SealedKeys) -> dict[str, Any]:
    named = account.named
    return {
        "clinic_id": account.clinic_id,
        "provider": named.provider.value,
        "name": named.name,
        "is_live": named.is_live,
        "options": dict(named.options),
        "sealed": keys.sealed,
        "key_id": keys.key_id,
        "hints": list(account.hints),
        "version": account.version,
        "created_at": account.created_at,
        "changed_at": account.changed_at,
        "changed_by": account.changed_by,
        "verified_at": account.verified_at,
        "removed_at": None,
    }


def _account_of(row: Any) -> OwnAccount:
    options, hints = (
        orjson.loads(one) if isinstance(one, str) else one for one in (row.options, row.hints)
    )
    return OwnAccount(
        id=row.id,
        clinic_id=ClinicId(row.clinic_id),
        named=Named(
            provider=OwnProvider(row.provider),
            name=row.name,
            is_live=row.is_live,
            options=options,
        ),
        hints=tuple(hints),
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        changed_by=UserId(row.changed_by),
        verified_at=row.verified_at,
        removed_at=row.removed_at,
    )
