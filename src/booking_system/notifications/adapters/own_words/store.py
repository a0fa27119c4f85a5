"""Templates of clinics in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from booking_system.directory.records.tables import clinics
from booking_system.notifications.application.template_ports import OwnTemplates, StoredTemplates
from booking_system.notifications.domain.facts import ClinicFacts
from booking_system.notifications.domain.message import Kind
from booking_system.notifications.records.own_tables import message_templates
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId

t = message_templates.c
PARTS = ("subject", "text", "html", "sms")
FAILURE = ("last_failure_at", "last_failure_part", "last_failure")


class PostgresTemplates:
    """Keeps them; each call is one transaction, or a part of a whole."""

    def __init__(self, database: Database) -> None:
        """There are few of each clinic: kinds times languages."""
        self._database = database

    async def clinic(self, clinic_id: ClinicId) -> ClinicFacts | None:
        """Look in the directory."""
        c = clinics.c
        names = (c.id, c.name, c.time_zone, c.locale, c.address, c.phone, c.email)
        wanted = select(*names).where(c.id == clinic_id, c.deleted_at.is_(None))
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else ClinicFacts(**row._mapping)  # noqa: SLF001

    async def page(
        self, clinic_id: ClinicId, *, after: UUID | None, limit: int
    ) -> Sequence[StoredTemplates]:
        """Read a page by keyset on the id, which grows with age."""
        wanted = select(message_templates).where(t.clinic_id == clinic_id)
        if after is not None:
            wanted = wanted.where(t.id > after)
        async with self._database.looking() as connection:
            rows = (await connection.execute(wanted.order_by(t.id).limit(limit + 1))).all()
        return [_templates_of(row) for row in rows]

    async def of(self, clinic_id: ClinicId, kind: Kind, language: str) -> StoredTemplates | None:
        """Read one row by the index of its names."""
        wanted = select(message_templates).where(*_its(clinic_id, kind, language))
        async with self._database.looking() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else _templates_of(row)

    async def put(self, wanted: StoredTemplates, *, version: int | None) -> StoredTemplates | None:
        """Insert, or update what was seen; new ones have not failed yet."""
        parts = {name: getattr(wanted.templates, name) for name in PARTS}
        about = {"changed_at": wanted.changed_at, "changed_by": wanted.changed_by}
        new = insert(message_templates).values(
            id=wanted.id,
            clinic_id=wanted.clinic_id,
            kind=wanted.kind.value,
            language=wanted.language,
            version=1,
            **parts,
            **about,
        )
        if version == 0:
            statement = new.on_conflict_do_nothing()
        else:
            statement = new.on_conflict_do_update(
                index_elements=["clinic_id", "kind", "language"],
                set_={**parts, **about, **dict.fromkeys(FAILURE), "version": t.version + 1},
                where=None if version is None else t.version == version,
            )
        async with self._database.transaction() as connection:
            row = (await connection.execute(statement.returning(message_templates))).one_or_none()
        return None if row is None else _templates_of(row)

    async def delete(
        self, clinic_id: ClinicId, kind: Kind, language: str, *, version: int | None
    ) -> int:
        """Delete the row behind its lock."""
        its = _its(clinic_id, kind, language)
        async with self._database.transaction() as connection:
            there = await connection.scalar(select(t.version).where(*its).with_for_update())
            if there is not None and version in {None, there}:
                await connection.execute(delete(message_templates).where(*its))
        return there or 0


def note_of(clinic_id: UUID, kind: Kind, language: str, **failure: Any) -> Any:
    """Return the statement that notes a failure, and the same again only once a minute."""
    changed = t.last_failure.is_distinct_from(failure["last_failure"])
    is_old = t.last_failure_at < failure["not_since"]
    values = {name: failure[name] for name in FAILURE}
    its = _its(clinic_id, kind, language)
    return update(message_templates).where(*its, changed | is_old).values(values)


def _its(clinic_id: UUID, kind: Kind, language: str) -> Sequence[Any]:
    return t.clinic_id == clinic_id, t.kind == kind.value, t.language == language


def _templates_of(row: Row[Any]) -> StoredTemplates:
    return StoredTemplates(
        id=row.id,
        clinic_id=row.clinic_id,
        kind=Kind(row.kind),
        language=row.language,
        templates=OwnTemplates(subject=row.subject, text=row.text, html=row.html, sms=row.sms),
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        last_failure_at=row.last_failure_at,
        last_failure_part=row.last_failure_part,
        last_failure=row.last_failure,
    )
