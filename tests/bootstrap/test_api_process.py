"""What an API process has done before it accepts its first request."""

import gc
import socket
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from booking_system.bootstrap import api_process, api_program, http_app
from booking_system.bootstrap.container import build
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.process import LISTENER
from booking_system.platform.http.draining import Draining
from tests.api import NOTHING, nothing_at


def test_the_document_is_made_before_anybody_can_wait_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(http_app, "document_of", lambda *_, **__: {"info": "made"})
    app = create_app(build(nothing_at(tmp_path)))
    monkeypatch.setattr(api_process, "create", lambda: app)
    making = app.openapi
    assert making.cache_info().currsize == 0  # type: ignore[attr-defined]

    api_process._config(NOTHING)

    assert making.cache_info().currsize == 1  # type: ignore[attr-defined]
    assert making() == {"info": "made"}


def test_who_keeps_idle_connections_for_a_minute_lets_go_of_them_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_process, "create", FastAPI)

    assert api_process._config(NOTHING).timeout_keep_alive > 60


@pytest.mark.usefixtures("clean_environment", "logging_put_back")
def test_what_is_loaded_at_the_start_is_looked_at_for_garbage_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collected, loading, seen = list[str](), list[bool](), list[tuple[bool, bool]]()

    def collecting(phase: str, _: object) -> None:
        collected.append(phase)

    def created() -> FastAPI:
        loading.append(gc.isenabled())
        app = FastAPI()
        app.state.draining = Draining()
        return app

    monkeypatch.setattr(api_process, "create", created)

    def serving(server: uvicorn.Server, sockets: object) -> None:
        seen.append((gc.isenabled(), gc.get_freeze_count() > 0))

    monkeypatch.setattr(uvicorn.Server, "run", serving)
    with socket.socket() as listener:
        monkeypatch.setenv(LISTENER, str(listener.detach()))
    gc.callbacks.append(collecting)
    try:
        api_program.main()
    finally:
        gc.callbacks.remove(collecting)
        gc.enable()
    assert loading == [False]
    assert seen == [(True, True)]
    assert collected == ["start", "stop"]
