"""Which events of providers can be handled now: those of known payments, and those to give up.

Of an account that sells other things as well most events are about nothing of ours. They wait for
an hour, in case their payment comes to be known, and must not keep others from being handled.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_, select, union_all

from booking_system.payments.adapters.own_accounts.strangers import as_id, paid_elsewhere
from booking_system.payments.domain.ledger import LineKind
from booking_system.payments.records.tables import payment_events, payment_ledger, payments
from booking_system.platform.postgres.phrases import how_many, instant
from booking_system.platform.postgres.statement import Statement

LOOKED_AT = 1000
"""The newest, whose payments are looked for at each look. What is not handled by then is tried once
more when it is given up."""

e, p, line = payment_events, payments, payment_ledger


def _newest() -> Any:
    newest = (
        select(e.c.id, e.c.provider, e.c.account_key, e.c.is_live)
        .add_columns(e.c.reference, e.c.our_id, e.c.charge_id)
        .where(e.c.handled_at.is_(None))
        .order_by(e.c.id.desc())
        .limit(literal(LOOKED_AT))
        .subquery("newest")
    )
    n = newest.c
    ours: ColumnElement[Any] = as_id(n.our_id)

    def same(table: Any) -> ColumnElement[bool]:
        return and_(
            table.c.provider == n.provider,
            table.c.account_key == n.account_key,
            table.c.is_live == n.is_live,
        )

    by_charge = (line.c.provider_id == n.charge_id, line.c.kind == LineKind.CHARGE.value)
    known = (
        select(p.c.id).where(p.c.id == ours, same(p)),
        select(p.c.id).where(p.c.reference == n.reference, same(p)),
        select(line.c.id).where(*by_charge, same(line)),
        paid_elsewhere(ours, n.provider, n.account_key).with_only_columns(p.c.id),
    )
    # By an index for each event: PostgreSQL would read all payments for an `EXISTS` among others.
    which = or_(*(one.correlate(newest).limit(1).scalar_subquery().is_not(None) for one in known))
    return select(n.id).where(which).order_by(n.id).limit(how_many("most")).subquery("known")


def _oldest() -> Any:
    oldest = (
        select(e.c.id, e.c.received_at)
        .where(e.c.handled_at.is_(None))
        .order_by(e.c.id)
        .limit(how_many("most"))
        .subquery("oldest")
    )
    return select(oldest.c.id).where(oldest.c.received_at < instant("before"))


WAITING = Statement(union_all(select(_newest().c.id), _oldest()))
