"""What a process that has just put the program together says of itself, which is asked once.

It is forked by a process that has loaded the program and has collected no test.
"""

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from booking_system.bootstrap.http_app import create
from booking_system.platform.http.problems import all_refusals
from tests.bootstrap.processes import environment
from tests.forked import forked


def main() -> None:
    create()
    codes = [kind.code for kind in all_refusals()]
    sys.stdout.write(f"\n{json.dumps({'modules': [*sys.modules], 'codes': codes})}\n")


@cache
def _said() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        env = environment(data_dir=place, database_url="postgresql:///none")
        with forked(env=env, cwd=Path(place), module=__name__) as process:
            assert process.stdout is not None
            told = process.stdout.read()
            assert process.wait() == 0, told
    said: dict[str, Any] = json.loads(told.splitlines()[-1])
    return said


def loaded_modules() -> list[str]:
    return list(_said()["modules"])


def codes_of_refusals() -> set[str]:
    """The codes of all refusals that the program loads, and not those that only a test does."""
    return set(_said()["codes"])
