"""The mark of what was removed, and what lets it back in."""

from sqlalchemy import Table, Update, update

from booking_system.platform.postgres.phrases import an_id, instant

REMOVED_ID = an_id("identity")


def marked(table: Table) -> Update:
    """Write when a row of the directory was removed (`removed_at`, UTC; None: it is back)."""
    removed = {"deleted_at": instant("removed_at"), "updated_at": instant("now")}
    return (
        update(table).where(table.c.id == REMOVED_ID).values(version=table.c.version + 1, **removed)
    )
