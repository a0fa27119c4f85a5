"""What PostgreSQL alone can do: the ceilings, measured by its own `pgbench`."""

import os
import re
import signal
import subprocess
import tempfile
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from booking_lab.bench.figures import MICRO, Cpu, Sample
from booking_lab.bench.plan import CONNECTIONS, BenchProblem
from booking_lab.bench.processes import cpu_of_the_ended, cpu_with_children
from booking_system.booking.adapters.add_statements import ADD, ADD_USUAL
from booking_system.booking.adapters.attempt_statements import ATTEMPT
from booking_system.booking.domain.events import AppointmentBooked
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_cluster import PORT
from booking_system.bootstrap.process import die_with_parent
from booking_system.platform.postgres.statement import Statement

PARAMETER = re.compile(r"\$(\d+)")
RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
DONE = re.compile(r"actually processed: (\d+)")

# Each client counts for itself, so that no two ever meet: what is measured is work, not waiting.
COUNTED = f"\\set step :step + 1\n\\set n :step * {CONNECTIONS} + :client_id\n"

BARE = f"""{COUNTED}BEGIN;
SELECT id, doctor_id, starts_at, ends_at, status, version FROM bench.plain_slots \
 WHERE id = (SELECT id FROM bench.plain_orders WHERE n = :n) FOR UPDATE \\gset
INSERT INTO bench.plain_bookings VALUES (uuidv7(), :id, :doctor_id, uuidv7(), :starts_at, \
 :ends_at, 'booked', :doctor_id, now());
UPDATE bench.plain_slots SET status = 'booked', version = version + 1 WHERE id = :id;
COMMIT;
"""  # noqa: S608  (its parameters are pgbench's)

GUARDED = f"""{COUNTED}BEGIN;
SELECT id, doctor_id, starts_at, ends_at, status, version FROM bench.guarded_slots \
 WHERE id = (SELECT slot_id FROM bench.orders WHERE kind = 'sql' AND n = :n) FOR UPDATE \\gset
INSERT INTO bench.guarded_bookings SELECT uuidv7(), :id, :doctor_id, patient_id, :starts_at, \
 :ends_at, 'booked', user_id, now() FROM bench.orders WHERE kind = 'sql' AND n = :n;
UPDATE bench.guarded_slots SET status = 'booked', version = version + 1 WHERE id = :id;
COMMIT;
"""  # noqa: S608  (its parameters are pgbench's)

# Gives each booking its values: one row by its key, outside the transaction.
LOOK_UP = """SELECT o.slot_id AS wanted, o.service_id, o.patient_id, o.user_id, now() AS now,
 uuidv7() AS new_id, uuidv7() AS event_id, substr(md5(o.slot_id::text), 1, 12) AS reference,
 jsonb_build_object('appointment_id', uuidv7(), 'time_slot_id', o.slot_id,
  'time_slot_ids', ARRAY[o.slot_id], 'version', 1, 'revision', 1, 'status', 'confirmed',
  'patient_id', o.patient_id, 'clinic_id', o.service_id, 'doctor_id', o.user_id,
  'starts_at', now(), 'ends_at', now()) AS event_payload
 FROM bench.orders o WHERE kind = 'sql' AND n = :n"""

WANTED = {
    "slot_id": ":wanted",
    "patient_id": ":patient_id",
    "service_id": ":service_id",
    "now": ":now",
}
"""The values of `ATTEMPT`: variables, or literals."""

NULL = "NULL"

ADDED = {name: f":{name}" for name in ADD.names} | {
    "id": ":new_id",
    "status": "'confirmed'",
    "payment_status": "'unpaid'",
    "time_slot_id": ":wanted",
    "time_slot_ids": "ARRAY[:wanted]::uuid[]",
    "blocked_from": ":starts_at",
    "blocked_until": ":ends_at",
    "reason": "'First visit'",
    "price_currency": ":currency",
    "booked_by": ":user_id",
    "created_at": ":now",
    "overbooked": "'false'",
    "patient_doubled": "'false'",
    "override_codes": NULL,
    "override_reason": NULL,
    "event_name": f"'{AppointmentBooked.name}'",
}
"""The values of `ADD`: most are what `ATTEMPT` has found, under the same name."""


def with_values(statement: Statement[Any], values: Mapping[str, str]) -> str:
    """Return the statement with these values in place of `$1`, `$2` ..., on one line."""

    def value(place: re.Match[str]) -> str:
        return values[statement.names[int(place[1]) - 1]]

    return " ".join(PARAMETER.sub(value, statement.text).split())


def own_script() -> str:
    """Return the statements of the program as a script: only the values differ."""
    attempt, look_up = with_values(ATTEMPT, WANTED), " ".join(LOOK_UP.split())
    usual, other = with_values(ADD_USUAL, ADDED), with_values(ADD, ADDED)
    add = f"\\if :is_known_here\n{usual};\n\\else\n{other};\n\\endif"
    return f"{COUNTED}{look_up} \\gset\nBEGIN;\n{attempt} \\gset\n{add}\nCOMMIT;\n"


class Pgbench:
    """Runs scripts on a database of the server."""

    def __init__(self, server: EmbeddedPostgres, binaries: Path) -> None:
        """`binaries` is the directory that holds `pgbench`. Raises `BenchProblem` without one."""
        self._server = server
        self._program = binaries / "pgbench"
        if not self._program.exists():
            raise BenchProblem(f"{binaries} holds no program named pgbench.")

    def run(
        self, script: str, *, database: str, seconds: float, transactions: int | None = None
    ) -> Sample:
        """Run the script on 32 connections: for whole `seconds`, or so many times on each.

        Raises `BenchProblem` where a client fails.
        """
        with tempfile.TemporaryDirectory(prefix="booking-bench-") as name:
            folder = Path(name)
            (folder / "script").write_text(script, encoding="utf-8")
            spent, before = self._spent(), cpu_of_the_ended()
            told = self._output(folder, database, seconds, transactions)
            load, used = cpu_of_the_ended() - before, self._spent() - spent
            rate, done = RATE.search(told), DONE.search(told)
            if rate is None or done is None:
                raise BenchProblem("pgbench said nothing that could be read.")
            return Sample(
                answers=int(done[1]),
                seconds=int(done[1]) / float(rate[1]),
                latencies=_latencies(folder),
                cpu=Cpu(database=used, load=load),
                statuses={},
            )

    def _spent(self) -> float:
        return cpu_with_children(self._server.server_pid)

    def _output(self, folder: Path, database: str, seconds: float, transactions: int | None) -> str:
        parent = os.getpid()
        until = f"--transactions={transactions}" if transactions else f"--time={seconds:.0f}"
        command: list[str] = [
            *(
                str(self._program),
                "--no-vacuum",
                "--protocol=prepared",
                f"--file={folder / 'script'}",
            ),
            *(f"--client={CONNECTIONS}", "--jobs=2", until, "--define=step=-1"),
            *("--log", f"--log-prefix={folder / 'log'}"),
            *(f"--host={self._server.sockets}", f"--port={PORT}", "--username=postgres", database),
        ]
        process = subprocess.Popen(  # noqa: S603  (our own program, no shell)
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),  # noqa: PLW1509
        )
        try:
            told, complaints = process.communicate(timeout=seconds + 60)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise BenchProblem(_why(complaints))
        return told


def _why(complaints: str) -> str:
    if "expected one row, got 0" in complaints:
        return "This machine is faster than the bench has slots for: take fewer --seconds."
    errors = [line for line in complaints.splitlines() if "error" in line]
    return f"pgbench failed: {''.join(errors[:1]) or 'no reason given'}."


def _latencies(folder: Path) -> "array[float]":
    """Its log has one line per transaction, the third field being microseconds."""
    found = array("d")
    for log in folder.glob("log.*"):
        with log.open(encoding="ascii") as lines:
            found.extend(float(line.split(" ", 3)[2]) / MICRO for line in lines)
    return found
