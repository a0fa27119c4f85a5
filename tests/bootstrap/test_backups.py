"""Backups: of one moment while people book, compared row by row, and good to book on."""

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from booking_system.bootstrap.backups import packing, programs, restoring, taking
from booking_system.bootstrap.backups.contents import Contents, Rows
from booking_system.bootstrap.backups.manifest import Manifest
from booking_system.bootstrap.backups.packing import Wanted
from booking_system.bootstrap.backups.programs import Target
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.console import progress
from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.settings import Settings, SettingsProblem
from tests.api import Api, running_api
from tests.files.conftest import a_visit
from tests.files.sending import PDF, Files, a_picture
from tests.postgres import TestServer


def settings_of(api: Api, **changes: object) -> Settings:
    settings: Settings = api.container.settings()
    return settings.model_copy(update=changes)


@pytest.fixture(scope="module")
async def source(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """What is backed up: an application with a database, and files, of its own."""
    place = tmp_path_factory.mktemp("source")
    async with postgres.database() as url, running_api(url, place) as api:
        yield api


@pytest.fixture
async def empty_url(postgres: TestServer) -> AsyncIterator[str]:
    async with postgres.database(template="template0") as url:
        yield url


async def names_of_databases(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


async def booking_until(api: Api, over: asyncio.Event) -> int:
    """Book and cancel, all the time; return how often."""
    clinic = await api.clinic()
    doctor, patient = await api.doctor(clinic), await api.patient()
    (slot,) = await api.slots(doctor)
    times = 0
    while not over.is_set():
        booked = await api.book(slot, patient)
        assert booked.status_code == 201, booked.text
        at = f"/v1/bookings/{booked.json()['id']}/cancel"
        assert (await api.post(at, None, patient)).status_code == 200
        times += 1
    return times


async def test_a_backup_is_of_one_moment_and_good_to_book_on(
    source: Api, empty_url: str, tmp_path: Path
) -> None:
    files = Files(source, "disk")
    visit = await a_visit(source)
    await files.stored("booking_document", visit.booking, visit.patient, PDF)
    photo = await files.stored(
        "doctor_photo", visit.doctor, visit.admin, a_picture("PNG"), "image/png"
    )
    settings, folder, over = settings_of(source), tmp_path / "backup", asyncio.Event()
    booking = [asyncio.create_task(booking_until(source, over)) for _ in range(3)]
    made = await taking.take(settings, folder, progress)
    over.set()
    assert min(await asyncio.gather(*booking)) > 0

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    assert "PRIVATE" not in (folder / "manifest.json").read_text()
    before = await names_of_databases(empty_url)
    done = await restoring.rehearse(settings, folder, progress)
    assert (done.differences, done.advice) == ([], [])
    assert await names_of_databases(empty_url) == before

    # And in earnest, on another machine: the key was kept in another place.
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "secret-key.pem").write_text(settings.signing_key())
    there = settings_of(source, database_url=empty_url, data_dir=place)
    done = await restoring.restore(there, folder, progress)
    assert (done.differences, done.advice) == ([], [])
    assert done.manifest == made
    async with running_api(empty_url, place) as api:
        await goes_on(source, api, photo["image_url"])
        answer = await api.get("/v1/me", visit.patient)
        assert answer.status_code == 401, "a session may have been ended since"


async def goes_on(before: Api, after: Api, photo: str) -> None:
    """What was there is there; the feed says that its numbers are given anew; and people book."""
    shown = await after.get(photo.removeprefix("http://test"))
    assert shown.status_code == 200
    epochs = set()
    for api in (before, after):
        async with api.container.database().reading() as connection:
            epochs.add(await connection.fetchval("SELECT epoch FROM feed_epoch"))
    assert len(epochs) == 2
    visit = await a_visit(after)
    files = Files(after, "disk")
    await files.stored("booking_document", visit.booking, visit.patient, PDF)


@pytest.fixture(scope="module")
async def taken(source: Api, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup with one document."""
    visit = await a_visit(source)
    files = Files(source, "disk")
    await files.stored("booking_document", visit.booking, visit.patient, PDF)
    folder = tmp_path_factory.mktemp("taken") / "backup"
    await taking.take(settings_of(source), folder, progress)
    return folder


@pytest.fixture
def backup(source: Api, taken: Path, tmp_path: Path) -> tuple[Settings, Path]:
    """A copy of it, and the settings of where it is from."""
    folder = tmp_path / "backup"
    shutil.copytree(taken, folder)
    return settings_of(source), folder


async def test_a_rehearsal_says_what_is_otherwise(
    backup: tuple[Settings, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, folder = backup
    found = Manifest.of(folder)
    tables = found.contents.tables
    tables["users"].count += 1
    tables["appointments"].digest = "0"
    tables["nowhere"] = Rows(count=1, digest="1")
    archive = folder / "files.tar"
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"%%EOF", b"%%eof"))
    monkeypatch.setattr(restoring, "_readable", lambda _: found)
    # Of another machine, whose key is its own.
    other = settings.model_copy(update={"data_dir": folder / "other"})
    before = await names_of_databases(settings.database_url or "")
    done = await restoring.rehearse(other, folder, progress)
    appointments, nowhere, users, *files = done.differences
    count = tables["users"].count
    assert users == f"users: {count - 1} rows instead of {count}."
    booked = tables["appointments"].count
    assert appointments == f"appointments: {booked} rows as before, but not the same ones."
    assert nowhere == "nowhere: no table rows instead of 1."
    assert files
    assert all(one.endswith("is not in the backup as it was stored.") for one in files)
    assert any("The secret key is another one" in one for one in done.advice)
    assert await names_of_databases(settings.database_url or "") == before


async def test_what_cannot_be_restored_is_told_and_nothing_is_left(
    backup: tuple[Settings, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, folder = backup
    with pytest.raises(SettingsProblem, match="is there already"):
        await taking.take(settings, folder, progress)
    with pytest.raises(SettingsProblem, match="The database is not empty"):
        await restoring.restore(settings, folder, progress)
    with pytest.raises(SettingsProblem, match="is no backup"):
        await restoring.rehearse(settings, folder.parent, progress)
    manifest = folder / "manifest.json"
    said = json.loads(manifest.read_text())
    newer = said | {"contents": said["contents"] | {"revision": "9999"}}
    manifest.write_text(json.dumps(newer))
    with pytest.raises(DatabaseProblemError, match="this version does not know"):
        await restoring.rehearse(settings, folder, progress)
    manifest.write_text("{}")
    with pytest.raises(SettingsProblem, match="cannot be read"):
        await restoring.rehearse(settings, folder, progress)
    manifest.write_text(json.dumps(said))
    dump = folder / "database.dump"
    whole = dump.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + b"x", b""):
        dump.write_bytes(damaged)
        with pytest.raises(SettingsProblem, match="the backup is damaged"):
            await restoring.rehearse(settings, folder, progress)
    # It breaks off: neither a half backup nor a half database is left.
    dump.write_bytes(whole)
    before = await names_of_databases(settings.database_url or "")

    async def failing(*_: object, **__: object) -> None:
        raise DatabaseProblemError("It failed.")

    monkeypatch.setattr(programs, "run", failing)
    with pytest.raises(DatabaseProblemError, match="It failed"):
        await taking.take(settings, folder.with_name("second"), progress)
    with pytest.raises(DatabaseProblemError, match="It failed"):
        await restoring.rehearse(settings, folder, progress)
    assert not [one for one in folder.parent.iterdir() if "second" in one.name]
    assert await names_of_databases(settings.database_url or "") == before


def test_a_file_is_whole_or_it_is_told(tmp_path: Path) -> None:
    folder, archive = tmp_path / "files", tmp_path / "files.tar"
    (folder / "served" / "ab" / "one").mkdir(parents=True)
    for part, content in (("small", b"1"), ("large", b"2")):
        (folder / "served" / "ab" / "one" / part).write_bytes(content)
    assert packing.pack(folder, archive, lambda _, __: None) == 2
    digest = sha256(b"2").digest()
    keys = [f"served/ab/one/{part}" for part in ("small", "large")]
    wanted = {
        "whole": Wanted(keys=keys, sha256=digest),
        "lacks a part": Wanted(keys=["served/ab/one/medium", *keys], sha256=digest),
        "lacks the last": Wanted(keys=[*keys, "served/ab/one/file"], sha256=digest),
        "is another": Wanted(keys=keys, sha256=sha256(b"3").digest()),
    }
    told = packing.missing_in(archive, wanted, lambda _, __: None)
    assert told == ["lacks a part", "lacks the last", "is another"]


async def test_a_sequence_that_is_behind_is_told(source: Api, tmp_path: Path) -> None:
    await a_visit(source)
    settings = settings_of(source)
    async with source.container.database().reading() as connection:
        last = await connection.fetchval("SELECT last_value FROM outbox_n_seq")
        await connection.execute("SELECT setval('outbox_n_seq', 1)")
    folder = tmp_path / "backup"
    try:
        await taking.take(settings, folder, progress)
    finally:
        async with source.container.database().reading() as connection:
            await connection.execute("SELECT setval('outbox_n_seq', $1)", last)
    done = await restoring.rehearse(settings, folder, progress)
    assert done.differences == ["The sequence outbox_n_seq is behind the numbers that are in use."]


async def test_files_are_not_put_among_others(
    backup: tuple[Settings, Path], empty_url: str
) -> None:
    settings, folder = backup
    there = settings.model_copy(update={"database_url": empty_url})
    with pytest.raises(SettingsProblem, match="holds files"):
        await restoring.restore(there, folder, progress)
    connection = await asyncpg.connect(empty_url)
    assert await connection.fetch("SELECT 1 FROM pg_class WHERE relname = 'users'") == []
    await connection.close()


async def test_a_program_that_complains_is_heard(tmp_path: Path) -> None:
    nowhere = Target.of("postgresql://user@127.0.0.1:1/none")
    with pytest.raises(DatabaseProblemError, match="pg_dump failed: connection to server"):
        await programs.run(Settings(), "pg_dump", target=nowhere)
    with pytest.raises(DatabaseProblemError, match="pg_nothing was not found: install"):
        await programs.run(Settings(postgres_bin=tmp_path), "pg_nothing", target=nowhere)


@pytest.mark.parametrize(
    ("url", "told", "password"),
    [
        ("postgresql://user:p%40ss@host:5432/name", "postgresql://user@host:5432/name", "p@ss"),
        (
            "postgres://user@one:1,two:2/name",
            "postgresql://user@one:1,two:2/name?target_session_attrs=read-write&connect_timeout=3",
            None,
        ),
        (
            "postgresql+asyncpg://u:x@h/n?ssl=require",
            "postgresql://u@h/n?sslmode=require",
            "x",
        ),
        (
            "postgresql://postgres@/n?host=/run/socket&port=5433&password=y",
            "postgresql://postgres@/n?host=%2Frun%2Fsocket&port=5433",
            "y",
        ),
    ],
)
def test_nobody_sees_a_password_among_the_arguments(
    url: str, told: str, password: str | None
) -> None:
    target = Target.of(url)
    assert target.url == told
    assert target.environment.get("PGPASSWORD") == password


def test_databases_are_alike_or_it_is_said_where_they_are_not() -> None:
    one = Contents(revision="1", tables={"a": Rows(count=1, digest="2")}, behind=[])
    assert one.differences(one.model_copy(deep=True)) == []
    other = Contents(revision="2", tables={}, behind=["s"])
    assert one.differences(other) == [
        "The tables are of revision 2 instead of 1.",
        "a: no table rows instead of 1.",
        "The sequence s is behind the numbers that are in use.",
    ]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.usefixtures("clean_environment", "logging_put_back")
def test_the_commands_say_what_they_did(
    source: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_of(source)
    monkeypatch.setenv("BOOKING_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("BOOKING_DATA_DIR", str(settings.data_dir))
    folder = str(tmp_path / "told")
    done = run("backup", folder)
    assert (done.exit_code, done.output.count("\n")) == (0, 2), done.output
    assert "rows." in done.output
    assert f"`booking-system restore {folder} --rehearse`" in done.output
    done = run("backup", folder)
    assert (done.exit_code, done.output) == (2, f"{folder} is there already: name a new folder.\n")
    done = run("restore", folder, "--rehearse")
    assert done.exit_code == 0, done.output
    assert "as on 20" in done.output
    found = Manifest.of(Path(folder))
    found.contents.tables["users"].count += 1
    monkeypatch.setattr(restoring, "_readable", lambda _: found)
    done = run("restore", folder, "--rehearse")
    assert done.exit_code == 1
    assert "users: " in done.output


def test_a_dump_is_of_the_server_that_is_wanted() -> None:
    hosts = "host=%2Frun%2Fone%2C%2Frun%2Ftwo&port=1%2C2"
    usual = "target_session_attrs=read-write&connect_timeout=3"
    assert Target.of(f"postgresql://u@/n?{hosts}").url == f"postgresql://u@/n?{usual}&{hosts}"
    other = "target_session_attrs=any&connect_timeout=9"
    assert Target.of(f"postgresql://u@one,two/n?{other}").url == f"postgresql://u@one,two/n?{other}"
