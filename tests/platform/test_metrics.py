"""`/metrics`: bounded, exact, and the same whichever process answers."""

import asyncio
import fcntl
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from booking_system import __version__
from booking_system.bootstrap.migrations import newest
from booking_system.platform.observability.metrics import FLUSH_SECONDS
from booking_system.platform.observability.shared_counts import counting_together
from booking_system.platform.postgres import leases
from booking_system.platform.postgres.faults import OutcomeUnknown, Overloaded
from booking_system.platform.postgres.transaction import Database
from tests.api import Api, code_of, document_of_all
from tests.bootstrap.processes import alive, eventually, family_of
from tests.patience import PATIENCE
from tests.platform.instances import Instance, Numbers, instance, numbers_in, total

REQUESTS = "booking_http_requests_total"
PROBLEMS = "booking_http_problems_total"
SECONDS = "booking_http_request_duration_seconds"
IN_FLIGHT = "booking_http_requests_in_flight"
IN_USE = "booking_database_connections_in_use"
POOL_SIZE = "booking_database_pool_size"
ASKED = 30
"""So often that both processes have answered, whichever takes a connection."""


async def numbers_of(api: Api) -> Numbers:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
    return numbers_in(answer.text)


async def test_requests_are_counted_by_template_status_and_code(own_api: Api) -> None:
    slot, patient = await own_api.slot(), await own_api.patient()
    assert (await own_api.book(slot, patient)).status_code == 201
    for _ in range(2):
        assert (await own_api.book(slot, await own_api.patient())).status_code == 409
    await own_api.get(f"/v1/slots/{uuid4()}")

    numbers = await numbers_of(own_api)
    booking = {"method": "POST", "route": "/v1/bookings"}
    reading = {"method": "GET", "route": "/v1/slots/{slot_id}"}
    assert total(numbers, REQUESTS, **booking, status="201") == 1
    assert total(numbers, REQUESTS, **booking, status="409") == 2
    assert total(numbers, PROBLEMS, **booking, code="slot_already_booked") == 2
    assert total(numbers, REQUESTS, **reading) == 1
    assert total(numbers, PROBLEMS, **reading, code="slot_not_found") == 1
    assert total(numbers, f"{SECONDS}_count", **booking) == 3
    assert total(numbers, f"{SECONDS}_bucket", **booking, le="+Inf") == 3
    assert 0 < total(numbers, f"{SECONDS}_sum", **booking) < 10


async def test_nothing_that_a_client_writes_makes_a_label(own_api: Api) -> None:
    for number in range(5):
        await own_api.send(f"ODD{number}", "/v1/clinics")
        await own_api.get(f"/nowhere-{number}", q=f"nobody-{number}")
        await own_api.get(f"/v1/doctors/{uuid4()}")
    numbers = await numbers_of(own_api)
    assert total(numbers, REQUESTS, route="unmatched", method="GET", status="404") == 5
    assert total(numbers, REQUESTS, method="OTHER") == 5
    labels = {label for name, carried in numbers for label in carried if name == REQUESTS}
    assert len(labels) < 15
    assert not any("odd" in value.lower() or "nobody" in value for _, value in labels)


async def test_the_pool_is_seen_and_no_connection_is_counted_for_ever(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "WAIT_SECONDS", 0.01)
    before = await numbers_of(api)
    assert total(before, POOL_SIZE) == 16
    assert total(before, IN_USE) == 0
    database = api.container.database()
    with pytest.raises(OutcomeUnknown):
        async with database.transaction(), database.driver_transaction() as driver:
            assert total(await numbers_of(api), IN_USE) == 2
            driver.terminate()
    assert total(await numbers_of(api), IN_USE) == 0
    async with AsyncExitStack() as taken:
        for _ in range(16):
            await taken.enter_async_context(database.reading())
        with pytest.raises(Overloaded):
            async with database.reading():
                raise AssertionError
        assert total(await numbers_of(api), IN_USE) == 16
    assert total(await numbers_of(api), IN_USE) == 0


async def test_a_request_is_in_flight_until_it_is_answered(api: Api) -> None:
    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql("LOCK TABLE clinics")
        waiting = asyncio.create_task(api.get("/v1/clinics"))
        async with asyncio.timeout(PATIENCE):
            # The question itself is the second.
            while total(await numbers_of(api), IN_FLIGHT) != 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    await waiting
    assert total(await numbers_of(api), IN_FLIGHT) == 1


async def test_the_build_is_named(api: Api) -> None:
    labels = {"version": __version__, "schema_revision": str(newest())}
    assert total(await numbers_of(api), "booking_build_info", **labels) == 1


async def test_metrics_are_for_operators_not_part_of_the_api(api: Api) -> None:
    assert "/metrics" not in document_of_all()["paths"]
    old = {"Authorization": "Bearer nonsense"}
    assert (await api.send("GET", "/metrics", headers=old)).status_code == 200
    assert code_of(await api.post("/metrics"))[0] == 405


@contextmanager
def two_processes(database_url: str, place: Path) -> Iterator[tuple[Instance, Path]]:
    """An instance of two, and the place where its temporary files are."""
    temporary = place / "temporary"
    temporary.mkdir()
    outside = {"TMPDIR": str(temporary)}
    with instance(
        database_url, place, outside=outside, api_processes=2, log_level="error"
    ) as running:
        yield running, temporary


def seen_by_both(running: Instance, pause: float = 0.02) -> list[Numbers]:
    """What each of the two processes says of both."""
    said: dict[str, Numbers] = {}

    def ask() -> bool:
        with running.client() as client:
            answer = client.get("/metrics")
        said.setdefault(answer.headers["x-instance"], numbers_in(answer.text))
        return len(said) == 2

    assert eventually(ask, pause=pause)
    return list(said.values())


def agreed(running: Instance) -> None:
    """Both say it, once what each has added up is told to the other."""

    def say_so() -> bool:
        return all(
            total(numbers, REQUESTS, route="/v1/clinics", status="200") == ASKED
            and total(numbers, IN_FLIGHT) == 1
            and total(numbers, IN_USE) == 0
            for numbers in seen_by_both(running, pause=FLUSH_SECONDS)
        )

    assert eventually(say_so, pause=FLUSH_SECONDS)


def ask_for_clinics(running: Instance, count: int) -> set[str]:
    """Ask, each time on a new connection; say who answered."""
    answered = set()
    for _ in range(count):
        with running.client() as client:
            answer = client.get("/v1/clinics")
        assert answer.status_code == 200
        answered.add(answer.headers["x-instance"])
    return answered


def workers_of(running: Instance) -> list[int]:
    return [pid for pid in family_of(running.process.pid)[1:] if alive(pid)]


def server_of(client_port: int, pids: list[int]) -> int:
    """Which process has the other end of a connection to this machine."""
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in table if row[2].endswith(f":{client_port:04X}")}
    (found,) = {
        pid
        for pid in pids
        for fd in Path(f"/proc/{pid}/fd").iterdir()
        if fd.is_symlink() and str(fd.readlink()) in inodes
    }
    return found


async def test_two_processes_are_one_to_whoever_asks_also_when_one_was_killed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with two_processes(database_url, tmp_path) as (running, temporary):
        assert len(await asyncio.to_thread(ask_for_clinics, running, ASKED)) == 2
        await asyncio.to_thread(agreed, running)
        for numbers in await asyncio.to_thread(seen_by_both, running):
            assert total(numbers, f"{SECONDS}_count", route="/v1/clinics") == ASKED
            assert total(numbers, POOL_SIZE) == 32
            assert total(numbers, "booking_build_info") == 1
        assert list(temporary.iterdir()), "the counts should be in files"

        await kill_the_one_that_is_busy(running, database)

        await asyncio.to_thread(agreed, running)
        running.end()
        assert list(temporary.iterdir()) == []


async def kill_the_one_that_is_busy(running: Instance, database: Database) -> None:
    """Returns when another serves in its place."""
    before = workers_of(running)
    async with (
        database.transaction() as connection,
        httpx.AsyncClient(base_url=running.address, trust_env=False) as client,
    ):
        about = (await client.get("/health/live")).extensions["network_stream"]
        busy = server_of(about.get_extra_info("client_addr")[1], before)
        await connection.exec_driver_sql("LOCK TABLE clinics")

        async def keep_asking() -> None:
            # A lock is not waited for for ever: then again.
            while True:
                await client.get("/v1/clinics")

        def is_waiting() -> bool:
            # What was asked for the numbers is counted for a second behind its end.
            (numbers, _) = seen_by_both(running, pause=0.2)
            return total(numbers, IN_FLIGHT) >= 2 and total(numbers, IN_USE) == 1

        waiting = asyncio.create_task(keep_asking())
        assert await asyncio.to_thread(eventually, is_waiting)
        os.kill(busy, signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            await waiting

    def is_replaced() -> bool:
        workers = workers_of(running)
        return len(workers) == 2 and busy not in workers

    def serve_both() -> bool:
        return all(total(numbers, POOL_SIZE) == 32 for numbers in seen_by_both(running, pause=0.2))

    # It takes some seconds to start, and each look takes time from it.
    assert await asyncio.to_thread(eventually, is_replaced, pause=0.2)
    assert await asyncio.to_thread(eventually, serve_both, pause=0.2)


def test_only_what_a_killed_instance_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    long_ago = (0, 0)
    names = ("abandoned", "starting", "held", "elsewhere")
    abandoned, starting, held, elsewhere = (tmp_path / f"booking-metrics-{one}" for one in names)
    for directory in (abandoned, starting, held):
        directory.mkdir()
        (directory / "counter_1.db").touch()
    elsewhere.symlink_to(tmp_path)
    for directory in (abandoned, held):
        os.utime(directory, long_ago)
    holder = os.open(held, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with counting_together() as fresh:
        os.utime(fresh, long_ago)
        with counting_together():
            assert set(tmp_path.glob("*")) >= {Path(fresh), starting, held, elsewhere}
            assert not abandoned.exists()
    os.close(holder)
    assert set(tmp_path.glob("*")) == {starting, held, elsewhere}
