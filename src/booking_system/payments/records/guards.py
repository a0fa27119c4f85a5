"""Triggers that refuse what no program may do: change the ledger, a document, what was agreed.

They stand in the database, so that a mistake of ours, or a statement by hand, is refused as well.
"""

from sqlalchemy import DDL, Table, event

from booking_system.payments.records.tables import payment_ledger, payments, receipts

KEPT = """CREATE FUNCTION payments_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
  MESSAGE = 'rows of "' || TG_TABLE_NAME || '" are never changed or removed',
  TABLE = TG_TABLE_NAME, CONSTRAINT = 'kept_' || TG_TABLE_NAME;
END $$"""
FROZEN = """CREATE FUNCTION payments_freeze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF (OLD.id, OLD.appointment_id, OLD.clinic_id, OLD.provider, OLD.account_key, OLD.is_live,
   OLD.amount, OLD.currency, OLD.presentation, OLD.title, OLD.language, OLD.return_url,
   OLD.cancel_url, OLD.window_end, OLD.ends_at, OLD.started_by, OLD.created_at)
  IS DISTINCT FROM (NEW.id, NEW.appointment_id, NEW.clinic_id, NEW.provider, NEW.account_key,
   NEW.is_live, NEW.amount, NEW.currency, NEW.presentation, NEW.title, NEW.language,
   NEW.return_url, NEW.cancel_url, NEW.window_end, NEW.ends_at, NEW.started_by, NEW.created_at)
  OR (OLD.state = 'succeeded' AND NEW.state <> 'succeeded')
  OR (OLD.state IN ('failed', 'cancelled') AND NEW.state NOT IN (OLD.state, 'succeeded'))
  OR (OLD.reference IS NOT NULL AND NEW.reference IS DISTINCT FROM OLD.reference)
  OR NEW.captured < OLD.captured
 THEN
  RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
   MESSAGE = 'what a payment asked for is never changed, nor what it has become',
   TABLE = 'payments', CONSTRAINT = 'frozen_payments';
 END IF;
 RETURN NEW;
END $$"""


def keeping(table: str) -> list[str]:
    """Return the statements by which rows of a table are written once."""
    return [
        (
            f"CREATE TRIGGER kept_{table} BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION payments_keep()"
        ),
        (
            f"CREATE TRIGGER kept_whole_{table} BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_keep()"
        ),
    ]


FREEZING = (
    "CREATE TRIGGER frozen_payments BEFORE UPDATE ON payments"
    " FOR EACH ROW EXECUTE FUNCTION payments_freeze()"
)


def _after(table: Table, *statements: str) -> None:
    for statement in statements:
        ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", ddl)


_after(payments, FROZEN, FREEZING, KEPT)
_after(payment_ledger, *keeping(payment_ledger.name))
_after(receipts, *keeping(receipts.name))
