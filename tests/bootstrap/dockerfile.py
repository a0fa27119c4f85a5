"""Reads the Dockerfile and .dockerignore, as far as ours go."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """One instruction; of several lines they are one here."""

    keyword: str
    text: str

    @property
    def flags(self) -> dict[str, str]:
        return dict(re.findall(r"(?<!\S)--([a-z-]+)=(\S+)", self.text.partition(" CMD ")[0]))

    @property
    def words(self) -> list[str]:
        """Without the flags."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    @property
    def command(self) -> list[str]:
        """Of an exec form; any other is an error."""
        command: list[str] = json.loads(self.text[self.text.index("[") :])
        return command

    @property
    def values(self) -> dict[str, str]:
        """Of ENV or LABEL."""
        return dict(word.split("=", 1) for word in shlex.split(self.text))


@dataclass
class Stage:
    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def all(self, keyword: str) -> list[Step]:
        return [step for step in self.steps if step.keyword == keyword]

    def one(self, keyword: str) -> Step:
        (step,) = self.all(keyword)
        return step


def stages() -> list[Stage]:
    """All stages; the last is the image."""
    found: list[Stage] = []
    for step in _steps((ROOT / "Dockerfile").read_text()):
        if step.keyword == "FROM":
            base, _, name = step.text.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].steps.append(step)
    return found


def is_let_in(path: str) -> bool:
    """Whether .dockerignore lets this path of the checkout into the build: the last line wins."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = True
    for line in lines:
        if line and not line.startswith("#") and re.match(_pattern(line.lstrip("!")), path):
            kept = line.startswith("!")
    return kept


def _steps(text: str) -> Iterator[Step]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line:
            keyword, _, rest = line.partition(" ")
            yield Step(keyword, rest.strip())


def _pattern(line: str) -> str:
    """What matches a folder matches all that is in it."""
    parts = {"**/": "(?:.*/)?", "*": "[^/]*", ".": r"\."}
    return re.sub(r"\*\*/|\*|\.", lambda found: parts[found[0]], line) + "(?:/|$)"
