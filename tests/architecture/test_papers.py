"""The papers name files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")])
PLACES = ("", "src", "src/booking_system", "tests", "docs")
NAMED = re.compile(r"`([\w./{},-]+/[\w./{},-]*)`")
MADE_OR_ABSOLUTE = ("/", "build/")
BRACES = re.compile(r"\{([^{}]*)\}")


def written_out(path: str) -> list[str]:
    """`a/{b,c}.py` names two files."""
    found = BRACES.search(path)
    if found is None:
        return [path]
    parts = found[1].split(",")
    return [one for part in parts for one in written_out(path.replace(found[0], part, 1))]


def named_in(paper: Path) -> list[str]:
    text = paper.read_text()
    paths = [path for path in NAMED.findall(text) if path.endswith((".py", "/", ".sql", ".toml"))]
    named = [one for path in paths for one in written_out(path)]
    return [one for one in named if not one.startswith(MADE_OR_ABSOLUTE)]


def is_there(path: str) -> bool:
    """Below a place, or in any of the contexts."""
    contexts = (ROOT / "src" / "booking_system").glob(f"*/{path}")
    return any((ROOT / place / path).exists() for place in PLACES) or any(contexts)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda one: str(one.relative_to(ROOT)))
def test_files_that_a_paper_names_are_there(paper: Path) -> None:
    assert [path for path in named_in(paper) if not is_there(path)] == []


def test_papers_name_files() -> None:
    assert len([path for paper in PAPERS for path in named_in(paper)]) > 80
