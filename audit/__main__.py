"""Does the three of them, says what was found, and ends with a code for it."""

import json
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from audit import leaks, materials
from audit.advisories import Answer, asked_about
from audit.leaks import Finding

FINE, FOUND, UNANSWERED = 0, 1, 3
"""Exit codes; what was found counts more than what nobody answered."""
ROOT = Path(__file__).parents[1]
SETS = ("runtime", "dev", "proofs", "audit", "uv")
DELIVERED = ("runtime", "local")
TOOLS = ("pip-audit", "detect-secrets", "cyclonedx-bom")


def main() -> int:
    """Print the report; return the exit code."""
    _say(f"{datetime.now(UTC):%Y-%m-%d %H:%MZ}, with " + ", ".join(map(_with_version, TOOLS)))
    for name in DELIVERED:
        target = materials.written(_requirements(name), ROOT, ROOT / f"build/sbom/{name}.json")
        count = len(json.loads(target.read_text(encoding="utf-8"))["components"])
        _say(f"bill of materials: {target.relative_to(ROOT)}, {count} components")
    answers = {name: asked_about(_requirements(name)) for name in SETS}
    for name, answer in answers.items():
        _say(*sentences_about(name, answer))
    found = leaks.findings(ROOT)
    _say(f"secrets: {len(found)} in the working tree and all commits that nobody has looked at")
    _say(*(f"  {one.path}: {one.kind}, {one.digest}" for one in found))
    return verdict(list(answers.values()), found)


def verdict(answers: Collection[Answer], found: Collection[Finding]) -> int:
    """Return the exit code."""
    if found or any(answer.faults for answer in answers):
        return FOUND
    return UNANSWERED if any(answer.unanswered for answer in answers) else FINE


def sentences_about(name: str, answer: Answer) -> Iterator[str]:
    """Say what is known of a requirement set, and of how much of it nothing is."""
    silent = len(answer.unanswered)
    yield f"advisories: {name}.txt, {len(answer.faults)} known faults in {answer.asked} packages"
    yield from (f"  {fault}" for fault in answer.faults)
    if silent:
        yield (
            f"  NOT CHECKED: of {silent} of them the advisory database says nothing, so this is no "
            "clean bill of health; run it where the package index tells of vulnerabilities"
        )
        yield f"  such as {answer.unanswered[0]}"


def _requirements(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def _with_version(tool: str) -> str:
    return f"{tool} {version(tool)}"


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
