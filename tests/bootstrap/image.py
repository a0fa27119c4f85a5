"""Carries out the Dockerfile's steps without Docker: each stage is a folder instead of a disk."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from booking_system.bootstrap.postgres_binaries import ServerUser
from tests.bootstrap.dockerfile import ROOT, Step, is_let_in, stages

ABSOLUTE = re.compile(r"(?:(?<=[\s=:])|^)/(?=[a-z])")
OF_THE_BASE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Image:
    """A disk, and how to run something on it."""

    disk: Path
    cwd: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": OF_THE_BASE, "HOME": "/"})
    user: int = 0
    commands: dict[str, list[str]] = field(default_factory=dict)
    """What ENTRYPOINT, CMD and HEALTHCHECK name."""

    def on_disk(self, text: str) -> str:
        """Absolute paths, put below the folder."""
        return ABSOLUTE.sub(f"{self.disk}/", text)

    def program(self, *arguments: str) -> list[str]:
        """What the container runs: with no arguments, the usual ones."""
        return [*self.commands["ENTRYPOINT"], *(arguments or self.commands["CMD"])]

    def run(self, *command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        with self.started(*command, **settings) as process:
            told, _ = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, told)

    @contextmanager
    def started(self, *command: str, **settings: str) -> Iterator["subprocess.Popen[str]"]:
        """The image's user if we may become it, else we are nobody special either."""
        user = self.user if os.geteuid() == 0 else None
        process = subprocess.Popen(
            command,
            executable=shutil.which(command[0], path=self.env["PATH"]),
            cwd=self.cwd,
            env={**self.env, **settings},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def build(place: Path) -> dict[str, Image]:
    """The images by name of their stage; that of the last has none. All users may enter `place`."""
    built: dict[str, Image] = {}
    for stage in stages():
        disk = place / (stage.name or "image")
        if stage.base in built:
            image = _copied(built[stage.base], disk)
        else:
            disk.mkdir()
            image = Image(disk, disk)
        built[stage.name] = image
        for step in stage.steps:
            _carry_out(step, image, built)
    return built


def _copied(base: Image, disk: Path) -> Image:
    shutil.copytree(base.disk, disk, symlinks=True)
    if os.geteuid() == 0:
        shutil.chown(disk / "data", base.user, base.user)
    there = {name: value.replace(str(base.disk), str(disk)) for name, value in base.env.items()}
    cwd = Path(str(base.cwd).replace(str(base.disk), str(disk)))
    return Image(disk, cwd, there, base.user, dict(base.commands))


def _carry_out(step: Step, image: Image, built: dict[str, Image]) -> None:
    match step.keyword:
        case "WORKDIR":
            image.cwd = Path(image.on_disk(step.text))
            image.cwd.mkdir(exist_ok=True)
        case "COPY":
            _copy(step, image, built)
        case "RUN":
            command = ["sh", "-euc", image.on_disk(step.text)]
            env = {**os.environ, "PATH": f"{_tools(image)}:{OF_THE_BASE}"}
            subprocess.run(command, cwd=image.cwd, env=env, check=True)
        case "ENV":
            for name, value in step.values.items():
                image.env[name] = image.on_disk(value).replace("$PATH", image.env["PATH"])
        case "USER":
            image.user = int(step.text.partition(":")[0])
        case "ENTRYPOINT" | "CMD" | "HEALTHCHECK":
            image.commands[step.keyword] = step.command
        case other:
            assert other in {"LABEL", "EXPOSE", "STOPSIGNAL"}, f"{other} is not known here"


def _copy(step: Step, image: Image, built: dict[str, Image]) -> None:
    *sources, target = step.words
    place = image.cwd / image.on_disk(target)
    for source in sources:
        origin = step.flags.get("from")
        found = ROOT / source if origin is None else Path(built[origin].on_disk(source))
        if found.is_dir():
            left_out = None if origin else _not_let_in
            shutil.copytree(found, place, symlinks=True, ignore=left_out, dirs_exist_ok=True)
        else:
            shutil.copy2(found, place)
    if os.geteuid() == 0 and "chown" in step.flags:
        os.chown(place, *map(int, step.flags["chown"].split(":")))


def _not_let_in(folder: str, names: list[str]) -> list[str]:
    below = Path(folder).relative_to(ROOT)
    return [name for name in names if not is_let_in((below / name).as_posix())]


def _tools(image: Image) -> Path:
    """The base image's python and pip."""
    tools = image.disk / "tools"
    tools.mkdir(exist_ok=True)
    for name, command in (("python", _python()), ("pip", f"{sys.executable} -m pip")):
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tools / name).chmod(0o755)
    return tools


def _python() -> Path:
    """One that the image's user may start; root's own may lie in root's home."""
    ours = Path(getattr(sys, "_base_executable", sys.executable))
    places = [Path(place) for place in [*OF_THE_BASE.split(":"), *os.get_exec_path()]]
    others = [place / f"python3.{minor}" for minor in range(14, 10, -1) for place in places]
    anybody = ServerUser(65534, 65534)
    for program in (ours, *others):
        if os.geteuid() != 0 or (program.exists() and anybody.can_run(program)):
            return program
    raise AssertionError("this proof needs a Python, 3.11 or newer, that every user may start")
