"""What an API process has done before it accepts its first request."""

import pytest
from fastapi import FastAPI

from booking_system.bootstrap import api_process
from booking_system.bootstrap.container import build
from booking_system.bootstrap.http_app import create_app
from tests.api import NOTHING


def test_the_document_is_made_before_anybody_can_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(build(NOTHING))
    monkeypatch.setattr(api_process, "create", lambda: app)
    making = app.openapi
    assert making.cache_info().currsize == 0  # type: ignore[attr-defined]

    api_process._config(NOTHING)

    assert making.cache_info().currsize == 1  # type: ignore[attr-defined]


def test_who_keeps_idle_connections_for_a_minute_lets_go_of_them_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_process, "create", FastAPI)

    assert api_process._config(NOTHING).timeout_keep_alive > 60
