"""The embedded server on real processes: whoever dies, the data stays and no process does."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from booking_system.bootstrap import postgres_binaries
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_binaries import (
    OWN_IDS,
    LocalStackError,
    ServerUser,
    binaries_for,
    private_folder,
)
from tests.bootstrap.processes import alive, environment, eventually, running
from tests.budget import MADE

IS_ROOT = os.geteuid() == 0
HOST = """
import sys, time
from pathlib import Path
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.server_pid, flush=True)
time.sleep(600)
"""


def server_in(place: Path, *, durable: bool = False, **settings: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(place, durable=durable, settings=settings)


@contextmanager
def started(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    MADE["PostgreSQL servers"] += 1
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """The files of a server that was stopped: making them takes longer than all else."""
    with tempfile.TemporaryDirectory(prefix="booking-test-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with started(server_in(folder)):
            pass
        yield folder / "postgres" / "cluster"


def with_files(files: Path, server: EmbeddedPostgres) -> EmbeddedPostgres:
    """The server with files that are there already, as its own user has made them."""
    cluster, kept = server.root / "cluster", server.root.stat()
    subprocess.run(["cp", "-a", files, cluster], check=True)
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, kept.st_uid, kept.st_gid)
    return server


def with_first_files(files: Path, server: EmbeddedPostgres) -> None:
    """As many of them as a server reads that does not get far."""
    cluster, kept = server.root / "cluster", server.root.stat()
    for one in (*files.glob("*.conf"), files / "PG_VERSION", files / "global" / "pg_control"):
        copy = cluster / one.relative_to(files)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(one, copy)
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, kept.st_uid, kept.st_gid)
    cluster.chmod(0o700)


def ask(server: EmbeddedPostgres, statement: str) -> str:
    psql = binaries_for(None, None) / "psql"
    done = subprocess.run(
        [psql, "-XqAt", "-c", statement, server.url], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def test_the_server_is_joined_restarted_and_taken_over(place: Path, files: Path) -> None:
    durable = with_files(files, server_in(place, durable=True))
    with started(durable) as owner, started(server_in(place)) as guest:
        assert (owner.owns_the_server, guest.owns_the_server) == (True, False)
        assert ask(owner, "CREATE TABLE kept AS SELECT 42 AS answer") == ""

        first = owner.server_pid
        owner.kill()
        assert eventually(lambda: ask(guest, "SELECT answer FROM kept") == "42")
        second = owner.server_pid
        assert second != first

        owner.stop()
        assert eventually(lambda: ask(guest, "SELECT answer FROM kept") == "42")
        assert guest.owns_the_server
        third = guest.server_pid
        guest.stop()
        guest.stop()
        assert not any(map(alive, (first, second, third)))


def test_when_everything_is_killed_no_process_stays_and_the_data_does(
    place: Path, files: Path
) -> None:
    with_files(files, server_in(place / "data"))
    host = ("-c", HOST, place / "data")
    with running(*host, env=environment(), cwd=place) as process:
        postmaster = printed_pid(process)
        server = server_in(place / "data")
        assert ask(server, "CREATE TABLE kept AS SELECT 42 AS answer") == ""
        process.kill()
        assert eventually(lambda: not alive(postmaster)), "it survived the program"
    with running(*host, env=environment(), cwd=place) as process:
        postmaster = printed_pid(process)
        os.kill(postmaster, signal.SIGKILL)
        process.kill()
    with started(server_in(place / "data")) as server:
        assert ask(server, "SELECT answer FROM kept") == "42"
        assert server.server_pid != postmaster


def printed_pid(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.parametrize("name", ["with a space, and a comma", "deep/" + "x" * 120])
def test_any_path_will_do(place: Path, name: str) -> None:
    server = server_in(place / name)
    try:
        with started(server):
            assert ask(server, "SELECT 1") == "1"
    finally:
        if not server.sockets.is_relative_to(place):
            shutil.rmtree(server.sockets)


def test_an_ordinary_user_needs_no_other_user(place: Path) -> None:
    become, owner = "", os.geteuid()
    if IS_ROOT:
        nobody = pwd.getpwnam("nobody")
        owner, group = nobody.pw_uid, nobody.pw_gid
        os.chown(place, owner, group)
        # The interpreter may be root's alone: it is loaded by then.
        become = f"import os; os.setgroups([]); os.setgid({group}); os.setuid({owner})"
    code = HOST.replace("server =", f"{become}\nserver =", 1)
    code = code.replace("time.sleep(600)", "server.stop()")
    done = subprocess.run(
        [sys.executable, "-c", code, place / "data"],
        env=environment(),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not alive(int(done.stdout))
    assert (place / "data").stat().st_uid == owner


def test_what_the_servers_user_cannot_reach_is_put_where_it_can(
    place: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = place / "reachable"
    monkeypatch.setattr(postgres_binaries, "REACHABLE", reachable)
    monkeypatch.setattr(ServerUser, "can_run", lambda *_: False)
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with started(with_files(files, server_in(closed / "data"))) as server:
        assert ask(server, "SELECT 1") == "1"
        # An ordinary user is the server's user, and can reach whatever is theirs.
        assert server.root.is_relative_to(reachable if IS_ROOT else closed)
        program = Path(f"/proc/{server.server_pid}/exe").readlink()
        assert program.is_relative_to(reachable) is IS_ROOT
    assert closed.stat().st_mode & 0o777 == 0o700
    assert len(list(reachable.glob("postgres-*"))) == IS_ROOT
    if IS_ROOT:
        assert (closed / "data" / "postgres-is-at").read_text() == f"{server.root}\n"


def psql_as(uid: int, server: EmbeddedPostgres) -> "subprocess.CompletedProcess[str]":
    """Ask the server as somebody else, from programs that they may run; only root may."""
    psql = binaries_for(ServerUser(uid, uid), None) / "psql"
    return subprocess.run(
        [psql, "-XqAtw", "-c", "SELECT 1", server.url],
        user=uid,
        group=uid,
        extra_groups=[],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )


def known_as(name: str, server: EmbeddedPostgres) -> None:
    """Make the running server believe that `name` is who started it."""
    place = server.root / "cluster" / "pg_ident.conf"
    place.write_text(f'own "{name}" all\n')
    assert ask(server, "SELECT pg_reload_conf()") == "t"


def test_nobody_but_who_started_it_may_connect(place: Path, files: Path) -> None:
    with started(with_files(files, server_in(place))) as server:
        asked = "SELECT type, database, user_name, auth_method, options FROM pg_hba_file_rules"
        assert ask(server, f"{asked} ORDER BY rule_number").splitlines() == [
            "local|{all}|{all}|peer|{map=own}",
            "local|{replication}|{all}|peer|{map=own}",
        ]
        assert ask(server, "SHOW listen_addresses") == ""
        assert server.sockets.stat().st_mode & 0o007 == 0

        # What keeps others out of the folder falls: the server alone stands there now.
        for folder in (server.root, server.sockets):
            folder.chmod(0o755)
        me = pwd.getpwuid(os.geteuid()).pw_name
        assert ask(server, "SELECT 1") == "1"
        if IS_ROOT:
            others = [pwd.getpwnam("nobody").pw_uid, server.root.stat().st_uid, 54321]
            told = [psql_as(uid, server) for uid in others]
            assert [one.returncode for one in told] == [2, 2, 2]
            assert all("authentication failed" in one.stderr for one in told), told
        # Where we cannot become somebody else, somebody else becomes who started it.
        known_as("somebody-else", server)
        assert eventually(lambda: ask(server, "SELECT 1") == "")
        assert me != "somebody-else"


def owners_below(*places: Path) -> set[int]:
    return {path.lstat().st_uid for place in places for path in (place, *place.rglob("*"))}


def test_the_server_runs_as_somebody_whom_nobody_shares(place: Path, files: Path) -> None:
    second = with_files(files, server_in(place / "other"))
    with started(server_in(place / "one")) as one, started(second) as other:
        ids = [Path(f"/proc/{server.server_pid}").stat().st_uid for server in (one, other)]
        groups = [Path(f"/proc/{server.server_pid}").stat().st_gid for server in (one, other)]
        if not IS_ROOT:
            assert ids == [os.geteuid()] * 2
            return
        assert groups == ids
        assert len(set(ids)) == 2
        assert set(ids) <= set(OWN_IDS)
        with pytest.raises(KeyError):
            pwd.getpwuid(ids[0])
        # Root's own: the log, the lock. All else is the server's, and nothing is nobody's.
        assert owners_below(one.root) == {0, ids[0]}
        assert {path.stat().st_uid for path in (one.root / "cluster").rglob("*")} == {ids[0]}
        assert (one.root / "cluster").stat().st_mode & 0o777 == 0o700
        assert one.root.stat().st_mode & 0o007 == 0


def as_it_was_before(server: EmbeddedPostgres) -> int:
    """Make the files those of an earlier version: nobody's, and open for everybody."""
    (server.root / "cluster" / "pg_hba.conf").write_text("local all all trust\n")
    (server.root / "cluster" / "pg_ident.conf").write_text("")
    if not IS_ROOT:
        return os.geteuid()
    nobody = pwd.getpwnam("nobody")
    for place in (server.root, server.sockets):
        for path in (place, *place.rglob("*")):
            if path == place or path.lstat().st_uid != 0:
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        place.chmod(0o700)
    return nobody.pw_uid


def test_data_of_an_earlier_version_is_taken_over_when_its_server_is_gone(
    place: Path, files: Path
) -> None:
    with started(with_files(files, server_in(place, durable=True))) as server:
        assert ask(server, "CREATE TABLE kept AS SELECT 42 AS answer") == ""
    before = as_it_was_before(server)
    assert owners_below(server.sockets) == {before}

    # A server of that version may be running, and needs its files until it goes.
    joining = server_in(place)
    assert server.root.stat().st_uid == before
    with started(joining) as now:
        assert ask(now, "SELECT answer FROM kept") == "42"
        runs_as = Path(f"/proc/{now.server_pid}").stat().st_uid
        assert runs_as in (OWN_IDS if IS_ROOT else {before})
        assert owners_below(now.root, now.sockets) == {os.geteuid(), runs_as}
        assert "trust" not in (now.root / "cluster" / "pg_hba.conf").read_text()
    with started(server_in(place)) as again:
        assert ask(again, "SELECT answer FROM kept") == "42"
        assert Path(f"/proc/{again.server_pid}").stat().st_uid == runs_as


def test_a_takeover_that_was_cut_short_is_finished(place: Path, files: Path) -> None:
    server = with_files(files, server_in(place))
    kept = server.root.stat()
    as_it_was_before(server)
    os.chown(server.root, kept.st_uid, kept.st_gid)
    with started(server_in(place)) as again:
        assert ask(again, "SELECT 1") == "1"
        assert owners_below(again.root, again.sockets) == {os.geteuid(), kept.st_uid}


def test_files_of_others_are_not_taken_over(place: Path) -> None:
    """A user who could put a link or somebody's file there would get it."""
    (place / "theirs").mkdir()
    (place / "theirs" / "file").touch()
    (place / "data").mkdir()
    (place / "data" / "link").symlink_to(place / "theirs")
    (place / "data" / "foreign").touch()
    user = ServerUser(os.geteuid(), os.getegid())
    if IS_ROOT:
        user = ServerUser(OWN_IDS[7], OWN_IDS[7])
        for path in (place / "theirs", place / "theirs" / "file"):
            os.chown(path, OWN_IDS[3], OWN_IDS[3])
        os.chown(place / "data" / "foreign", 12345, 12345)
    before = [path.lstat().st_uid for path in (place / "theirs").rglob("*")]
    user.take_over(place / "data")
    assert [path.lstat().st_uid for path in (place / "theirs").rglob("*")] == before
    assert (place / "data" / "foreign").lstat().st_uid == (12345 if IS_ROOT else user.uid)
    assert (place / "data").stat().st_uid == user.uid


def test_an_id_that_somebody_has_is_not_the_servers(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    first = ServerUser.for_data_in(place / "new")
    assert first == ServerUser.for_data_in(place / "new")
    assert first is not None
    entry = SimpleNamespace(pw_uid=first.uid, pw_name="somebody")
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry])
    second = ServerUser.for_data_in(place / "new")
    assert second is not None
    assert second.uid in set(OWN_IDS) - {first.uid}

    everybody = [SimpleNamespace(pw_uid=uid, pw_name=f"user-{uid}") for uid in OWN_IDS]
    monkeypatch.setattr(pwd, "getpwall", lambda: everybody)
    with pytest.raises(LocalStackError, match="booking-postgres"):
        ServerUser.for_data_in(place / "new")
    named = SimpleNamespace(pw_uid=777, pw_gid=778)
    monkeypatch.setattr(pwd, "getpwnam", lambda _: named)
    assert ServerUser.for_data_in(place / "new") == ServerUser(777, 778)


def test_who_has_no_name_learns_what_to_do(
    place: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_first_files(files, server_in(place))

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(LocalStackError, match="has no name on this machine"):
        server_in(place).start()


def test_a_folder_that_others_could_enter_is_closed(place: Path) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(0o777)
    private_folder(place / "open", None)
    assert (place / "open").stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused(place: Path) -> None:
    # Never a real one: without the protection, the link's end loses its mode and owner.
    (place / "elsewhere").mkdir(mode=0o755)
    (place / "link").symlink_to(place / "elsewhere")
    with pytest.raises(LocalStackError, match="cannot be used"):
        private_folder(place / "link", None)
    assert (place / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_a_foreign_folder_is_refused_even_by_root(place: Path) -> None:
    theirs = Path("/usr")
    if IS_ROOT:
        theirs = place / "theirs"
        theirs.mkdir()
        os.chown(theirs, 12345, 12345)
    with pytest.raises(LocalStackError, match="belongs to somebody else"):
        private_folder(theirs, None)


def test_a_server_that_cannot_start_says_why_at_once(place: Path, files: Path) -> None:
    with_first_files(files, server_in(place))
    with pytest.raises(LocalStackError, match="max_connections") as raised:
        server_in(place, max_connections="none").start()
    assert str(place / "postgres" / "postgres.log") in str(raised.value)


def test_data_of_another_postgresql_is_told_of_with_the_way_out(place: Path, files: Path) -> None:
    server = server_in(place)
    with_first_files(files, server)
    made_by = server.root / "cluster" / "PG_VERSION"
    made_by.write_text("9\n")
    with pytest.raises(LocalStackError, match="was made by PostgreSQL 9, and the programs") as told:
        server.start()
    assert "Set BOOKING_POSTGRES_BIN to programs of PostgreSQL 9, run" in str(told.value)


def test_a_directory_without_programs_is_refused(place: Path) -> None:
    with pytest.raises(LocalStackError, match="BOOKING_POSTGRES_BIN"):
        EmbeddedPostgres(place, binaries=place)


def test_without_the_wheel_the_operator_learns_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda _: None)
    with pytest.raises(LocalStackError, match="set BOOKING_DATABASE_URL"):
        EmbeddedPostgres(place)
