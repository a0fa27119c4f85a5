"""The statement that adds time slots, for the hours or by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, Uuid, column, func, insert, select, true

from booking_system.platform.postgres.phrases import (
    INSTANT,
    WALL_CLOCK,
    an_id,
    during,
    ids,
    instant,
    instants,
    materialized,
    meets,
    texts,
    wall_clocks,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.appointment_times import appointments_in
from booking_system.scheduling.records.away import absences_to_come
from booking_system.scheduling.records.calendar_statements import LONGEST_SECONDS
from booking_system.scheduling.records.holds import NO_HOLD
from booking_system.scheduling.records.tables import time_slots

CLINIC_ID, DOCTOR_ID, NOW = an_id("clinic_id"), an_id("doctor_id"), instant("now")

KEPT = [name for name in NO_HOLD if name != "hold_place"]
"""What a slot takes over of the hold that keeps its time free."""


class NewSlots(NamedTuple):
    """Slots of one doctor, column by column; `walls`: what the clinic's clock shows at a start."""

    clinic_id: UUID
    doctor_id: UUID
    now: datetime
    ids: Sequence[UUID]
    starts: Sequence[datetime]
    ends: Sequence[datetime]
    modes: Sequence[str]
    rule_ids: Sequence[UUID | None]
    walls: Sequence[datetime]


def _adding() -> Any:
    """What time off or a closure covers comes closed by it, what a hold keeps free held by it."""
    new = (
        func.unnest(
            ids("ids"),
            instants("starts"),
            instants("ends"),
            texts("modes"),
            ids("rule_ids"),
            wall_clocks("walls"),
        )
        .table_valued(
            column("id", Uuid()),
            column("starts_at", INSTANT),
            column("ends_at", INSTANT),
            column("mode", Text()),
            column("rule_id", Uuid()),
            column("wall", WALL_CLOCK),
        )
        .render_derived("n")
    )
    time = during(new.c.starts_at, new.c.ends_at)
    absences = materialized("absences", absences_to_come(CLINIC_ID, DOCTOR_ID, NOW))
    covering = (
        select(absences.c.because, absences.c.id)
        .where(meets(absences.c.during, time))
        .order_by(absences.c.id)
        .limit(1)
        .correlate(new)
        .lateral("absence")
    )
    k = time_slots.alias("k")
    holds = materialized(
        "holds",
        select(*(k.c[name] for name in KEPT)).where(
            k.c.doctor_id == DOCTOR_ID,
            k.c.hold_blocks.is_not(None),
            k.c.held_until > NOW,
            k.c.deleted_at.is_(None),
        ),
    )
    holding = (
        select(holds)
        .where(covering.c.id.is_(None), meets(holds.c.hold_blocks, time))
        .limit(1)
        .correlate(new, covering)
        .lateral("hold")
    )
    columns = {
        "id": new.c.id,
        "clinic_id": CLINIC_ID,
        "doctor_id": DOCTOR_ID,
        "starts_at": new.c.starts_at,
        "ends_at": new.c.ends_at,
        "mode": new.c.mode,
        "rule_id": new.c.rule_id,
        "wall_starts_at": new.c.wall,
        "created_at": NOW,
        "closed_because": covering.c.because,
        "closed_by": covering.c.id,
        "blocked_by": appointments_in(DOCTOR_ID, time),
        **{name: holding.c[name] for name in KEPT},
        "hold_extended": func.coalesce(holding.c.hold_extended, NO_HOLD["hold_extended"]),
    }
    joined = new.outerjoin(covering, true()).outerjoin(holding, true())
    stored = select(*columns.values()).select_from(joined)
    return insert(time_slots).from_select(list(columns), stored)


OPEN: Statement[NewSlots] = Statement(_adding(), NewSlots, seconds=LONGEST_SECONDS)

OFFER: Statement[NewSlots] = Statement(
    _adding().returning(
        time_slots.c.id,
        time_slots.c.closed_because,
        time_slots.c.blocked_by.is_not(None).label("is_blocked"),
    ),
    NewSlots,
)
"""The same, and what was stored."""
