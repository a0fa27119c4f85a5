"""One API process, as `serve.ApiProcesses` starts it by `api_program`."""

import gc
import math
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from booking_system.bootstrap import logs
from booking_system.bootstrap.bounded_sockets import (
    MOST_MESSAGE_BYTES,
    PING_SECONDS,
    BoundedSockets,
)
from booking_system.bootstrap.early_refusals import EarlyRefusals
from booking_system.bootstrap.http_app import create
from booking_system.bootstrap.process import (
    BACKLOG,
    GRACEFUL_SECONDS,
    IDLE_SECONDS,
    LISTENER,
    die_with_the_parent_in_the_environment,
    pin_time_zones,
)
from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.platform.http.draining import Draining


def main() -> None:
    """Serve on the socket that the parent opened, until SIGTERM."""
    die_with_the_parent_in_the_environment()
    pin_time_zones()
    with socket.socket(fileno=int(os.environ.pop(LISTENER))) as listener:
        config, seconds = _config_or_exit()
        # What is loaded by now lives as long as the process: no need to look at it again.
        gc.collect()
        gc.freeze()
        gc.enable()
        with suppress(KeyboardInterrupt):
            DrainingServer(config, seconds=seconds).run(sockets=[listener])


class DrainingServer(uvicorn.Server):
    """Goes on for so many seconds after `SIGTERM`, and says that it is not ready any more."""

    def __init__(self, config: uvicorn.Config, *, seconds: float) -> None:
        """The application knows by `state.draining` that it ends."""
        super().__init__(config)
        self._draining: Draining = config.app.state.draining  # type: ignore[union-attr]
        self._seconds = seconds
        self._ends_at = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; `SIGINT` ends it at once, another `SIGTERM` changes nothing."""
        if sig != signal.SIGTERM or not self._seconds:
            super().handle_exit(sig, frame)
        elif not self._draining.is_on:
            self._captured_signals.append(sig)
            self._draining.begin()
            self._ends_at = time.monotonic() + self._seconds

    async def on_tick(self, counter: int) -> bool:
        """Look whether it is time to end."""
        if time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


def _config_or_exit() -> tuple[uvicorn.Config, float]:
    try:
        settings = Settings()
        logs.configure(settings)
        return _config(settings), settings.drains_for
    except SettingsProblem as problem:
        sys.stderr.write("".join(f"{sentence}\n" for sentence in problem.sentences))
        sys.exit(2)


def _config(settings: Settings) -> uvicorn.Config:
    app = create()
    # Half a second's work, for which the first reader would keep everybody waiting.
    app.openapi()
    config = config_of(app, settings)
    config.load()
    return config


def config_of(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how the server serves an application."""
    return uvicorn.Config(
        app,
        http=EarlyRefusals,
        ws=BoundedSockets,
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        # What is packed with secrets and with what somebody else chose tells of the secrets.
        ws_per_message_deflate=False,
        loop="uvloop",
        server_header=False,
        # An address decides about quotas: anybody could claim one, so only named proxies may.
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=settings.forwarded_allow_ips,
        # It would carry the address and the query; `platform.observability` writes ours.
        access_log=False,
        # A request that waited for another on its connection must not carry that one's ids.
        reset_contextvars=True,
        log_config=None,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
