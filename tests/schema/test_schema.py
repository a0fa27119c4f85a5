"""Schemathesis against the running API, as several people, on ids that exist."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api import Api, Person, document_of_all, running_api
from tests.postgres import TestServer
from tests.servers import serving

ROOT = Path(__file__).parents[2]
PROOF = pytest.mark.proof
LEAVING = "somebody who leaves"
SOME_PHASES = "--phases=examples,fuzzing"
"""Without the phase that goes through the bounds of each field, most of 2,800 cases, and without
the phase that goes from answer to answer: with one example each it gets to eight operations."""
ENDING = ["/v1/me/password", "/v1/sessions/{session_id}", "/v1/auth/sign-out"]
"""What ends the session of its caller: asked by somebody else, who does nothing but that."""
SHORT = (SOME_PHASES,)
LONG = ()
BY_TURNS = """
[[operations]]
include-operation-id = {}
phases.{}.enabled = false
"""
"""In the short form each operation is left out of one phase: its examples are tried, or others."""
CONFIG = """
[auth.wfc]
path = "people.json"
peers = ["one patient", "another patient"]

[checks.positive_data_acceptance]
# A rule may refuse what the schema admits, with a documented code.
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "412", "422", "429"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429"]
"""


async def _people(api: Api, clinic: dict[str, Any]) -> dict[str, Person]:
    return {
        "one patient": await api.patient(),
        "another patient": await api.patient(),
        "clinic administrator": await api.clinic_admin(clinic["id"]),
        LEAVING: await api.clinic_admin(clinic["id"]),
    }


async def _existing(api: Api) -> tuple[dict[str, list[str]], dict[str, Person]]:
    """Things that are there, and people to whom some of them belong."""
    clinic = await api.clinic()
    people = await _people(api, clinic)
    doctors = [await api.doctor(clinic) for _ in range(3)]
    services = [
        await api.service(clinic, doctor_ids=[one["id"] for one in doctors]) for _ in range(2)
    ]
    slots = [slot for doctor in doctors for slot in await api.slots(doctor, 12)]
    desk = await api.receptionist(clinic["id"])
    bookings = []
    for place, slot in enumerate(slots[:6]):
        by = people["one patient" if place % 2 else "another patient"]
        answer = await api.book(slot, by, service_id=services[0]["id"])
        bookings += [answer.json()["id"]] if answer.status_code == 201 else []
    assert len(bookings) > 3
    rules, time_off, closures = await _calendars(api, clinic, doctors)
    told = {"url": "https://93.184.215.14/hook", "clinic_id": clinic["id"]}
    endpoints = [await api.made("/v1/webhook-endpoints", told) for _ in range(2)]
    patients = [person.patient_id for person in people.values() if person.patient_id]
    sessions = (await api.get("/v1/sessions", people["one patient"])).json()["items"]
    spare = await api.receptionist(clinic["id"])
    assert len(sessions) == 1
    ids = {
        "clinic_id": [clinic["id"]],
        "doctor_id": [one["id"] for one in doctors],
        "service_id": [one["id"] for one in services],
        "slot_id": [one["id"] for one in slots],
        "time_slot_id": [one["id"] for one in slots],
        "patient_id": [str(one) for one in patients],
        "duplicate_id": [str(one) for one in patients],
        "booking_id": bookings,
        "rule_id": rules,
        "time_off_id": time_off,
        "closure_id": closures,
        "endpoint_id": [one["id"] for one in endpoints],
        "user_id": [str(desk.user_id), str(spare.user_id)],
        "kept": [str(person.user_id) for person in people.values()],
    }
    return ids, people


async def _calendars(
    api: Api, clinic: dict[str, Any], doctors: list[dict[str, Any]]
) -> tuple[list[str], ...]:
    """Weekly hours, time off and closures of days that no horizon reaches."""
    hours = {"weekdays": [1], "start_time": "09:00", "end_time": "10:00", "slot_minutes": 30}
    away = {"starts_at": "2090-01-01T00:00:00Z", "ends_at": "2090-01-02T00:00:00Z"}
    rules, time_off = [], []
    for doctor in doctors:
        path = f"/v1/doctors/{doctor['id']}"
        rules.append(await api.made(f"{path}/availability", hours | {"valid_from": "2090-01-02"}))
        time_off.append(await api.made(f"{path}/time-off", away))
    days = {"dates": ["2090-02-01", "2090-02-02", "2090-02-03"]}
    closures = (await api.made(f"/v1/clinics/{clinic['id']}/closures", days))["items"]
    return tuple([one["id"] for one in kind] for kind in (rules, time_off, closures))


@contextmanager
def _prepared(
    place: Path, ids: dict[str, list[str]], people: dict[str, Person], config: str
) -> Iterator[Path]:
    (place / "ids.json").write_text(json.dumps(ids))
    shown = {name: f"Bearer {person.token}" for name, person in people.items()}
    leaving = {"paths": ENDING, "usual": list(shown.values()), "leaving": shown[LEAVING]}
    (place / "leaving.json").write_text(json.dumps(leaving))
    auth = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": value}]}
        for name, value in shown.items()
    ]
    (place / "people.json").write_text(json.dumps({"auth": auth}))
    (place / "schemathesis.toml").write_text(config)
    yield place


def _by_turns() -> str:
    names = [
        operation["operationId"]
        for operations in document_of_all()["paths"].values()
        for operation in operations.values()
    ]
    return "".join(
        BY_TURNS.format(json.dumps(names[turn::2]), phase)
        for turn, phase in enumerate(("examples", "fuzzing"))
    )


def _run(place: Path, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.schema.existing_ids",
        "EXISTING_IDS": str(place / "ids.json"),
        "LEAVING": str(place / "leaving.json"),
        "PYTHONPATH": str(ROOT),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
    }
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
    program += ["run", f"{address}/openapi.json", "--checks=all", "--seed=1", *options]
    program += ["--report=ndjson", "--report-ndjson-path=report.ndjson"]
    return subprocess.run(
        program, cwd=place, env=environment, capture_output=True, text=True, check=False
    )


def _succeeded(report: Path) -> set[str]:
    """The operations that did what they are for at least once: a run of refusals proves little."""
    found = set()
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for identity, case in recorder.get("cases", {}).items():
            response = recorder["interactions"].get(identity, {}).get("response") or {}
            if response.get("status_code", 500) < 300:
                found.add(f"{case['value']['method']} {case['value']['path']}")
    return found


@pytest.mark.parametrize(
    ("who", "at_least", "most", "chosen"),
    [
        # Whoever may do most gets furthest; what a patient may not do is held against a table.
        pytest.param("clinic administrator", 30, 1, SHORT, id="administrator, short"),
        pytest.param("clinic administrator", 35, 100, LONG, id="administrator, long", marks=PROOF),
        pytest.param("one patient", 20, 100, LONG, id="patient, long", marks=PROOF),
    ],
)
async def test_no_answer_surprises_whoever_reads_the_document(
    postgres: TestServer,
    tmp_path: Path,
    who: str,
    at_least: int,
    most: int,
    chosen: tuple[str, ...],
) -> None:
    async with postgres.database() as url, running_api(url, tmp_path) as api:
        ids, people = await _existing(api)
        config = CONFIG + _by_turns() if chosen is SHORT else CONFIG
        with (
            serving(url, tmp_path, processes=1) as address,
            _prepared(tmp_path, ids, people, config) as at,
        ):
            usual = [f"--auth-wfc-user={who}", f"--max-examples={most}"]
            done = _run(at, address, *usual, *chosen)
            assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
            succeeded = _succeeded(at / "report.ndjson")
    assert len(succeeded) >= at_least, sorted(succeeded)
