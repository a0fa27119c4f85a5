"""Traces: sent where somebody wants them, silent about people, and never in the way."""

import asyncio
import io
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from httpx import ASGITransport, AsyncClient
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from booking_system import __version__
from booking_system.bootstrap.checks import described
from booking_system.bootstrap.container import build
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.platform.observability import otlp
from booking_system.platform.postgres.transaction import Database
from tests.bootstrap.processes import eventually, free_port
from tests.patience import PATIENCE
from tests.platform.collector import Collector, attributes_of, collecting
from tests.platform.fresh_program import loaded_modules
from tests.platform.instances import Instance, instance
from tests.platform.logged import QUOTED, QUOTING, SECRET, lines_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE[::-1]}-{CALLER}-00"}
SMALL_BATCHES = {
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "20",
}
ACCOUNT = {
    "email": f"{SECRET}@example.com",
    "password": f"{SECRET} of nowhere",
    "full_name": SECRET,
}
HEAVY = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation", "google")


def test_a_real_instance_tells_of_requests_and_waits_for_no_collector(
    database_url: str, tmp_path: Path
) -> None:
    with (
        collecting() as collector,
        instance(
            database_url, tmp_path, outside=SMALL_BATCHES, otlp_endpoint=collector.endpoint
        ) as running,
    ):
        a_request_is_a_span_in_the_callers_trace_with_its_statements_below(running, collector)
        the_next_request_on_a_connection_is_not_part_of_the_trace(running, collector)
        a_collector_that_never_answers_holds_up_neither_requests_nor_the_end(running, collector)


def a_request_is_a_span_in_the_callers_trace_with_its_statements_below(
    running: Instance, collector: Collector
) -> None:
    with running.client(**SAMPLED) as client:
        answer = client.post("/v1/auth/register", json=ACCOUNT)
        assert answer.status_code == 201
        assert client.get(f"/v1/slots/{SECRET}?q={SECRET}").status_code == 422
    assert eventually(lambda: len(collector.spans(Span.SPAN_KIND_SERVER)) == 2)

    server, refused = collector.spans(Span.SPAN_KIND_SERVER)
    assert server.name == "POST /v1/auth/register"
    assert refused.name == "GET /v1/slots/{slot_id}"
    assert server.trace_id.hex() == TRACE
    assert server.parent_span_id.hex() == CALLER
    assert server.status.code == Status.STATUS_CODE_UNSET
    request_id = answer.headers["x-request-id"]
    assert attributes_of(server) == {
        "http.request.method": "POST",
        "http.route": "/v1/auth/register",
        "http.response.status_code": 201,
        "booking.request_id": request_id,
    }
    assert attributes_of(refused)["booking.problem"] == "validation_error"

    def told() -> list[dict[str, object]]:
        return [line for line in running.lines("request") if line["request_id"] == request_id]

    assert eventually(lambda: len(told()) == 1)
    assert told()[0]["trace_id"] == TRACE

    statements = collector.spans(Span.SPAN_KIND_CLIENT)
    names = {span.name for span in statements}
    assert {"INSERT", "COMMIT;"} <= names, names
    assert {span.trace_id.hex() for span in statements} == {TRACE}
    assert {span.parent_span_id for span in statements} == {server.span_id}
    texts = [attributes_of(span)["db.statement"] for span in statements]
    assert any("INSERT INTO users" in text and "$1" in text for text in texts)
    assert SECRET.lower() not in collector.everything().lower()
    for resource in collector.resources():
        about = attributes_of(resource)
        assert (about["service.name"], about["service.version"]) == ("booking-system", __version__)


def the_next_request_on_a_connection_is_not_part_of_the_trace(
    running: Instance, collector: Collector
) -> None:
    traceparent = SAMPLED["traceparent"]
    both = (
        f"GET /v1/clinics HTTP/1.1\r\nHost: x\r\ntraceparent: {traceparent}\r\n\r\n"
        "GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    address = urlsplit(running.address)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(both.encode())
        with connection.makefile() as answers:
            assert answers.read().count("HTTP/1.1 200 OK") == 2

    def told() -> list[dict[str, object]]:
        routes = ("/v1/clinics", "/health/ready")
        return [line for line in running.lines("request") if line["route"] in routes]

    assert eventually(lambda: len(told()) == 2)
    first, second = told()
    assert (first["trace_id"], second["route"]) == (TRACE, "/health/ready")
    assert "trace_id" not in second
    # What comes behind it has been sent, too.
    with running.client(**SAMPLED) as client:
        assert client.get("/nowhere").status_code == 404
    assert eventually(lambda: "GET unmatched" in {span.name for span in collector.spans()})
    assert "alembic_version" not in collector.everything()


def a_collector_that_never_answers_holds_up_neither_requests_nor_the_end(
    running: Instance, collector: Collector
) -> None:
    collector.answers.clear()
    with running.client() as client:
        for _ in range(60):
            assert client.get("/v1/clinics").status_code == 200
        assert eventually(lambda: collector.kept_waiting > 0)
        for _ in range(60):
            assert client.get("/v1/clinics").status_code == 200
    # A batch has set out, and others wait.
    began = time.monotonic()
    running.end()
    # Less than the exporter takes by itself: half a minute.
    assert time.monotonic() - began < 25
    collector.answers.set()


@asynccontextmanager
async def traced(database_url: str, place: Path, endpoint: str) -> AsyncIterator[AsyncClient]:
    """The application in this process, started and ended as a server would."""
    settings = Settings(
        database_url=database_url, data_dir=place, otlp_endpoint=endpoint, rate_limit=False
    )
    app = create_app(build(settings))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


async def test_errors_are_marked_but_not_quoted(
    own_database: Database, own_database_url: str, tmp_path: Path
) -> None:
    async with own_database.transaction() as connection:
        for statement in (QUOTING, QUOTED):
            await connection.exec_driver_sql(statement)
    with collecting() as collector:
        async with traced(own_database_url, tmp_path, collector.endpoint) as client:
            assert (await client.post("/v1/auth/register", json=ACCOUNT)).status_code == 500
    (server,) = collector.spans(Span.SPAN_KIND_SERVER)
    assert server.status == Status(code=Status.STATUS_CODE_ERROR)
    assert attributes_of(server)["error.type"] == "internal_error"
    assert [
        span
        for span in collector.spans(Span.SPAN_KIND_CLIENT)
        if span.status.code == Status.STATUS_CODE_ERROR
    ]
    for span in collector.spans():
        assert span.status.message == ""
        assert not span.events
    assert SECRET.lower() not in collector.everything().lower()


async def test_only_requests_that_somebody_wants_traced_are(
    stream: io.StringIO, database_url: str, tmp_path: Path
) -> None:
    with collecting() as collector:
        async with traced(database_url, tmp_path, collector.endpoint) as client:
            for path in ("/health/ready", "/health/live", "/metrics"):
                assert (await client.get(path)).status_code == 200
            assert (await client.get("/v1/clinics", headers=NOT_SAMPLED)).status_code == 200
            assert (await client.get("/nowhere")).status_code == 404
    (span,) = collector.spans()
    assert span.name == "GET unmatched"
    lines = lines_of(stream)
    assert [line["route"] for line in lines if "trace_id" in line] == ["unmatched"]


async def test_a_collector_that_is_not_there_is_told_of_once_and_disturbs_nobody(
    stream: io.StringIO, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setattr(otlp, "SEND_SECONDS", 0.2)
    port = free_port()
    async with traced(database_url, tmp_path, f"http://127.0.0.1:{port}") as client:

        async def told(event: str, *, seconds: float = PATIENCE) -> bool:
            deadline = time.monotonic() + seconds
            while event not in stream.getvalue() and time.monotonic() < deadline:
                assert (await client.get("/v1/clinics")).status_code == 200
                await asyncio.sleep(0.02)
            return event in stream.getvalue()

        assert await told("traces_are_lost")
        # Many batches more.
        assert not await told("never", seconds=0.6)
        with collecting(port) as collector:
            assert await told("traces_arrive_again")
            assert collector.spans()
    about = [line for line in lines_of(stream) if line["event"] != "request"]
    assert [line["event"] for line in about[:2]] == ["traces_are_lost", "traces_arrive_again"]
    # The collector may go before the last batch does.
    assert len(about) <= 3


def test_who_wants_no_traces_loads_nothing_for_them() -> None:
    loaded = loaded_modules()
    assert "booking_system.platform.observability.tracing" in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []


@pytest.mark.parametrize(
    "endpoint",
    ["collector:4318", "ftp://collector", f"http://me:{SECRET}@collector", f"http://x?{SECRET}"],
)
def test_a_wrong_address_of_a_collector_is_a_sentence_that_does_not_quote_it(
    endpoint: str,
) -> None:
    with pytest.raises(SettingsProblem) as raised:
        Settings(otlp_endpoint=endpoint)
    assert raised.value.sentences == [
        "BOOKING_OTLP_ENDPOINT must be an address like http://localhost:4318."
    ]


def test_check_shows_where_traces_go() -> None:
    settings = Settings(otlp_endpoint="https://collector.example.com/otlp/")
    line = "BOOKING_OTLP_ENDPOINT = https://collector.example.com/otlp"
    assert line in list(described(settings))
