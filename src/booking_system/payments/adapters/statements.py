"""The statements of one transaction over payments."""

from typing import Any

from sqlalchemy import BindParameter, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import array

from booking_system.directory.records.tables import clinics, patients, services
from booking_system.payments.adapters.rows import MOVING
from booking_system.payments.records.tables import (
    payment_ledger,
    payment_quarantine,
    payment_refunds,
    payment_work,
    payments,
    receipt_counters,
    receipts,
)
from booking_system.platform.postgres.phrases import a_number, an_id, given, instant, row_of
from booking_system.platform.postgres.statement import Statement

p, line, r, q, w = payments, payment_ledger, payment_refunds, payment_quarantine, payment_work
counter = receipt_counters

APPOINTMENT_OF = Statement(select(p.c.appointment_id).where(p.c.id == an_id("payment_id")))

LOCK_ATTEMPTS = Statement(
    select(p)
    .where(p.c.appointment_id == an_id("appointment_id"))
    .order_by(p.c.id)
    .with_for_update()
)
LINES = Statement(
    select(line)
    .where(line.c.appointment_id == an_id("appointment_id"))
    .order_by(line.c.settled_at, line.c.id)
)
REFUNDS = Statement(
    select(r).where(r.c.appointment_id == an_id("appointment_id")).order_by(r.c.created_at, r.c.id)
)
MATTERS = Statement(
    select(q)
    .where(q.c.appointment_id == an_id("appointment_id"), q.c.resolved_at.is_(None))
    .order_by(q.c.id)
)

ADD_ATTEMPT = Statement(row_of(p, list(p.c.keys())))
SAVE_ATTEMPT = Statement(
    update(p)
    .where(p.c.id == an_id("payment_id"))
    .values({name: given(p.c[name]) for name in (*MOVING, "updated_at")})
)


def _all_of(table: Table) -> dict[str, BindParameter[Any]]:
    return {name: given(table.c[name]) for name in table.c.keys()}  # noqa: SIM118  (no dictionary)


_add_line = postgresql.insert(line).values(_all_of(line))
ADD_LINE = Statement(
    _add_line.on_conflict_do_nothing(constraint="uq_payment_ledger_once").returning(line.c.id)
)

_add_refund = postgresql.insert(r).values(_all_of(r))
SAVE_REFUND = Statement(
    _add_refund.on_conflict_do_update(
        index_elements=[r.c.id],
        set_={name: _add_refund.excluded[name] for name in ("state", "provider_id", "problem")},
    )
)

OPEN_MATTERS = ["payment_id", "kind", "about"]
_add_matter = postgresql.insert(q).values(
    {name: place for name, place in _all_of(q).items() if not name.startswith("resolved")}
)
SAVE_MATTER = Statement(
    _add_matter.on_conflict_do_update(
        index_elements=OPEN_MATTERS,
        index_where=q.c.resolved_at.is_(None),
        set_={"amount": _add_matter.excluded.amount},
    )
)
RESOLVE = Statement(
    update(q)
    .where(
        q.c.payment_id == an_id("payment_id"),
        q.c.kind == given(q.c.kind),
        q.c.about == given(q.c.about),
        q.c.resolved_at.is_(None),
    )
    .values(resolved_at=instant("now"))
)

_planned = ("id", "kind", "payment_id", "refund_id", "due_at")
_plan = postgresql.insert(w).values({name: given(w.c[name]) for name in _planned})
PLAN = Statement(
    _plan.on_conflict_do_update(
        constraint="uq_payment_work_once",
        set_={"due_at": func.least(w.c.due_at, _plan.excluded.due_at), "asked": w.c.asked + 1},
    )
)

_issuer = select(
    clinics.c.id,
    clinics.c.name,
    clinics.c.address,
    clinics.c.time_zone,
    clinics.c.tax_number,
).where(clinics.c.id == an_id("clinic_id"))
ISSUER = Statement(_issuer)
PARTIES = Statement(
    _issuer.add_columns(
        patients.c.full_name.label("recipient"),
        services.c.name.label("service"),
        func.array_remove(array([patients.c.locale, clinics.c.locale]), None).label("languages"),
    ).select_from(
        clinics.outerjoin(patients, patients.c.id == an_id("patient_id")).outerjoin(
            services, services.c.id == an_id("service_id")
        )
    )
)
"""Their rows stay when they are removed from the clinic's lists."""

_draw = postgresql.insert(counter).values(
    clinic_id=an_id("clinic_id"), year=given(counter.c.year), last=a_number("count")
)
DRAW_NUMBERS = Statement(
    _draw.on_conflict_do_update(
        index_elements=[counter.c.clinic_id, counter.c.year],
        set_={"last": counter.c.last + _draw.excluded.last},
    ).returning(counter.c.last)
)
"""The row is locked until the transaction ends, so numbers are given in the order of commits, and
an undone number is drawn again."""
ISSUE = Statement(insert(receipts).values(_all_of(receipts)))
