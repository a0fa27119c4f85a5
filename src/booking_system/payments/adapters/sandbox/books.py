"""Checkouts of the sandbox in PostgreSQL; each method is one transaction of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import cast, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from booking_system.payments.adapters.providers.sandbox_checkout import SandboxCheckout
from booking_system.payments.records.sandbox_table import sandbox_checkouts
from booking_system.platform.postgres.phrases import a_text, ago, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock

KEPT = timedelta(days=90)

s = sandbox_checkouts
_which = s.c.reference == a_text("reference")
_document = cast(a_text("document"), JSONB)

FIND = Statement(select(s.c.document).where(_which))
LOCK = Statement(select(s.c.document).where(_which).with_for_update())
KEEP = Statement(
    insert(s)
    .values(reference=a_text("reference"), document=_document, made_at=instant("now"))
    .on_conflict_do_nothing()
)
CHANGE = Statement(update(s).where(_which).values(document=_document))
OLD_CHECKOUTS = Chore.deleting(s, over=s.c.made_at < ago(KEPT), oldest_first=s.c.made_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSandboxBooks:
    """Keeps checkouts; no part of a transaction of payments, as another machine would be none."""

    database: Database
    clock: Clock

    async def keep(self, checkout: SandboxCheckout) -> SandboxCheckout:
        """Write it, or find it where it is already."""
        async with self.database.driver_transaction() as connection:
            await KEEP.execute(
                connection,
                reference=checkout.reference,
                document=_text(checkout),
                now=self.clock.now(),
            )
            found = await FIND.fetchval(connection, reference=checkout.reference)
            return SandboxCheckout.read(found)

    async def find(self, reference: str) -> SandboxCheckout | None:
        """Read it without a lock."""
        async with self.database.reading() as connection:
            found = await FIND.fetchval(connection, reference=reference)
        return None if found is None else SandboxCheckout.read(found)

    async def change(
        self, reference: str, change: Callable[[SandboxCheckout], SandboxCheckout]
    ) -> SandboxCheckout | None:
        """Change it under its lock."""
        async with self.database.driver_transaction() as connection:
            found = await LOCK.fetchval(connection, reference=reference)
            if found is None:
                return None
            changed = change(SandboxCheckout.read(found))
            await CHANGE.execute(connection, reference=reference, document=_text(changed))
            return changed


def _text(checkout: SandboxCheckout) -> str:
    return orjson.dumps(checkout.document()).decode()
