"""Lists in order of age: ids sort by the time at which they were made."""

from typing import Any

from sqlalchemy import ColumnElement, Select

from booking_system.directory.application.ports import Search


def paged(statement: Select[Any], identity: ColumnElement[Any], search: Search) -> Select[Any]:
    """Continue behind `search.after`; fetch one row more than the page holds."""
    if search.after is not None:
        statement = statement.where(identity > search.after)
    return statement.order_by(identity).limit(search.limit + 1)


def contains(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """Say that the column has this part, in capitals or not; served by its trigram index."""
    return column.ilike(like_part(part), escape="\\")


def like_part(part: str) -> str:
    """Return the pattern of what has this part."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
