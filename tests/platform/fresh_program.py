"""What a process that has just put the program together says of itself, which is asked once."""

import json
import subprocess
import sys
import tempfile
from functools import cache
from typing import Any

from tests.bootstrap.processes import environment

PROGRAM = """
import json, sys
from booking_system.bootstrap.http_app import create
from booking_system.platform.http.problems import all_refusals
create()
print(json.dumps({"modules": [*sys.modules], "codes": [kind.code for kind in all_refusals()]}))
"""


@cache
def _said() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        env = environment(data_dir=place, database_url="postgresql:///none")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=env, cwd=place, capture_output=True, check=True
        )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def loaded_modules() -> list[str]:
    return list(_said()["modules"])


def codes_of_refusals() -> set[str]:
    """The codes of all refusals that the program loads, and not those that only a test does."""
    return set(_said()["codes"])
