"""Front-end developers make clients of docs/openapi.json: made, compiled strictly, and run."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.api import running_api
from tests.servers import serving

pytestmark = pytest.mark.proof
HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.json"
COMPILER = {"typescript": "5.9.3", "@types/node": "20.19.43"}
STRICT = {
    "strict": True,
    "noFallthroughCasesInSwitch": True,
    "noImplicitOverride": True,
    "noImplicitReturns": True,
    "noPropertyAccessFromIndexSignature": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "skipLibCheck": False,
    "verbatimModuleSyntax": True,
    "module": "nodenext",
    "target": "es2022",
    "types": ["node"],
    "noEmitOnError": True,
}
COLOURS = re.compile("\x1b\\[[0-9;]*m")
BOOKED_ONCE = ["201 confirmed", "409 Somebody was quicker: choose another slot."]


@dataclass(frozen=True)
class Generator:
    """A way from the document to TypeScript, and a program that uses what comes out."""

    packages: dict[str, str]
    command: Sequence[str]
    """The first word is one of the packages' programs."""
    consumer: str
    says: Sequence[str]
    """How the lines begin that it always prints: any other is a complaint."""
    compiler: dict[str, Any] = field(default_factory=dict)


TYPES = Generator(
    packages={"openapi-typescript": "7.13.0", "openapi-fetch": "0.17.0"},
    command=["openapi-typescript", "openapi.json", "--output", "schema.ts"],
    consumer="consumer.ts",
    says=["✨ openapi-typescript 7.13.0", "🚀 openapi.json → schema.ts"],
    compiler={"exactOptionalPropertyTypes": True},
)
FUNCTIONS = Generator(
    # Its own run-time files do not keep to exactOptionalPropertyTypes. 0.96 wants Node 22.
    packages={"@hey-api/openapi-ts": "0.95.0"},
    command=["openapi-ts", "--input", "openapi.json", "--output", "sdk"],
    consumer="sdk_consumer.ts",
    says=["@hey-api/openapi-ts v0.95.0", "[Job 1] ⏳", "[Job 1]   [1] openapi.json", "[Job 1] ✅"],
)


FETCHING = Generator(
    # 7.21 and later want Node 22.
    packages={"orval": "7.13.2"},
    command=["orval", "--input", "./openapi.json", "--output", "./api.ts", "--client", "fetch"],
    consumer="orval_consumer.ts",
    says=["🍻 orval v7.13.2", "🎉 Booking System"],
)


@pytest.mark.parametrize("generator", [TYPES, FUNCTIONS, FETCHING], ids=lambda one: one.command[0])
async def test_a_generated_client_compiles_strictly_and_books(
    generator: Generator, database_url: str, tmp_path: Path
) -> None:
    front_end, instance = tmp_path / "front-end", tmp_path / "instance"
    front_end.mkdir()
    instance.mkdir()
    install(generator, front_end)

    told = COLOURS.sub("", run(front_end, *generator.command)).splitlines()
    complaints = [line for line in told if line and not line.startswith(tuple(generator.says))]
    assert complaints == []
    assert run(front_end, "tsc", "--project", ".") == ""

    async with running_api(database_url, instance) as api:
        await api.slot()
        with serving(database_url, instance) as address:
            script = Path(generator.consumer).with_suffix(".js")
            assert run(front_end, "node", str(script), address).splitlines() == BOOKED_ONCE


def install(generator: Generator, place: Path) -> None:
    """A project with the document, the consumer, and just these versions of the tools."""
    settle_compiler(place, generator.consumer, generator.compiler)
    install_packages(generator.packages | COMPILER, place)


def settle_compiler(place: Path, consumer: str, compiler: dict[str, Any]) -> None:
    """Put a consumer there, and compile it strictly, but for what the `compiler` is told."""
    settings = {"compilerOptions": STRICT | compiler, "files": [consumer]}
    (place / "tsconfig.json").write_text(json.dumps(settings))
    shutil.copy(HERE / consumer, place)


def install_packages(packages: dict[str, str], place: Path) -> None:
    """Put the document there, and just these versions of packages of npm's."""
    project = {"type": "module", "private": True, "dependencies": packages}
    (place / "package.json").write_text(json.dumps(project))
    shutil.copy(DOCUMENT, place)
    assert shutil.which("npm"), "this proof needs Node.js 20 or newer with npm: install it"
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    done = subprocess.run(
        ["npm", "install", *quiet], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run(place: Path, *command: str, may_chat: bool = False) -> str:
    """What a tool of the project prints; it must succeed and complain of nothing.

    A program that `may_chat` also tells its progress where complaints go.
    """
    program = shutil.which(command[0], path=place / "node_modules" / ".bin") or command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=place, capture_output=True, text=True, check=False
    )
    complaints = "" if may_chat else done.stderr
    assert (done.returncode, complaints) == (0, ""), done.stdout + done.stderr
    return done.stdout
