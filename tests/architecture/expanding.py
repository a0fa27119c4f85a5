"""Watches migrations at work, and says which of them a version that still serves would suffer from.

What a migration has done is read from the catalogue and from its statements as they were sent, so
it does not matter how they were written down.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from booking_system.bootstrap import migrations

LONGEST_WAIT = 1000
"""Milliseconds that requests wait for a lock (`lock_timeout` of the pool)."""
NAMES = """
    clinics doctors services service_doctors availability_rules availability_exceptions closures
    clinic_channels message_templates webhook_endpoints clinic_payment_accounts receipt_counters
    clinic_storage feed_epoch feed_consumers consultation_instances
"""
SMALL = frozenset(NAMES.split())
"""Tables that have a row for each clinic, doctor or service and the like: read in milliseconds."""
WORDS = {
    "lock": "it waits for a lock longer than requests do, which stand behind it",
    "rewrite": "it writes a table that grows anew, which nobody can use meanwhile",
    "index": "it makes an index of a table that grows without CONCURRENTLY",
    "scan": "it reads all of a table that grows for a constraint, under a lock: NOT VALID first,"
    " and VALIDATE in a migration of its own",
    "not_null": "it reads all of a table that grows for NOT NULL: validate CHECK (… IS NOT NULL) in"
    " a migration before",
    "rows": "it changes rows of a table that grows in one transaction: a chore does that in parts",
    "gone": "it takes away what the version before names: stop naming it first, and say so in"
    " `contracts` one version later",
    "insert": "rows that the version before writes lack a column that must not be NULL",
    "meaning": "it changes what the version before meant; why that is fine, `side_by_side` says",
    "again": "where it is tried again, an index that is not valid is in its way",
    "mixed": "what is done outside of a transaction stands alone, or a second try fails",
}
SAID = ("contracts", "side_by_side", "serves_from")
COLUMNS = """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
 pg_get_expr(d.adbin, d.adrelid), a.attidentity::text || a.attgenerated::text
 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
 AND c.relname <> 'alembic_version'"""
FILES = """SELECT relname, pg_relation_filenode(oid) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'"""
INDEXES = """SELECT c.relname, i.indrelid::regclass::text FROM pg_index i
 JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace"""
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, contype::text, convalidated,
 pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
 AND contype IN ('c', 'f', 'x', 'u')"""
FUNCTIONS = """SELECT p.proname, p.prosrc FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace
 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""
TRIGGERS = """SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
 JOIN pg_class c ON c.oid = tgrelid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal"""
BESIDE = re.compile(r"\bCONCURRENTLY\b")
LOCKS = re.compile(r"\s*(ALTER|CREATE|DROP|TRUNCATE|LOCK|UPDATE|DELETE|INSERT|VALIDATE|COMMENT)\b")
CHANGES_ROWS = re.compile(r"\s*(?:UPDATE|DELETE FROM)\s+(?:ONLY\s+)?(\w+)")
UNIQUE = re.compile(r"\s*CREATE UNIQUE\b")
OUR_OWN = re.compile(r"\balembic_version\b")


@dataclass(frozen=True, slots=True)
class Column:
    """One, as far as who writes rows is concerned."""

    type: str
    is_required: bool
    default: str | None
    made: str

    @property
    def must_be_given(self) -> bool:
        return self.is_required and self.default is None and not self.made


@dataclass(frozen=True, slots=True)
class Constraint:
    """One of a table."""

    kind: str
    is_validated: bool
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What PostgreSQL knows of the schema; columns, constraints, triggers by table and name."""

    columns: dict[tuple[str, str], Column] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    constraints: dict[tuple[str, str], Constraint] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    triggers: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    async def of(cls, connection: asyncpg.Connection) -> "Catalogue":
        columns = await connection.fetch(COLUMNS)
        constraints = await connection.fetch(CONSTRAINTS)
        return cls(
            columns={(row[0], row[1]): Column(*row[2:]) for row in columns},
            files=dict(map(tuple, await connection.fetch(FILES))),
            indexes=dict(map(tuple, await connection.fetch(INDEXES))),
            constraints={(row[0], row[1]): Constraint(*row[2:]) for row in constraints},
            functions=dict(map(tuple, await connection.fetch(FUNCTIONS))),
            triggers={(row[0], row[1]): row[2] for row in await connection.fetch(TRIGGERS)},
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement, and how many milliseconds it waits for a lock; 0 is for ever."""

    text: str
    wait: int

    @property
    def is_beside(self) -> bool:
        """Nobody waits for it, however long it waits itself."""
        return BESIDE.search(self.text) is not None

    @property
    def takes_locks(self) -> bool:
        return LOCKS.match(self.text) is not None and not OUR_OWN.search(self.text)


@dataclass(slots=True)
class Watch:
    """Hears what is sent to databases; `text` of one migration at a time."""

    sent: list[Sent] = field(default_factory=list)

    def taken(self) -> list[Sent]:
        """What was sent since somebody asked last."""
        taken, self.sent = self.sent, []
        return taken


@contextmanager
def watching() -> Iterator[Watch]:
    """Every statement that SQLAlchemy sends while the block lasts."""
    watch = Watch()

    def hear(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        asking = connection.connection.cursor()
        asking.execute("SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'")
        ((wait,),) = asking.fetchall()
        asking.close()
        watch.sent.append(Sent(statement, wait))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield watch
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a migration did; `contracts` and `side_by_side` are what its file says of it.

    `contracts` are columns (`clinics.name`) and tables that go, each with the schema whose program
    was the first not to name it.
    """

    revision: str
    before: Catalogue
    after: Catalogue
    sent: Collection[Sent]
    contracts: dict[str, str] = field(default_factory=dict)
    side_by_side: str = ""
    serves_from: str = ""

    @classmethod
    def of(
        cls, revision: str, before: Catalogue, after: Catalogue, sent: Collection[Sent]
    ) -> "Step":
        file = ScriptDirectory.from_config(migrations._config()).get_revision(revision).module
        said = {name: getattr(file, name) for name in SAID if hasattr(file, name)}
        return cls(revision=revision, before=before, after=after, sent=sent, **said)

    def faults(self) -> frozenset[str]:
        """The `WORDS` that it deserves."""
        found = {
            "lock": not all(0 < one.wait <= LONGEST_WAIT for one in self._waiting()),
            "rewrite": any(
                number != self.after.files.get(table, number)
                for table, number in self.before.files.items()
                if table not in SMALL
            ),
            "index": any(self._is_made_alone(name) for name in self._new_indexes()),
            "scan": any(
                one.is_validated and one.kind in {"c", "f", "x"}
                for (table, _), one in self._new_constraints()
                if table not in SMALL
            ),
            "not_null": any(self._is_read_for(*key) for key in self._now_required()),
            "rows": any(self._changes_rows(one.text) for one in self.sent),
            "gone": not self._gone() <= self._may_go(),
            "insert": any(
                column.must_be_given
                for key, column in self.after.columns.items()
                if key[0] in self.before.files and key not in self.before.columns
            ),
            "meaning": self._changes_meaning() and not self.side_by_side,
            "again": any(self._is_in_the_way(name) for name in self._new_indexes()),
            "mixed": any(one.is_beside for one in self.sent)
            and not all(one.is_beside for one in self.sent if one.takes_locks),
        }
        return frozenset(word for word, is_so in found.items() if is_so)

    def _waiting(self) -> Iterator[Sent]:
        return (one for one in self.sent if one.takes_locks and not one.is_beside)

    def _grows(self, table: str) -> bool:
        return table in self.before.files and table not in SMALL

    def _new_indexes(self) -> Iterator[str]:
        for name, table in self.after.indexes.items():
            if self._grows(table) and name not in self.before.indexes:
                yield name

    def _is_made_alone(self, name: str) -> bool:
        named = re.compile(rf"\b{name}\b")
        return not any(one.is_beside and named.search(one.text) for one in self.sent)

    def _is_in_the_way(self, name: str) -> bool:
        removed = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
        texts = [" ".join(one.text.split()) for one in self.sent if one.is_beside]
        made = [n for n, text in enumerate(texts) if text.startswith("CREATE") and name in text]
        return bool(made) and removed not in texts[: made[0]]

    def _new_constraints(self) -> Iterator[tuple[tuple[str, str], Constraint]]:
        for key, one in self.after.constraints.items():
            known = self.before.constraints.get(key)
            # Its text tells of NOT VALID: to validate it later is no new one.
            same = {known.text, known.text.removesuffix(" NOT VALID")} if known else set()
            if key[0] in self.before.files and one.text not in same:
                yield key, one

    def _now_required(self) -> Iterator[tuple[str, str]]:
        for key, column in self.before.columns.items():
            later = self.after.columns.get(key)
            if later is not None and later.is_required and not column.is_required:
                yield key

    def _is_read_for(self, table: str, column: str) -> bool:
        wanted = f"CHECK (({column} IS NOT NULL))"
        return self._grows(table) and not any(
            whose == table and one.is_validated and one.text == wanted
            for (whose, _), one in self.before.constraints.items()
        )

    def _changes_rows(self, text: str) -> bool:
        found = CHANGES_ROWS.match(text)
        return found is not None and self._grows(found[1])

    def _gone(self) -> frozenset[str]:
        tables = self.before.files.keys() - self.after.files.keys()
        columns = self.before.columns.keys() - self.after.columns.keys()
        return frozenset(tables) | {
            f"{table}.{column}" for table, column in columns if table not in tables
        }

    def _may_go(self) -> frozenset[str]:
        """What no program names that may still work on it."""
        return frozenset(
            what
            for what, since in self.contracts.items()
            if since <= self.serves_from < self.revision
        )

    def _changes_meaning(self) -> bool:
        """Say whether what the version before writes or reads is judged or filled in otherwise."""
        columns = any(
            (one.type, one.default, one.made) != (later.type, later.default, later.made)
            for key, one in self.before.columns.items()
            if (later := self.after.columns.get(key)) is not None
        )
        functions = any(
            self.after.functions.get(name, text) != text
            for name, text in self.before.functions.items()
        )
        triggers = any(
            table in self.before.files and self.before.triggers.get((table, name)) != text
            for (table, name), text in self.after.triggers.items()
        )
        unique = any(
            UNIQUE.match(one.text) and re.search(rf"\b{name}\b", one.text)
            for name, table in self.after.indexes.items()
            for one in self.sent
            if table in self.before.files and name not in self.before.indexes
        )
        judged = any(True for _ in (*self._now_required(), *self._new_constraints()))
        return columns or functions or triggers or unique or judged
