"""Pages in the language that a browser asks for."""

import re
from collections.abc import Mapping

from fastapi import Request, Response

PLACE = re.compile(r"\[\[(\w+)\]\]")
LIKED = re.compile(
    r"\s*([A-Za-z]{1,8})[A-Za-z0-9-]*\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*"
)
DEFAULT = "en"


def in_each_language(template: str, words: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the page by language: each `[[name]]` in the template is a word, or a sentence.

    `words` are by language and name; `[[language]]` is the language's own tag. Raises `KeyError`
    where a language lacks a word, `ValueError` where it has one that no place asks for.
    """
    wanted = set(PLACE.findall(template)) - {"language"}
    pages = {}
    for language, said in words.items():
        if unused := said.keys() - wanted:
            raise ValueError(f"{language}: {sorted(unused)} stand nowhere on the page")
        pages[language] = _filled(template, {**said, "language": language})
    return pages


def _filled(template: str, words: Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: words[found[1]], template)


def page_answer(pages: Mapping[str, str], request: Request) -> Response:
    """Return the page that suits the request; it is kept nowhere."""
    page = page_for(pages, request.headers.get("accept-language", ""))
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    return Response(page, media_type="text/html", headers=headers)


def page_for(pages: Mapping[str, str], accept_language: str) -> str:
    """Return the page in the language that is liked best, English where none of them is there.

    RFC 9110, section 12.5.4. A region is not looked at: `de-AT` gets `de`. What does not follow
    the grammar is not listened to.
    """
    parts = accept_language[:500].split(",")
    liked = [(float(f[2] or 1), f[1].lower()) for p in parts if (f := LIKED.fullmatch(p))]
    for weight, language in sorted(liked, key=lambda one: -one[0]):
        if weight > 0 and language in pages:
            return pages[language]
    return pages[DEFAULT]
