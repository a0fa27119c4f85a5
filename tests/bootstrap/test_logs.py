"""Log lines: one form for all, and nothing in them that could be a patient's."""

import asyncio
import io
import logging

import orjson
import pytest
import structlog

from booking_system.bootstrap import logs
from booking_system.bootstrap.settings import Settings
from booking_system.platform.observability.context import REQUEST_ID, TRACE_ID

SECRET = "Example Patient"


pytestmark = pytest.mark.usefixtures("clean_environment", "logging_put_back")


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def configured(**settings: str) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(Settings(**settings), stream)
    return stream


def test_lines_are_json_where_nobody_looks() -> None:
    stream = configured()
    structlog.get_logger("test").warning("something", count=1)
    (line,) = lines_of(stream)
    assert (line["event"], line["level"], line["count"]) == ("something", "warning", 1)
    assert str(line["timestamp"]).endswith("Z")


def test_lines_are_for_people_if_they_want_so() -> None:
    stream = configured(log_format="console")
    structlog.get_logger("test").warning("something", count=1)
    assert "something" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_libraries_speak_through_the_same_form_with_their_first_line_only() -> None:
    stream = configured()
    logging.getLogger("asyncio").error("It failed\nfuture: <Task exception=%s>", SECRET)
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    (line,) = lines_of(stream)
    assert (line["logger"], line["event"], line["level"]) == ("asyncio", "It failed", "error")


def test_an_exception_is_named_and_placed_but_not_quoted() -> None:
    stream = configured()
    try:
        int(SECRET)
    except ValueError as error:
        structlog.get_logger("test").exception("ours")
        structlog.get_logger("test").error("handed over", exc_info=error)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    assert SECRET not in stream.getvalue()
    for line in lines_of(stream):
        assert line["error"] == "ValueError"
        assert __file__ in str(line["place"])


def test_what_is_logged_for_a_request_carries_its_ids_whoever_logs_it() -> None:
    stream = configured()
    named, traced = REQUEST_ID.set("one"), TRACE_ID.set("two")
    structlog.get_logger("test").warning("ours")
    logging.getLogger("asyncio").warning("theirs")
    REQUEST_ID.reset(named)
    TRACE_ID.reset(traced)
    structlog.get_logger("test").warning("nobody's")
    ours, theirs, nobodys = lines_of(stream)
    for line in (ours, theirs):
        assert (line["request_id"], line["trace_id"]) == ("one", "two")
    assert not {"request_id", "trace_id"} & nobodys.keys()


def test_quieter_levels_are_quiet() -> None:
    stream = configured(log_level="error")
    structlog.get_logger("test").warning("something")
    logging.getLogger("asyncio").warning("something")
    assert stream.getvalue() == ""


async def test_an_exception_that_nobody_awaited_is_not_quoted() -> None:
    stream = configured()
    loop = asyncio.get_running_loop()
    context = {"message": "Task exception was never retrieved", "exception": ValueError(SECRET)}
    loop.default_exception_handler({**context, "task": SECRET})
    (line,) = lines_of(stream)
    assert line["error"] == "ValueError"
    assert SECRET not in stream.getvalue()
