"""Asks the advisory database about every pinned version, and says what nobody answered."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said about the packages of one requirement set."""

    asked: int = 0
    faults: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    """A package that nobody knows anything about, or the reason why nobody could be asked."""


def asked_about(requirements: Path) -> Answer:
    """Ask about one file of hashed requirements."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"),
        *("--require-hashes", "--disable-pip", f"--requirement={requirements}"),
    ]
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter, no shell)
            command, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        return judged(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return Answer(unanswered=(f"no answer within {SECONDS} seconds",))
    except ValueError:
        # No report: the last line says why.
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return Answer(unanswered=(reason[0],))


def judged(report: Mapping[str, Any]) -> Answer:
    """Read a report of pip-audit, which ends with 0 where it skipped everything."""
    packages = report["dependencies"]
    return Answer(
        asked=len(packages),
        faults=tuple(line for package in packages for line in _faults_of(package)),
        unanswered=tuple(
            f"{package['name']}: {package['skip_reason']}"
            for package in packages
            if "skip_reason" in package
        ),
    )


def _faults_of(package: Mapping[str, Any]) -> Iterator[str]:
    for fault in package.get("vulns", ()):
        names = ", ".join([fault["id"], *fault.get("aliases", ())])
        mended = ", ".join(fault.get("fix_versions", ())) or "no version yet"
        yield f"{package['name']} {package['version']}: {names}; mended in {mended}"
