"""Finds the route of a path without asking all others in turn.

Half of what a kept page costs, and a seventh of a booking, was to ask sixty routes and to pass
layers that have nothing to do for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from booking_system.platform.http.guarded import GuardedRoute
from booking_system.platform.http.problems import answer_to
from booking_system.platform.http.remembered import NOTES, Readings
from booking_system.shared_kernel.errors import Refusal

Shape = tuple[int, str]
"""How many parts a path has, and the first two of them, as `/v1/bookings`."""


class Shortcuts:
    """Pure ASGI middleware, right inside of `Edge`: asks the shortcut of a route first.

    What a shortcut answers, or refuses, passes nothing else; what it leaves goes the usual way.
    Nor does a read whose address was read before.
    """

    def __init__(self, app: ASGIApp, *, router: Router, public_url: str) -> None:
        """The table is made of the routes that `router` has by then."""
        self._app = app
        self._router = router
        self._public_url = public_url
        self._table = {at: r for at, r in _exact(router.routes).items() if r.has_shortcut}
        self._readings = Readings()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["root_path"]:
            await self._app(scope, receive, send)
            return
        method, reading = scope["method"], None
        route: GuardedRoute | None = self._table.get((method, scope["path"]))
        if route is not None:
            _chosen(scope, route, self._router, {})
        elif method == "GET":
            reading = self._readings.find(scope)
            if reading is None:
                scope[NOTES] = self._readings
            else:
                route = reading.route
                _chosen(scope, route, self._router, reading.path_params)
        if route is None:
            await self._app(scope, receive, send)
            return
        try:
            if reading is None:
                answer = await route.at_once(scope, receive)
            else:
                answer = await route.again(scope, receive, reading)
        except Refusal as refusal:
            answer = answer_to(scope, refusal, public_url=self._public_url)
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, send)


class FoundRoutes:
    """Stands before a router: what is in no table, or fits no route, is looked for as before."""

    def __init__(self, router: Router) -> None:
        """The tables are made of the routes that it has by then."""
        self._router = router
        self._next = router.middleware_stack
        self._exact = _exact(router.routes)
        self._shaped = _shaped(router.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope.get("root_path"):
            method, path = scope["method"], scope["path"]
            route = self._exact.get(("GET" if method == "HEAD" else method, path))
            if route is not None:
                _chosen(scope, route, self._router, {})
                await route.handle(scope, receive, send)
                return
            for other in self._shaped.get(_shape(path), ()):
                match, found = other.matches(scope)
                if match is Match.FULL:
                    scope["router"] = self._router
                    scope.update(found)
                    await other.handle(scope, receive, send)
                    return
        await self._next(scope, receive, send)


def _chosen(scope: Scope, route: GuardedRoute, router: Router, path_params: Any) -> None:
    """Note the route in the scope as a router does that has found it."""
    scope["router"], scope["route"] = router, route
    scope["endpoint"], scope["path_params"] = route.endpoint, path_params


def _exact(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], GuardedRoute]:
    """Return by method and path those without a variable part."""
    found: dict[tuple[str, str], GuardedRoute] = {}
    for route in routes:
        if isinstance(route, GuardedRoute) and "{" not in route.path:
            for method in route.methods or ():
                found.setdefault((method, route.path), route)
    return found


def _shaped(routes: Iterable[BaseRoute]) -> Mapping[Shape, Sequence[GuardedRoute]]:
    """Return by shape those whose variable parts lie behind the second, in their order."""
    found: dict[Shape, list[GuardedRoute]] = {}
    for route in routes:
        if isinstance(route, GuardedRoute) and "{" in route.path and ":path}" not in route.path:
            shape = _shape(route.path)
            if "{" not in shape[1]:
                found.setdefault(shape, []).append(route)
    return found


def _shape(path: str) -> Shape:
    parts = path.split("/")
    return len(parts), "/".join(parts[:3])
