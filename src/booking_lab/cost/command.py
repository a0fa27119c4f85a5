"""The command `booking-system cost`; what it needs is loaded once it runs."""

import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from booking_lab.bench.plan import BenchProblem
from booking_system.bootstrap.settings import Settings
from booking_system.platform.observability.shared_counts import VARIABLE, counting_together

if TYPE_CHECKING:
    from booking_lab.cost.run import Counted

FAILED = 1
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
Database = Annotated[
    str | None, typer.Option("--database", help="Count on this new database, not on one of its own")
]
ByFile = Annotated[
    str | None, typer.Option("--by-file", help="Show the bytecodes of this operation by file.")
]
InDatabase = Annotated[
    bool,
    typer.Option("--instructions", help="Count PostgreSQL's instructions, by valgrind: minutes."),
]


def cost(
    *,
    json_file: JsonFile = None,
    database: Database = None,
    by_file: ByFile = None,
    in_database: InDatabase = False,
) -> None:
    """Count what one request costs.

    That is calls, bytecodes, system calls, statements and write-ahead log. The figures are the same
    on every machine with this version of Python; nothing is timed. It touches no data of yours, and
    takes a quarter of a minute. With --instructions only what PostgreSQL does for each operation
    that writes is counted.
    """
    try:
        if in_database:
            _count_instructions(json_file)
            return
        with tempfile.TemporaryDirectory() as folder, _as_in_an_api_process():
            found = _counted(Path(folder), database)
    except BenchProblem as problem:
        typer.echo(problem, err=True)
        raise typer.Exit(FAILED) from None
    if by_file is not None and by_file not in found.by_file:
        raise typer.BadParameter(f"operations are: {', '.join(found.by_file)}")
    if json_file is not None:
        about = {"python": ".".join(platform.python_version_tuple()[:2])}
        told = about | {"operations": found.operations, "tables": found.tables}
        json_file.write_text(f"{json.dumps(told, indent=2)}\n", encoding="utf-8")
    typer.echo("\n".join(_lines(found, by_file)))


@contextmanager
def _as_in_an_api_process() -> Iterator[None]:
    """Count requests in files, as processes do that have siblings."""
    with counting_together() as counts:
        os.environ[VARIABLE] = counts
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def _count_instructions(json_file: Path | None) -> None:
    from booking_lab.cost.instructions import instructions  # noqa: PLC0415  (loads a lot)

    found = instructions(_settings)
    if json_file is not None:
        json_file.write_text(f"{json.dumps(found, indent=2)}\n", encoding="utf-8")
    for name, count in found.items():
        typer.echo(f"{name:20}{count // 1000:>10,} thousand instructions")


def _settings(folder: Path, url: str) -> Settings:
    from booking_lab.bench.api import PUBLIC_URL  # noqa: PLC0415  (loads a lot)

    return Settings(
        data_dir=folder,
        database_url=url,
        secret_key=None,
        env="development",
        public_url=PUBLIC_URL,
        rate_limit=False,
        log_format="json",
    )


def _counted(folder: Path, database: str | None) -> "Counted":
    from booking_lab.bench.run import own_place  # noqa: PLC0415  (loads a lot)
    from booking_lab.cost.run import counted  # noqa: PLC0415

    def on(url: str) -> "Counted":
        return counted(_settings(folder, url), folder / "log")

    if database is not None:
        return on(database)
    with own_place(Settings().postgres_bin) as (_, server):
        return on(server.url)


def _lines(found: "Counted", by_file: str | None) -> Iterator[str]:
    names = ("calls", "bytecodes", "reads", "writes", "statements", "wal_records", "wal_bytes")
    yield f"{'':20}" + "".join(f"{name.replace('_', ' '):>13}" for name in names)
    for operation, figures in found.operations.items():
        yield f"{operation:20}" + "".join(f"{figures.get(name, ''):>13}" for name in names)
    yield ""
    for table, counts in found.tables.items():
        yield f"{table:20}" + ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in counts.items()
        )
    if by_file is not None:
        yield ""
        for file, bytecodes in found.by_file[by_file].most_common():
            yield f"{bytecodes:8,} {file.rpartition('site-packages/')[2].rpartition('/src/')[2]}"
