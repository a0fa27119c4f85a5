"""The OpenAPI document and its pages, served without any other site."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import FileResponse

from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import Policy
from booking_system.platform.http.openapi import HERE
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}
LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
"""What ReDoc would fetch for its last line."""
OF_THIS_SITE = {
    "script_src": "'self'",
    "connect_src": "'self'",
    "img_src": "'self' data:",
    "font_src": "'self' data:",
    # Both pages set styles of elements by script.
    "style_src": "'self' 'unsafe-inline'",
}
KEPT_BY_BROWSERS = {"Cache-Control": "public, max-age=86400"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRoutes:
    """`document` is asked once it is wanted, when all routes are there."""

    title: str
    document: Callable[[], dict[str, Any]]
    policy: Policy

    def routes(self) -> Routes:
        """List the pages; they are not part of the document."""
        routes = Routes("Reference")
        for path, endpoint in (
            ("/openapi.json", self.read_document),
            ("/docs", self.read_swagger),
            ("/docs/openapi.json", self.read_document_of_pages),
            ("/redoc", self.read_redoc),
            ("/docs/assets/{name}", self.read_asset),
        ):
            routes.add("GET", path, endpoint, policy=self.policy, answers=None, shown=False)
        return routes

    async def read_document(self) -> Response:
        """Answer with the OpenAPI document."""
        return json_answer(self.document())

    async def read_document_of_pages(self) -> Response:
        """Answer with the same for a page that calls the server that it came from.

        The public address may be another origin, which browsers do not let it call.
        """
        return json_answer({**self.document(), "servers": [HERE]})

    async def read_swagger(self) -> Response:
        """Answer with the page to try the API on."""
        page = get_swagger_ui_html(
            openapi_url="/docs/openapi.json",
            title=self.title,
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon.png",
            swagger_ui_parameters={"persistAuthorization": True, "displayRequestDuration": True},
        )
        return as_page(page, **OF_THIS_SITE)

    async def read_redoc(self) -> Response:
        """Answer with the page to read about the API on."""
        page = get_redoc_html(
            openapi_url="/openapi.json",
            title=self.title,
            redoc_js_url="/docs/assets/redoc.standalone.js",
            redoc_favicon_url="/docs/assets/favicon.png",
            with_google_fonts=False,
        )
        # It searches in a worker, which it makes of a text.
        return as_page(page, worker_src="blob:", child_src="blob:", **OF_THIS_SITE)

    async def read_asset(self, name: str) -> Response:
        """Answer with a file that the pages need."""
        if name not in ASSETS:
            raise NotFound
        if name == "redoc.standalone.js":
            return Response(_redoc(), media_type=ASSETS[name], headers=KEPT_BY_BROWSERS)
        return FileResponse(_folder() / name, media_type=ASSETS[name], headers=KEPT_BY_BROWSERS)


@cache
def _redoc() -> bytes:
    script = (_folder() / "redoc.standalone.js").read_bytes()
    assert LOGO in script, "ReDoc has changed: what does it fetch now?"
    return script.replace(LOGO, b"/docs/assets/favicon.png")


def _folder() -> Path:
    # Only its files are used: the package keeps up with the two pages' releases.
    spec = find_spec("fastapi_offline")
    assert spec is not None, "fastapi-offline is a dependency"
    assert spec.origin is not None, "fastapi-offline has an __init__.py"
    return Path(spec.origin).parent / "static"
