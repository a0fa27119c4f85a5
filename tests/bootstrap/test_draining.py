"""An instance that ends says so first, and answers until nobody comes any more."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from booking_system.bootstrap import api_process
from booking_system.bootstrap.api_process import DrainingServer, config_of
from booking_system.bootstrap.health import READY
from booking_system.platform.http.draining import Draining
from tests.api import NOTHING, code_of
from tests.bootstrap.processes import eventually, family_of
from tests.bootstrap.wire import GET, Wire
from tests.patience import PATIENCE
from tests.platform.instances import instance
from tests.platform.real_server import real_server
from tests.stage import Stage

CLIENTS, EACH = 6, 12


@asynccontextmanager
async def draining(state: Draining) -> AsyncIterator[None]:
    state.begin()
    try:
        yield
    finally:
        state.is_on = False


async def test_it_is_not_ready_and_answers_each_connection_a_last_time(stage: Stage) -> None:
    async with real_server(stage) as server:
        ready = await server.api.client.get(READY)
        assert ready.status_code == 200
        assert "connection" not in ready.headers
        async with draining(server.api.app.state.draining):
            told = await server.api.client.get(READY)
            assert code_of(told) == (503, "draining")
            assert (told.headers["connection"], told.headers["retry-after"]) == ("close", "1")
            for _ in range(2):
                found = await server.api.client.get("/v1/clinics")
                assert (found.status_code, found.headers["connection"]) == (200, "close")
        assert "connection" not in (await server.api.client.get(READY)).headers


async def test_its_answer_is_as_documented(stage: Stage) -> None:
    async with stage.api() as api:
        async with draining(api.app.state.draining):
            assert code_of(await api.get(READY)) == (503, "draining")
        assert (await api.get(READY)).status_code == 200


async def test_who_is_refused_early_is_sent_elsewhere_as_well() -> None:
    wire = Wire().full()
    wire.draining.begin()
    (answer,) = wire.told(GET)
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert wire.is_closed


class Hours:
    """In the place of `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    hours = Hours()
    monkeypatch.setattr(api_process, "time", hours)
    return hours


async def a_server(stage: Stage, seconds: float) -> tuple[DrainingServer, Draining]:
    async with stage.api() as api:
        api.app.state.draining.is_on = False
        server = DrainingServer(config_of(api.app, NOTHING), seconds=seconds)
        server.config.encoded_headers = []
        return server, api.app.state.draining


async def test_it_ends_when_its_time_is_over_and_not_before(stage: Stage, hours: Hours) -> None:
    server, state = await a_server(stage, 7)
    assert not await server.on_tick(1)
    server.handle_exit(signal.SIGTERM, None)
    hours.now = 6
    server.handle_exit(signal.SIGTERM, None)
    assert state.is_on
    assert not await server.on_tick(1)
    hours.now = 7
    assert await server.on_tick(1)
    state.is_on = False


@pytest.mark.parametrize("seconds", [0, 7])
async def test_without_time_or_by_ctrl_c_it_ends_at_once(
    stage: Stage, hours: Hours, seconds: float
) -> None:
    server, state = await a_server(stage, seconds)
    server.handle_exit(signal.SIGINT if seconds else signal.SIGTERM, None)
    assert await server.on_tick(1)
    assert not state.is_on


async def test_under_load_nobody_is_lost_who_goes_where_it_is_ready(
    database_url: str, stage: Stage, tmp_path: Path
) -> None:
    """Two processes drain; what their balancer asks goes to another instance from then on."""
    async with real_server(stage) as other:
        clinic = await other.api.clinic()
        desk = await other.api.receptionist(clinic["id"])
        patient = {"clinic_id": clinic["id"], "full_name": "Example Patient"}
        about = other.api.container.settings()
        same = {
            "public_url": about.public_url,
            "secret_key": about.signing_key().replace("\n", "\\n"),
        }
        with instance(database_url, tmp_path, drain_seconds=600, api_processes=2, **same) as ends:
            answered = Counter[tuple[str, int]]()
            is_ready, is_busy, moved = True, asyncio.Event(), asyncio.Event()

            async def watch() -> None:
                nonlocal is_ready
                async with httpx.AsyncClient(base_url=ends.address, timeout=PATIENCE) as client:
                    while is_ready:
                        answer = await client.get(READY)
                        is_ready = answer.status_code == 200
                        assert is_ready or code_of(answer) == (503, "draining")
                        await asyncio.sleep(0.01)
                moved.set()

            async def work() -> None:
                async with httpx.AsyncClient(timeout=PATIENCE, headers=desk.headers) as client:
                    for place in range(EACH):
                        if place == EACH // 2:
                            # Half of them are asked for where nothing ends any more.
                            await moved.wait()
                        address = ends.address if is_ready else other.http
                        made = await client.post(f"{address}/v1/patients", json=patient)
                        answered[address, made.status_code] += 1
                        is_busy.set()

            async def stop() -> None:
                await is_busy.wait()
                ends.process.terminate()
                await moved.wait()
                # Listening still: who has not heard of it yet is served.
                async with httpx.AsyncClient(base_url=ends.address, timeout=PATIENCE) as late:
                    for _ in range(4):
                        assert (await late.get("/v1/clinics")).status_code == 200

            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(watch(), stop(), *(work() for _ in range(CLIENTS)))
            assert sum(answered.values()) == CLIENTS * EACH
            assert {status for _, status in answered} == {201}
            assert {address for address, _ in answered} == {ends.address, other.http}
            # Its time is not waited for here.
            api_processes = family_of(ends.process.pid)[1:]
            assert len(api_processes) == 2
            for pid in api_processes:
                os.kill(pid, signal.SIGINT)
            assert await asyncio.to_thread(ends.process.wait, PATIENCE) == 0
            assert eventually(lambda: not any(map(_listens, [ends.address])))


def _listens(address: str) -> bool:
    try:
        httpx.get(address, timeout=PATIENCE)
    except httpx.ConnectError:
        return False
    return True
