"""What of payments is removed when nobody asks for it any more."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Text, cast, or_, select, update

from booking_system.payments.domain.own_account import KEPT_FOR
from booking_system.payments.records.own_tables import clinic_payment_accounts
from booking_system.payments.records.tables import payment_events, payments
from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore, in_batch

KEPT = timedelta(days=90)
"""Providers send an event again for some days, and show it for a month."""
UNUSED = timedelta(days=1)
"""So long keys are kept whose account was removed before any payment began there: what is beginning
at that moment is written by then."""

OLD_PAYMENT_EVENTS = Chore.deleting(
    payment_events,
    over=payment_events.c.received_at < ago(KEPT),
    oldest_first=payment_events.c.received_at,
)

_a, _p = clinic_payment_accounts, payments
_is_used = (
    select(_p.c.id)
    .where(_p.c.provider == _a.c.provider, _p.c.account_key == cast(_a.c.id, Text))
    .exists()
)
_over = (
    select(_a.c.id)
    .where(
        _a.c.sealed.is_not(None),
        _a.c.removed_at < ago(UNUSED),
        or_(_a.c.removed_at < ago(KEPT_FOR), ~_is_used),
    )
    .order_by(_a.c.removed_at)
    .with_for_update(skip_locked=True)
)
_emptying: Statement[Any] = Statement(
    update(_a).where(in_batch(_a, _over)).values(sealed=None, key_id=None)
)
KEYS_OF_REMOVED_ACCOUNTS = Chore("payment_keys", _emptying.text)
"""The row stays: attempts, the ledger and receipts name the account by it."""
