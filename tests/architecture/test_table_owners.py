"""Each table has one owner, the context that defines it; nobody else words SQL about it.

A context above names a table by the owner's `Table` object, so that a wrong column stops the
import, or through a function of the owner's `records`. It changes one through such a function only.
"""

import ast
import importlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Table, TableClause

from booking_system.bootstrap.tables import metadata

SOURCE = Path(__file__).parents[2] / "src" / "booking_system"
PACKAGE = "booking_system"

WORDED = {
    "scheduling/records/appointment_times.py": (
        {"appointments"},
        "a slot is offered, or opened, by what appointments take in the very same statement",
    ),
    "directory/records/acquaintance.py": (
        {"appointments"},
        "a clinic knows a patient because of appointments, asked in the statement that shows one",
    ),
    "identity/adapters/grants.py": (
        {"clinics", "doctors"},
        "a role ends with its clinic and its doctor, in the statement that reads the role",
    ),
}
"""Modules that word SQL about tables of a context above, and why they have to."""

CHANGED: dict[str, tuple[set[str], str]] = {}
"""Modules that change tables of another context by themselves, and why."""

NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|ONLY|TABLE)\s+([a-z_]+)\b")
"""Of words in capitals, as SQL has them here, and sentences have not."""
CHANGES = {"insert", "update", "delete", "row_of"}


class Module(NamedTuple):
    """A module of the program, read but not run."""

    name: str
    nodes: Sequence[ast.AST]

    @property
    def context(self) -> str:
        return self.name.partition("/")[0].removesuffix(".py")


# Read by the tests and not where they are collected, which each worker does.
@cache
@cache
def modules() -> list[Module]:
    paths = sorted(SOURCE.rglob("*.py"))
    return [
        Module(str(one.relative_to(SOURCE)), list(ast.walk(ast.parse(one.read_text()))))
        for one in paths
    ]


def called(module: Module, names: set[str]) -> Iterator[ast.Call]:
    for one in module.nodes:
        if isinstance(one, ast.Call):
            function = one.func
            name = function.attr if isinstance(function, ast.Attribute) else None
            name = function.id if isinstance(function, ast.Name) else name
            if name in names and one.args:
                yield one


@cache
def owners() -> dict[str, str]:
    """The context by table: where `Table("name", …)` stands."""
    found = {}
    for module in modules():
        for call in called(module, {"Table"}):
            if isinstance(call.args[0], ast.Constant):
                found[str(call.args[0].value)] = module.context
    return found


def texts(module: Module) -> Iterator[str]:
    """All texts but docstrings; of an f-string its parts."""
    described = {
        id(body[0].value)
        for node in module.nodes
        for body in [getattr(node, "body", None)]
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr)
    }
    for node in module.nodes:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in described:
            yield node.value


def worded(module: Module) -> set[str]:
    """Tables of others that the module words SQL about, or declares once more."""
    named = {name for text in texts(module) for name in NAMED.findall(text)}
    named |= declared(module)
    return {name for name in named if owners().get(name, module.context) != module.context}


def declared(module: Module) -> set[str]:
    """What `table("name", …)` declares, with columns but no rules."""
    calls = called(module, {"table"})
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


def imported(module: Module) -> dict[str, str]:
    """Tables of others by the name that they bear in the module."""
    return {
        one.asname or one.name: one.name
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for one in node.names
        if one.name in owners() and f"{PACKAGE}.{owners()[one.name]}.records" in node.module
        if owners()[one.name] != module.context
    }


def changed(module: Module) -> set[str]:
    """Tables of others that the module changes by its own words."""
    theirs = imported(module)
    return {
        theirs[argument.id]
        for call in called(module, CHANGES)
        for argument in call.args[:1]
        if isinstance(argument, ast.Name) and argument.id in theirs
    }


def test_every_table_has_one_owner() -> None:
    assert owners().keys() == metadata.tables.keys()


def test_nobody_else_words_sql_about_a_table() -> None:
    found = {module.name: names for module in modules() if (names := worded(module))}
    assert found == {name: tables for name, (tables, _) in WORDED.items()}


def test_nobody_else_changes_a_table() -> None:
    found = {module.name: names for module in modules() if (names := changed(module))}
    assert found == {name: tables for name, (tables, _) in CHANGED.items()}


def declared_again() -> Sequence[TableClause]:
    found = []
    for one in modules():
        if not declared(one):
            continue
        name = one.name.removesuffix(".py").replace("/", ".")
        module = importlib.import_module(f"{PACKAGE}.{name}")
        found += [
            one
            for one in vars(module).values()
            if isinstance(one, TableClause) and not isinstance(one, Table)
        ]
    return found


def test_what_is_declared_again_is_as_the_owner_has_it() -> None:
    found = declared_again()
    assert found
    for again in found:
        owned = metadata.tables[again.name]
        assert {column.name: repr(column.type) for column in again.c} == {
            column.name: repr(owned.c[column.name].type) for column in again.c
        }, again.name
