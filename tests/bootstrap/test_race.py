"""`booking-system race`: against an API as an operator runs it, and where it cannot be run."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from httpx import AsyncHTTPTransport, MockTransport, Request, Response
from typer.testing import CliRunner, Result

from booking_lab.race import calls, command
from booking_lab.race import run as one_race
from booking_lab.race.arena import NEEDED, Arena
from booking_lab.race.deployment import Deployment
from booking_lab.race.door import Watch
from booking_lab.race.history import History
from booking_lab.race.plan import Plan, WrongUse
from booking_lab.race.report import Figures
from booking_system.bootstrap.cli import app
from tests.api import Api, running_api
from tests.bootstrap.here import serving_here
from tests.bootstrap.processes import environment, free_port
from tests.forked import forked
from tests.postgres import TestServer
from tests.races import nobody

LONGEST = 120
LOOKED_AT_AFTER = 50
"""So many requests, the race is looked at again: it is over once everything happened."""
ACTS = ("hold", "release", "book", "reschedule", "cancel")
CONFLICTS = ("slot_already_booked", "slot_held", "patient_overlap")
LIVE = "SELECT count(*) FROM {} WHERE deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The API without a network, and the address of two more instances on its database."""

    api: Api
    address: str
    database_url: str

    async def value(self, statement: str) -> Any:
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def is_clean(self) -> bool:
        """Nothing that a race made can be seen any more, and nobody of it can act."""
        return not any(
            [
                await self.value(LIVE.format("clinics")),
                await self.value(LIVE.format("patients")),
                await self.value("SELECT count(*) FROM role_grants WHERE role = 'receptionist'"),
                await self.value("SELECT count(*) FROM appointments WHERE status <> 'cancelled'"),
            ]
        )


@pytest.fixture(scope="module")
async def deployed(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Deployed]:
    place = tmp_path_factory.mktemp("race")
    async with postgres.database() as url, running_api(url, place) as api:
        quotas: dict[str, Any] = {"reads_per_minute": 0, "writes_per_minute": 0}
        with serving_here(url, place, instances=2, rate_limit=True, **quotas) as port:
            yield Deployed(api, f"http://127.0.0.1:{port}", url)


def everything_happened(figures: dict[str, Any]) -> bool:
    acknowledged, answers = figures["acknowledged"], figures["answers"]
    return (
        all(acknowledged.get(one, 0) for one in ACTS)
        and all(answers.get(f"409 {code}", 0) for code in CONFLICTS)
        and bool(figures["unanswered"] and figures["replays"])
    )


class UntilEverythingHappened(Watch):
    """How long that takes hangs on the machine."""

    history: History
    looked_at = 0

    @property
    def is_over(self) -> bool:
        seen = len(self.history.attempts)
        if not self.looked_at and seen < LOOKED_AT_AFTER:
            return False
        if seen - self.looked_at >= LOOKED_AT_AFTER:
            self.looked_at = seen
            if everything_happened(asdict(Figures.of(self.history))):
                self.until = self.seconds()
        return self.seconds() >= self.until


@pytest.fixture
def ending_early(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(**about: Any) -> History:
        UntilEverythingHappened.history = History(**about)
        return UntilEverythingHappened.history

    monkeypatch.setattr(one_race, "History", kept)
    monkeypatch.setattr(one_race, "Watch", UntilEverythingHappened)


def run(*options: str) -> Result:
    return CliRunner().invoke(app, ["race", *options])


@pytest.mark.usefixtures("ending_early")
def test_a_race_is_won_by_nobody_and_leaves_nothing(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In few slots, and by clients who are less patient than usual, everything happens sooner.
    plan = partial(Plan, slots_per_doctor=4, most_owned=1, hanging_up=0.2, twins=0.1, repeats=0.2)
    monkeypatch.setattr(command, "Plan", plan)
    file, token = tmp_path / "race.json", deployed.api.admin.token
    monkeypatch.setenv("RACE_TOKEN", token)
    options = ["--url", deployed.address, "--clients", "16", "--doctors", "6"]
    done = run(*options, "--seconds", str(LONGEST), "--json", str(file))
    assert done.exit_code == 0, done.output

    told = done.output
    assert "\nNo violation: no slot had two owners" in told
    assert f"16 clients raced for 24 slots of 6 doctors, {LONGEST} s, seed 1:" in told
    assert token not in told + file.read_text()
    assert "Patient" not in told + file.read_text()
    report = json.loads(file.read_text())
    assert set(report) == {"plan", "slots", "figures", "violations", "left"}
    assert report["violations"] == report["left"] == []
    assert everything_happened(report["figures"])
    assert asyncio.run(deployed.is_clean())


async def test_ctrl_c_leaves_nothing_either(deployed: Deployed, tmp_path: Path) -> None:
    options = ["--url", deployed.address, "--token", deployed.api.admin.token]
    options += ["--seconds", "60", "--clients", "8", "--doctors", "1"]
    with forked("race", *options, env=environment(), cwd=tmp_path) as race:
        booked = "SELECT count(*) FROM appointments WHERE status <> 'cancelled'"
        while not await deployed.value(booked):
            assert race.poll() is None
            await asyncio.sleep(0.05)
        race.send_signal(signal.SIGINT)
        assert race.stdout is not None
        told = await asyncio.to_thread(race.stdout.read)
        assert (race.wait(), told) == (130, "Stopped.\n")

    assert await deployed.is_clean()


async def test_what_was_cut_short_is_found_and_removed(deployed: Deployed) -> None:
    """The answer to the creation of the clinic is lost."""
    deployment, plan = Deployment(url=deployed.address), Plan(clients=2, doctors=1)
    arena = Arena(deployed.api.admin.token, plan)
    async with deployment.client() as client:
        await arena.build(client, nobody)
        arena._clinic_id = None
        assert not await deployed.is_clean()
        assert await arena.remove(client) == []
    assert await deployed.is_clean()


class FirstAnswersAreLost(AsyncHTTPTransport):
    """Carries out each request, and shows only the second answer to it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: set[tuple[str, str, bytes]] = set()

    async def handle_async_request(self, request: Request) -> Response:
        answer = await super().handle_async_request(request)
        asked = (request.method, str(request.url), request.read())
        if asked in self._asked:
            return answer
        self._asked.add(asked)
        await answer.aclose()
        return Response(503)


async def test_what_is_needed_is_made_although_answers_are_lost(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PAUSE_SECONDS", 0.0)
    deployment = Deployment(url=deployed.address, transport=FirstAnswersAreLost())
    arena = Arena(deployed.api.admin.token, Plan(clients=2, doctors=1))
    async with deployment.client() as client:
        await arena.build(client, nobody)
        assert await arena.remove(client) == []
    assert await deployed.is_clean()


async def test_nothing_is_removed_where_nothing_was_made(deployed: Deployed) -> None:
    async def must_not_be_asked(_: Request) -> Response:
        raise AssertionError

    transport = MockTransport(must_not_be_asked)
    deployment = Deployment(url=deployed.address, transport=transport)
    async with deployment.client() as client:
        assert await Arena("", Plan()).remove(client) == []


async def test_what_could_not_be_removed_is_told(deployed: Deployed) -> None:
    deployment, plan = Deployment(url=deployed.address), Plan(clients=2, doctors=1)
    arena = Arena(deployed.api.admin.token, plan)
    async with deployment.client() as client:
        await arena.build(client, nobody)
        arena._token = "worn out"
        left = await arena.remove(client)
        assert [sentence.partition(" left. ")[0] for sentence in left] == [
            "The staff accounts of the race are",
            f"The clinic {arena._clinic_id} is",
        ]
        assert all("The deployment answered 401 " in sentence for sentence in left)
        arena._token = deployed.api.admin.token
        assert await arena.remove(client) == []
    assert await deployed.is_clean()


def test_a_token_of_somebody_else_is_wrong_use(deployed: Deployed) -> None:
    race = run("--url", f"{deployed.address}/", "--token", "worn out")

    sentence = f"{NEEDED}; this one is not accepted, or has ended."
    assert (race.exit_code, race.output) == (2, f"{sentence}\n")


async def test_who_cannot_create_clinics_is_told_so(deployed: Deployed) -> None:
    api, deployment = deployed.api, Deployment(url=deployed.address)
    clinic = await api.clinic()
    people = {
        await api.clinic_admin(clinic["id"]): "a clinic's administrator cannot create clinics.",
        await api.patient(): "this one is somebody else's, who cannot create clinics.",
    }
    await api.send("DELETE", f"/v1/clinics/{clinic['id']}", api.admin)

    async with deployment.client() as client:
        for person, sentence in people.items():
            with pytest.raises(WrongUse) as refused:
                await Arena(person.token, Plan()).build(client, nobody)
            assert str(refused.value) == f"{NEEDED}; {sentence}"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--url", "http://127.0.0.1:1"],
        ["--url", "booking.example.com", "--token", "x"],
        ["--url", "http://127.0.0.1:1", "--token", "x", "--clients", "1"],
        ["--url", "http://127.0.0.1:1", "--token", "x", "--seconds", "301"],
    ],
)
def test_wrong_use_ends_with_2(options: list[str]) -> None:
    assert run(*options).exit_code == 2


def test_a_deployment_that_is_not_there_ends_with_3() -> None:
    race = run("--url", f"http://127.0.0.1:{free_port()}", "--token", "x")
    assert race.exit_code == 3
    assert race.output == "The deployment cannot be reached: ConnectError.\n"


def test_help_tells_what_it_does_and_its_exit_codes() -> None:
    race = run("--help")
    told = " ".join(race.output.split())
    assert race.exit_code == 0
    assert "0 no violation, 1 violations, 2 wrong use, 3 the deployment" in told
    assert "removes the clinic again" in told
    assert "RACE_TOKEN" in told
