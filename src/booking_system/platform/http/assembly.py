"""Routes become an application: none without a policy, and no path that is two things at once."""

from collections.abc import Iterable

from fastapi import FastAPI
from starlette.routing import BaseRoute

from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.http.sockets import SocketRoute


class UnguardedRouteError(Exception):
    """A route carries no policy, so the program refuses to start."""


def install(app: FastAPI, routes: Iterable[BaseRoute]) -> None:
    """Put the routes into the application itself: an included router would cost a lookup."""
    app.router.routes.extend(routes)


def refuse_unguarded(app: FastAPI) -> None:
    """Raise `UnguardedRouteError` where a route, or a WebSocket, carries no policy."""
    naked = [_name(route) for route in app.router.routes if not _is_guarded(route)]
    if naked:
        message = f"no policy on: {', '.join(sorted(naked))}"
        raise UnguardedRouteError(message)


def _is_guarded(route: BaseRoute) -> bool:
    return callable(getattr(route, "policy", None))


def keep_apart(app: FastAPI) -> None:
    """Let `/slots/next` be no `/slots/{slot_id}`, whatever the method: else it could be deleted."""
    routes = [route for route in app.router.routes if isinstance(route, GuardedRoute)]
    plain = {route.path for route in routes if "{" not in route.path}
    for route in routes:
        fitting = {path for path in plain if route.path_regex.match(path)}
        route.others = frozenset(fitting - {route.path})


def speaks_websocket(app: FastAPI, path: str) -> bool:
    """Say whether a WebSocket can be opened there; elsewhere the wish for one is ignored."""
    return any(
        isinstance(route, SocketRoute) and route.path_regex.match(path)
        for route in app.router.routes
    )


def _name(route: BaseRoute) -> str:
    return str(getattr(route, "path", route))
