"""How references are kept: a table for each kind of record, and the statements that are alike."""

import json
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ColumnExpressionArgument,
    Index,
    Insert,
    Select,
    Table,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.schema import SchemaItem

from booking_system.directory.domain.references import Noted, References
from booking_system.platform.postgres.phrases import a_text, an_id, texts

OWNER, IN_CLINIC, CALLED = an_id("owner_id"), an_id("in_clinic"), a_text("called")
OWNERS = bindparam("owner_ids", type_=ARRAY(Uuid()))
"""Not called like columns: SQLAlchemy keeps those names for itself where it inserts."""


def noted_columns(owner: str) -> list[SchemaItem]:
    """Return the columns, checks and index of the table of what is noted about owners."""
    return [
        Column("clinic_id", Uuid, nullable=False),
        Column("external_id", Text),
        Column("metadata", JSONB, nullable=False),
        CheckConstraint("octet_length(external_id) BETWEEN 1 AND 128", name="external_id"),
        CheckConstraint("jsonb_typeof(metadata) = 'object'", name="metadata"),
        Index(
            f"uq_{owner}_references_external_id",
            "clinic_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    ]


class Keeping(NamedTuple):
    """The statements on one such table; `let_go` is None where nothing has an end."""

    read: Select[Any]
    page: Select[Any]
    let_go: Update | None
    write: Insert


def keeping(
    table: Table, owner: str, is_gone: ColumnExpressionArgument[bool] | None = None
) -> Keeping:
    """Return them; `owner` is the column of the record's id, `is_gone` says that it is no more."""
    its = table.c[owner] == OWNER
    read = select(table.c.external_id, cast(table.c.metadata, Text).label("metadata")).where(
        its, table.c.clinic_id == IN_CLINIC
    )
    page = select(
        table.c[owner].label("owner_id"),
        table.c.external_id,
        cast(table.c.metadata, Text).label("metadata"),
    ).where(table.c[owner] == any_(OWNERS), table.c.clinic_id == IN_CLINIC)
    let_go = None
    if is_gone is not None:
        let_go = (
            update(table)
            .where(table.c.clinic_id == IN_CLINIC, table.c.external_id == CALLED, is_gone)
            .values(external_id=None)
        )
    given = cast(cast(a_text("noted"), Text), JSONB)
    adding = insert(table).values(
        {owner: OWNER, "clinic_id": IN_CLINIC, "external_id": CALLED, "metadata": given}
    )
    new = adding.excluded
    names_id = bindparam("names_external_id", type_=Boolean())
    removed = cast(texts("removed"), ARRAY(Text()))
    write = adding.on_conflict_do_update(
        index_elements=[one.name for one in table.primary_key],
        set_={
            "external_id": case((names_id, new.external_id), else_=table.c.external_id),
            "metadata": (table.c.metadata.op("||")(new.metadata)).op("-")(removed),
        },
    ).returning(table.c.external_id, cast(table.c.metadata, Text).label("metadata"))
    return Keeping(read, page, let_go, write)


def values_of(noted: Noted) -> dict[str, Any]:
    """Return the values of a change for `Keeping.write`."""
    metadata = noted.get("metadata", {})
    return {
        "called": noted.get("external_id"),
        "names_external_id": "external_id" in noted,
        "noted": json.dumps({key: one for key, one in metadata.items() if one is not None}),
        "removed": [key for key, one in metadata.items() if one is None],
    }


def references_of(row: Any) -> References:
    """Make what is noted of a row of `Keeping.read` or `.write`; None: nothing is."""
    if row is None:
        return References()
    metadata = json.loads(row["metadata"])
    return References(external_id=row["external_id"], metadata=dict(sorted(metadata.items())))


def has_external_id(identity: ColumnElement[Any], table: Table, owner: str) -> ColumnElement[bool]:
    """Return the condition that another system has this `external_id` for it in `clinic_id`."""
    found = select(table.c[owner]).where(
        table.c.clinic_id == an_id("clinic_id"), table.c.external_id == a_text("external_id")
    )
    return identity == found.scalar_subquery()


def is_deleted(records: Table, table: Table, owner: str) -> ColumnElement[bool]:
    """Return the condition that the record was deleted."""
    return exists().where(records.c.id == table.c[owner], records.c.deleted_at.is_not(None))


def merged(table: Table, *, most: int) -> Insert:
    """Return the statement by which notes about a `duplicate` follow to the patient who `stays`.

    A key of both keeps the words of the record that stays; where both together have more keys than
    may be, that record keeps just its own.
    """
    gone = (
        table.delete()
        .where(table.c.patient_id == an_id("duplicate"))
        .returning(table.c.clinic_id, table.c.external_id, table.c.metadata)
        .cte("gone")
    )
    rows = select(gone.c.clinic_id, an_id("stays"), gone.c.external_id, gone.c.metadata)
    adding = insert(table).from_select(["clinic_id", "patient_id", "external_id", "metadata"], rows)
    new = adding.excluded
    both = new.metadata.op("||")(table.c.metadata)
    keys = func.jsonb_object_keys(both).table_valued("key").alias("keys")
    many = select(func.count()).select_from(keys).scalar_subquery()
    return adding.on_conflict_do_update(
        index_elements=[one.name for one in table.primary_key],
        set_={
            "external_id": func.coalesce(table.c.external_id, new.external_id),
            "metadata": case((many > most, table.c.metadata), else_=both),
        },
    )
