"""Templates of clinics as the sender needs them: at hand without waiting, and never old ones."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Text, bindparam, select

from booking_system.notifications.adapters.own_words.store import PARTS, note_of
from booking_system.notifications.application.template_ports import BrokenTemplate, OwnTemplates
from booking_system.notifications.domain.message import Kind
from booking_system.notifications.records.own_tables import mark_of, message_templates
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Transient, Unavailable
from booking_system.shared_kernel.identifiers import ClinicId

MOST_KEPT = 256
"""Clinics and kinds whose templates a process has at hand."""
NOTED_EVERY = timedelta(minutes=1)

t = message_templates.c
READ = Statement(
    select(t.language, *(t[name] for name in PARTS), mark_of(message_templates).label("mark"))
    .where(t.clinic_id == an_id("clinic_id"), t.kind == bindparam("kind", type_=Text()))
    .order_by(t.id)
)

log = structlog.get_logger("booking_system.messages")


@dataclass(frozen=True, slots=True)
class _Kept:
    marks: tuple[str, ...]
    by_language: Mapping[str, OwnTemplates]


@dataclass(slots=True, kw_only=True)
class WordsAtHand:
    """An `OwnTemplatesSource`, and the sink of templates that do not work.

    The facts of each message name the present versions, so what is at hand is read anew exactly
    when it is not that: one statement for all messages of a clinic and a kind.
    """

    database: Database
    clock: Clock
    _kept: OrderedDict[tuple[UUID, Kind], _Kept] = field(default_factory=OrderedDict, init=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _broken: dict[tuple[UUID, Kind, str], BrokenTemplate] = field(default_factory=dict, init=False)

    async def ready(self, clinic_id: ClinicId, kind: Kind, marks: Sequence[str]) -> None:
        """Read them where those at hand are others."""
        key = clinic_id, kind
        if not marks:
            self._kept.pop(key, None)
            return
        async with self._reading:
            # Of messages that are sent at the same time, the first one reads for all.
            await self._read_unless(key, tuple(marks))
        self._kept.move_to_end(key)

    async def _read_unless(self, key: tuple[ClinicId, Kind], marks: tuple[str, ...]) -> None:
        kept = self._kept.get(key)
        if kept is None or kept.marks != marks:
            async with self.database.reading() as connection:
                rows = await READ.fetch(connection, clinic_id=key[0], kind=key[1].value)
            found = {
                row["language"]: OwnTemplates(**{name: row[name] for name in PARTS}) for row in rows
            }
            self._kept[key] = _Kept(tuple(row["mark"] for row in rows), found)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def of(self, clinic_id: ClinicId, kind: Kind, language: str) -> OwnTemplates | None:
        """Return what is at hand."""
        kept = self._kept.get((clinic_id, kind))
        return None if kept is None else kept.by_language.get(language)

    def hear(self, broken: BrokenTemplate) -> None:
        """Remember it until `tell`."""
        log.warning(
            "own_template_broken",
            clinic_id=str(broken.clinic_id),
            kind=broken.kind.value,
            language=broken.language,
            part=broken.part,
            reason=broken.reason,
        )
        self._broken[broken.clinic_id, broken.kind, broken.language] = broken

    async def tell(self) -> None:
        """Store it: the message goes out with the program's words in any case."""
        while self._broken:
            (clinic_id, kind, language), broken = self._broken.popitem()
            now = self.clock.now()
            note = note_of(
                clinic_id,
                kind,
                language,
                last_failure_at=now,
                last_failure_part=broken.part,
                last_failure=broken.reason,
                not_since=now - NOTED_EVERY,
            )
            with suppress(Transient, Unavailable):
                async with self.database.transaction() as connection:
                    await connection.execute(note)
