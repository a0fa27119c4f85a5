"""A page for each code: where the `type` of a problem leads."""

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from fastapi import Request, Response

from booking_system.platform.http.caller import Policy
from booking_system.platform.http.constant import ConstantBody
from booking_system.platform.http.problems import MEDIA_TYPE, all_refusals, status_of
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, Refusal

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
code{background:#eee;padding:0 .2em}td{padding:0 1em 0 0;vertical-align:top}"""
KEPT_BY_BROWSERS = "public, max-age=3600"
MOST_PAGES = 256
"""More than there are codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What one code means, in all the refusals that carry it."""

    name: str
    status: int
    meanings: Sequence[tuple[str, str]]


@cache
def codes() -> Mapping[str, Code]:
    """Return the registry: every code that the loaded program can answer with, by name."""
    carriers: dict[str, list[type[Refusal]]] = defaultdict(list)
    for refusal in all_refusals():
        carriers[refusal.code].append(refusal)
    return {
        name: Code(
            name=name,
            status=status_of(kinds[0]),
            meanings=[(kind.title(), kind.advice()) for kind in kinds],
        )
        for name, kinds in sorted(carriers.items())
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemPages:
    """`document` is asked for the operations that can answer with a code."""

    document: Callable[[], dict[str, Any]]
    policy: Policy

    def routes(self) -> Routes:
        """List the pages; they are not part of the document."""
        routes = Routes("Problems")
        for path, endpoint in (("/problems", self.list_codes), ("/problems/{code}", self.explain)):
            routes.add(
                "GET",
                path,
                endpoint,
                policy=self.policy,
                answers=None,
                asks_who=False,
                needs_database=False,
                shown=False,
            )
        return routes

    async def list_codes(self, request: Request) -> Response:
        """List all codes."""
        rows = [
            f'<tr><td>{code.status}<td><a href="/problems/{code.name}">{code.name}</a>'
            f"<td>{_text(code.meanings[0][0])}"
            for code in sorted(codes().values(), key=lambda code: (code.status, code.name))
        ]
        return _page(request, "Problems", f"<table>{''.join(rows)}</table>")

    async def explain(self, request: Request, code: str) -> Response:
        """Say what a code means and what to do about it."""
        known = codes().get(code)
        if known is None:
            raise NotFound
        meanings = "".join(
            f"<h2>{_text(title)}</h2><p>{_text(advice)}</p>" for title, advice in known.meanings
        )
        operations = "".join(f"<li><code>{_text(name)}</code>" for name in self._answering(code))
        return _page(
            request,
            known.name,
            f"<p>HTTP status {known.status}</p>{meanings}"
            f"<h2>Operations that answer with it</h2><ul>{operations}</ul>"
            '<p><a href="/problems">All codes</a></p>',
        )

    def _answering(self, code: str) -> Iterator[str]:
        for path, operations in self.document()["paths"].items():
            for method, operation in operations.items():
                for response in operation["responses"].values():
                    media = response.get("content", {}).get(MEDIA_TYPE, {})
                    if code in media.get("examples", {}):
                        yield f"{method.upper()} {path}"


def _text(plain: str) -> str:
    """Escape, and set `what stands between backticks` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(plain))


def _page(request: Request, title: str, body: str) -> Response:
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}</html>"
    )
    answer = _constant(page).answer(request, cache_control=KEPT_BY_BROWSERS)
    return as_page(answer, style_src="'unsafe-inline'")


@lru_cache(maxsize=MOST_PAGES)
def _constant(page: str) -> ConstantBody:
    return ConstantBody.of(page.encode(), "text/html")
