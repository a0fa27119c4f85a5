"""Which program may work on which schema: two versions serve side by side during an upgrade.

Revisions are four digits and grow. The database itself says, in a remark on the table of its
revision, the oldest schema whose program may work on it: a program knows its own past, not its
future. Migrations add, so the remark stays as it is until one of them takes something away.
"""

import re
from dataclasses import dataclass

FIRST = "0047"
"""The first schema that programs of an older one may work beside: before it each had its own."""
OF_THE_DATABASE = (
    "SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class')"
    " FROM alembic_version"
)
_REMARK = re.compile(r"schema (\d{4}) serves programs of schema (\d{4}) and newer")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database says of itself; `revision` is None where it is empty."""

    revision: str | None
    remark: str | None = None

    def is_ahead_of(self, program: str) -> bool:
        """Say whether a program of the schema `program` does not know this one yet."""
        return self.revision is not None and self.revision > program

    def problem(self, program: str) -> str | None:
        """Say in a sentence why a program of the schema `program` cannot work on it, if so."""
        if self.revision == program or self._serves(program):
            return None
        if self.is_ahead_of(program):
            return (
                f"The database has schema {self.revision}, which this version does not know and "
                f"cannot work on (its own is {program}): it was used by a newer version."
            )
        return (
            f"The tables are not up to date (schema {self.revision or 'none'}, and this version "
            f"works on {program}): run `booking-system migrate` first."
        )

    def _serves(self, program: str) -> bool:
        """Where the remark is of another revision, somebody changed that by hand: it is no word."""
        said = _REMARK.fullmatch(self.remark or "")
        return (
            self.is_ahead_of(program)
            and said is not None
            and said[1] == self.revision
            and said[2] <= program
        )


def remark_of(revision: str, oldest: str) -> str:
    """Return the remark of a schema that serves programs of the schema `oldest` and newer."""
    return f"schema {revision} serves programs of schema {oldest} and newer"
