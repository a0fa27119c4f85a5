"""The OpenAPI document and its pages, served without any other site."""

from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import HTMLResponse, RedirectResponse

from booking_system.platform.http.answers import json_answer, json_bytes
from booking_system.platform.http.caller import Policy
from booking_system.platform.http.constant import ASKED_FOR_AGAIN, ConstantBody, constant_json
from booking_system.platform.http.folded import folded
from booking_system.platform.http.heads import header_of
from booking_system.platform.http.openapi import HERE
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound

JSON = "application/json"
REDOC = "redoc.standalone.js"
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    REDOC: "text/javascript",
    "favicon.png": "image/png",
}
LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
"""What ReDoc would fetch for its last line."""
STYLE = b"""<style>
.swagger-ui .response-col_links { display: none; }
.swagger-ui details summary { cursor: pointer; }
@media (max-width: 640px) {
  .swagger-ui .wrapper, .swagger-ui .opblock .opblock-section-header { padding: 0 8px; }
  .swagger-ui .response-col_status, .swagger-ui .parameters-col_name { width: 5em; }
  .swagger-ui td { overflow-wrap: anywhere; }
  .swagger-ui .header-col:last-child { overflow-wrap: normal; }
}
</style>
"""
"""No answer has links; on a telephone there is room for what is said."""
OF_THIS_SITE = {
    "script_src": "'self'",
    "connect_src": "'self'",
    "img_src": "'self' data:",
    "font_src": "'self' data:",
    # Both pages set styles of elements by script.
    "style_src": "'self' 'unsafe-inline'",
}
KEPT_BY_BROWSERS = "public, max-age=86400"
PAGE = "/docs"
LINKS = {
    "docs": PAGE,
    "redoc": "/redoc",
    "openapi": "/openapi.json",
    "asyncapi": "/asyncapi.json",
    "problems": "/problems",
    "health": "/health/ready",
}


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
            ("/", self.read_root),
            ("/openapi.json", self.read_document),
            (PAGE, self.read_swagger),
            ("/docs/openapi.json", self.read_document_of_pages),
            ("/redoc", self.read_redoc),
            ("/docs/assets/{name}", self.read_asset),
        ):
            routes.add("GET", path, endpoint, policy=self.policy, answers=None, shown=False)
        return routes

    async def read_root(self, request: Request) -> Response:
        """Lead people to the page to try the API on, and tell programs where things are."""
        headers = {"Vary": "Accept"}
        if "text/html" in (header_of(request.scope, b"accept") or ""):
            return RedirectResponse(PAGE, status_code=307, headers=headers)
        return json_answer({"title": self.title, **LINKS}, headers=headers)

    async def read_document(self, request: Request) -> Response:
        """Answer with the OpenAPI document."""
        body = await to_thread(constant_json, self.document)
        return body.answer(request, cache_control=ASKED_FOR_AGAIN)

    async def read_document_of_pages(self, request: Request) -> Response:
        """Answer with the same for a page that calls the server that it came from.

        The public address may be another origin, which browsers do not let it call.
        """
        body = await to_thread(_of_pages, self.document)
        return body.answer(request, cache_control=ASKED_FOR_AGAIN)

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
        styled = bytes(page.body).replace(b"</head>", STYLE + b"</head>")
        return as_page(HTMLResponse(styled), **OF_THIS_SITE)

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

    async def read_asset(self, request: Request, name: str) -> Response:
        """Answer with a file that the pages need."""
        if name not in ASSETS:
            raise NotFound
        body = await to_thread(_asset, name)
        return body.answer(request, cache_control=KEPT_BY_BROWSERS)


@lru_cache(maxsize=1)
def _of_pages(document: Callable[[], dict[str, Any]]) -> ConstantBody:
    return ConstantBody.of(json_bytes({**folded(document()), "servers": [HERE]}), JSON)


@cache
def _asset(name: str) -> ConstantBody:
    content = (_folder() / name).read_bytes()
    if name == REDOC:
        assert LOGO in content, "ReDoc has changed: what does it fetch now?"
        content = content.replace(LOGO, b"/docs/assets/favicon.png")
    return ConstantBody.of(content, ASSETS[name])


def _folder() -> Path:
    # Only its files are used: the package keeps up with the two pages' releases.
    spec = find_spec("fastapi_offline")
    assert spec is not None, "fastapi-offline is a dependency"
    assert spec.origin is not None, "fastapi-offline has an __init__.py"
    return Path(spec.origin).parent / "static"
