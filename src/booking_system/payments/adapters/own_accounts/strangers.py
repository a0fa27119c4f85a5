"""Events of a clinic's account about a payment that was made elsewhere: they change nothing."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, case, cast, select

from booking_system.payments.records.own_tables import clinic_payment_accounts
from booking_system.payments.records.tables import payments
from booking_system.platform.postgres.phrases import an_id, given
from booking_system.platform.postgres.statement import Statement

p, told = payments, clinic_payment_accounts.alias("told")
paid = clinic_payment_accounts.alias("paid")

UUID_TEXT = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
# Of an account that two clinics of one owner share, each endpoint hears of all payments.
_is_shared = (
    select(paid.c.id)
    .where(
        cast(paid.c.id, Text) == p.c.account_key,
        paid.c.provider == told.c.provider,
        paid.c.name == told.c.name,
        paid.c.is_live == told.c.is_live,
    )
    .exists()
)


def as_id(text: ColumnElement[str]) -> ColumnElement[UUID | None]:
    """Return the id that a text is; null where it is none."""
    return case((text.op("~")(UUID_TEXT), cast(text, Uuid)))


def paid_elsewhere(
    payment_id: ColumnElement[Any], provider: ColumnElement[str], account_key: ColumnElement[str]
) -> Select[Any]:
    """Return the payment, if the account that tells of it is another clinic's."""
    return (
        select(p.c.id, p.c.clinic_id, p.c.appointment_id, p.c.amount, p.c.currency)
        .select_from(p)
        .join(told, told.c.id == as_id(account_key))
        .where(
            p.c.id == payment_id,
            told.c.provider == provider,
            told.c.clinic_id != p.c.clinic_id,
            ~_is_shared,
        )
    )


PAID_ELSEWHERE = Statement(
    paid_elsewhere(an_id("payment_id"), given(p.c.provider), given(p.c.account_key))
)
"""A payment of another clinic, at an account that is another one at the provider, too."""
