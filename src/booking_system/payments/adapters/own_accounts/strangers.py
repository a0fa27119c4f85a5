"""Events of a clinic's account about a payment that was made elsewhere: they change nothing."""

from sqlalchemy import Text, Uuid, case, cast, select

from booking_system.payments.records.own_tables import clinic_payment_accounts
from booking_system.payments.records.tables import payments
from booking_system.platform.postgres.phrases import an_id, given
from booking_system.platform.postgres.statement import Statement

p, told = payments, clinic_payment_accounts.alias("told")
paid = clinic_payment_accounts.alias("paid")

UUID_TEXT = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_told_key = given(p.c.account_key)
_told_id = case((_told_key.op("~")(UUID_TEXT), cast(_told_key, Uuid)))
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
PAID_ELSEWHERE = Statement(
    select(p.c.id, p.c.clinic_id, p.c.appointment_id, p.c.amount, p.c.currency)
    .select_from(p)
    .join(told, told.c.id == _told_id)
    .where(
        p.c.id == an_id("payment_id"),
        told.c.provider == given(p.c.provider),
        told.c.clinic_id != p.c.clinic_id,
        ~_is_shared,
    )
)
"""A payment of another clinic, at an account that is another one at the provider, too."""
