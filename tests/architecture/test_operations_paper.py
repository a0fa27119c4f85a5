"""What an operator reads in the log, and where, is on the page for operators."""

import ast
import re
from pathlib import Path

import booking_system

SOURCE = Path(booking_system.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
LEVELS = {"info", "warning", "error", "exception"}
BY_NAME = {"api_process_restarts", "worker_restarts"}
"""Chosen between where the process is known."""


def events() -> set[str]:
    """All that the program logs beside requests, streams and sockets."""
    found = set(BY_NAME)
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            owner, _, verb = called.rpartition(".")
            said = (
                node.args[:1] if (owner == "log" and verb in LEVELS) or called == "Outage" else []
            )
            said += [word.value for word in node.keywords if word.arg == "failed"]
            found |= {
                one.value.partition(":")[0]
                for one in said
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
    return found


def test_each_event_is_explained_and_nothing_that_is_none() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    table = page.partition("| event |")[2]
    told = [name for line in table.splitlines() for name in _first_cell(line)]
    assert len(told) == len(set(told))
    assert set(told) == events()


def _first_cell(line: str) -> list[str]:
    return re.findall(r"`([^`]+)`", line.split(" | ", maxsplit=1)[0])


def test_each_number_that_is_watched_is_there() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    source = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    watched = set(re.findall(r"booking_[a-z_]+", page))
    assert len(watched) > 8
    for name in watched:
        assert f'"{name.removesuffix("_total")}"' in source, name


def test_each_page_that_is_named_is_there() -> None:
    for name in ("operations.md", "scaling.md"):
        page = (DOCS / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)", page):
            assert (DOCS / target).exists(), target
