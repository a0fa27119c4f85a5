"""FastAPI's application, whose first layer is the first one of ours."""

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send


class Application(FastAPI):
    """Hands each request to the middleware that was added last; at least one has to be.

    FastAPI lays three of its own around that: an answer where nothing else gives one, a note of
    errors for its telemetry, and a bound for all bodies. `Edge` lets no error out, that telemetry
    is off, and each route bounds its own body, so they were passed for nothing: a twentieth of what
    a kept page costs.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Return the layers from the first that was added on."""
        layer: Any = super().build_middleware_stack()
        outermost: Any = self.user_middleware[0].cls
        while type(layer) is not outermost:
            layer = layer.app
        stack: ASGIApp = layer
        return stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one connection, or the program's life."""
        if self.middleware_stack is None:
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self
            await self.middleware_stack(scope, receive, send)
