"""Clients in Python, and of openapi-generator, are made of docs/openapi.json and run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api import running_api
from tests.clients.test_typescript import (
    BOOKED_ONCE,
    COMPILER,
    DOCUMENT,
    HERE,
    install_packages,
    run,
    settle_compiler,
)
from tests.servers import serving

pytestmark = pytest.mark.proof
TOOLS = [
    "openapi-python-client==0.29.1",
    "openapi-generator-cli==7.26.0",
    "mypy==2.4.1",
    "httpx==0.28.1",
    "pydantic==2.14.4",
    "python-dateutil==2.9.0.post0",
    "urllib3==2.8.0",
]
BYTES = ["*/*", "application/pdf", "image/jpeg", "image/png", "image/webp"]
"""What openapi-python-client takes for bytes when it is told so."""
KNOWN = (
    "OpenAPI 3.1 support is still in beta",
    "Failed to get the schema name: null",
    "cannot be used as model name. Renamed to",
    "cannot be used as a model name. Renamed to",
    "Codegen property is null (e.g. map/dict of undefined type)",
    "Ignoring complex example on request body",
)
"""Warnings of openapi-generator: docs/generators.md has the reason of each."""
LENIENT = {
    "noUnusedLocals": False,
    "noUnusedParameters": False,
    "noUncheckedIndexedAccess": False,
    "noImplicitOverride": False,
}
"""What the files of typescript-fetch do not keep to, of each document."""


@dataclass(frozen=True)
class InPython:
    """A generator of Python, and the program that uses what comes out."""

    consumer: str
    package: str
    arguments: Sequence[str]


ATTRS = InPython("attrs_consumer.py", "sdk", ())
PYDANTIC = InPython("pydantic_consumer.py", "openapi_client", ("-g", "python"))


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generators, and what their clients import, in an environment of their own."""
    assert shutil.which("java"), "this proof needs Java: apt-get install default-jre-headless"
    place = tmp_path_factory.mktemp("generators")
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
    python = str(place / "bin" / "python")
    subprocess.run(
        [uv, "pip", "install", "--system-certs", "--quiet", "--python", python, *TOOLS], check=True
    )
    return place / "bin"


@pytest.mark.parametrize("made", [ATTRS, PYDANTIC], ids=lambda one: one.consumer)
async def test_a_python_client_is_typed_and_books(
    made: InPython, programs: Path, database_url: str, tmp_path: Path
) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    shutil.copy(HERE / f"{made.consumer}.txt", tmp_path / made.consumer)
    if made is ATTRS:
        rules = "".join(f'  "{kind}": application/octet-stream\n' for kind in BYTES)
        (tmp_path / "rules.yaml").write_text(f"content_type_overrides:\n{rules}")
        told = python_run(
            programs, tmp_path, "openapi-python-client", "generate", "--path", str(DOCUMENT),
            "--meta", "none", "--output-path", made.package, "--config", "rules.yaml",
        )  # fmt: skip
        assert told.splitlines() == [f"Generating {made.package}"]
    else:
        generate(programs, tmp_path, "python", "whole")
        shutil.copytree(tmp_path / "whole" / made.package, tmp_path / made.package)
    typed = python_run(
        programs, tmp_path, "mypy", "--strict", "--follow-imports=silent", made.consumer
    )
    assert typed.startswith("Success")

    async with running_api(database_url, instance) as api:
        await api.slot()
        with serving(database_url, instance) as address:
            said = python_run(programs, tmp_path, "python", "-W", "error", made.consumer, address)
    assert said.splitlines() == BOOKED_ONCE


async def test_classes_in_typescript_compile_and_book(
    programs: Path, database_url: str, tmp_path: Path
) -> None:
    front_end, instance = tmp_path / "front-end", tmp_path / "instance"
    front_end.mkdir()
    instance.mkdir()
    install_packages(COMPILER, front_end)
    settle_compiler(front_end, "fetch_consumer.ts", LENIENT)
    generate(
        programs, front_end, "typescript-fetch", "sdk",
        "--additional-properties=importFileExtension=.js",
    )  # fmt: skip
    assert run(front_end, "tsc", "--project", ".") == ""

    async with running_api(database_url, instance) as api:
        await api.slot()
        with serving(database_url, instance) as address:
            said = run(front_end, "node", "fetch_consumer.js", address)
    assert said.splitlines() == BOOKED_ONCE


def test_a_client_in_java_is_made(programs: Path, tmp_path: Path) -> None:
    """To compile it takes a JDK and libraries of Maven's, which this machine need not have."""
    generate(programs, tmp_path, "java", "sdk", "--library", "native")
    calls = (
        tmp_path / "sdk/src/main/java/org/openapitools/client/api/BookingsApi.java"
    ).read_text()
    assert "public Appointment createBooking(" in calls


def generate(programs: Path, place: Path, language: str, into: str, *more: str) -> None:
    """Run openapi-generator; it may say nothing but what it is known to say."""
    told = python_run(
        programs, place, "openapi-generator-cli", "generate", "-i", str(DOCUMENT), "-g", language,
        "-o", into, *more,
    )  # fmt: skip
    complaints = [line for line in told.splitlines() if " WARN " in line or " ERROR " in line]
    assert [line for line in complaints if not any(known in line for known in KNOWN)] == []


def python_run(programs: Path, place: Path, program: str, *arguments: str) -> str:
    """What a program of the environment prints; it must succeed."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(programs / program), *arguments],
        cwd=place,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
