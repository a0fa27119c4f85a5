"""What a clinic's own templates may do: say things, leave some out, and nothing that has no end.

The sandbox keeps a template from reaching anything. It does not keep it from being endless or huge,
which a single expression can be (`'x' * 10 ** 9`), before anybody could look at the clock: so only
what is bounded by the length of the template is let in at all.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice
from typing import Final

from jinja2 import TemplateError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST: Final = {"subject": 500, "text": 20_000, "html": 60_000, "sms": 1_000}
"""Characters of each part's template."""
MOST_NODES: Final = 2_000
"""Making a program of a template takes a tenth of a millisecond for each."""
LAYOUT: Final = "mail.html"
FILTERS: Final = frozenset({"upper", "lower", "title", "capitalize", "trim", "default", "e"})
TESTS: Final = frozenset({"defined", "none", "eq", "ne"})
LISTS: Final = frozenset({"details", "before", "after", "clinic_lines"})
"""What may be gone through: a few lines each."""
HARMLESS: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Tuple),
    *(nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Concat, nodes.Block),
)
COMMENTS: Final = frozenset(
    {
        (
            '[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" '
            'border="0"><tr><td><![endif]'
        ),
        "[if mso]></td></tr></table><![endif]",
    }
)
"""Conditional ones are read by some programs: those of the layout, and no others."""
TAGS: Final = frozenset(
    {
        *("html", "head", "meta", "title", "style", "body", "div", "span", "p", "br", "hr"),
        *("table", "thead", "tbody", "tr", "td", "th", "h1", "h2", "h3", "h4", "ul", "ol", "li"),
        *("a", "b", "strong", "i", "em", "u", "small", "center", "blockquote"),
    }
)
LOADING: Final = frozenset(
    {"src", "srcset", "background", "poster", "data", "action", "formaction", "http-equiv", "ping"}
)
LINK: Final = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)
STYLE_THAT_LOADS: Final = re.compile(r"url\s*\(|@import|expression\s*\(|\\", re.IGNORECASE)


class TemplateRefusedError(Exception):
    """A template is not used; `reason` is for who wrote it, and quotes nothing of a message.

    `line` is that of the template, from 1, where it is known.
    """

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def checked(
    source: str, part: str, names: frozenset[str], environment: ImmutableSandboxedEnvironment
) -> None:
    """Look at a template before it is rendered. Raises `TemplateRefusedError`.

    `names` are those that may stand in it.
    """
    if len(source) > LONGEST[part]:
        raise TemplateRefusedError(f"it has more than {LONGEST[part]} characters")
    try:
        tree = environment.parse(source)
        for node in _not_allowed(tree, part):
            raise TemplateRefusedError(
                f"in line {node.lineno}, something is not allowed: {type(node).__name__.lower()}",
                line=node.lineno,
            )
        if sum(1 for _ in islice(tree.find_all(nodes.Node), MOST_NODES + 1)) > MOST_NODES:
            raise TemplateRefusedError("it has too many placeholders")
        # Works out what is constant: only behind the look at what that could be.
        unknown = sorted(find_undeclared_variables(tree) - names - {"super"})
    except (TemplateError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = "" if line is None else f" in line {line}"
        raise TemplateRefusedError(f"it cannot be read{where}", line=line) from None
    if unknown:
        line = min(one.lineno for one in tree.find_all(nodes.Name) if one.name in unknown)
        raise TemplateRefusedError(f"it uses unknown names: {', '.join(unknown)[:200]}", line=line)


def _not_allowed(tree: nodes.Node, part: str, *, in_loop: bool = False) -> Iterator[nodes.Node]:
    for node in tree.iter_child_nodes():
        if not _is_allowed(node, part, in_loop=in_loop):
            yield node
        yield from _not_allowed(node, part, in_loop=in_loop or isinstance(node, nodes.For))


def _is_allowed(node: nodes.Node, part: str, *, in_loop: bool) -> bool:
    if isinstance(node, nodes.For):
        one_of_ours = isinstance(node.iter, nodes.Name) and node.iter.name in LISTS
        return one_of_ours and not in_loop and not node.recursive
    if isinstance(node, nodes.Filter):
        return node.name in FILTERS
    if isinstance(node, nodes.Test):
        return node.name in TESTS
    if isinstance(node, nodes.Extends):
        name = node.template
        return part == "html" and isinstance(name, nodes.Const) and name.value == LAYOUT
    if isinstance(node, nodes.Call):
        # Of the layout's block, which calls nothing. `self.block()` could call itself.
        return isinstance(node.node, nodes.Name) and node.node.name == "super" and not node.args
    return isinstance(node, HARMLESS)


def clean_html(html: str) -> None:
    """Look at what a clinic's template made of a message. Raises `TemplateRefusedError`.

    Mails run nothing, load nothing and ask for nothing, a clinic's own as well.
    """
    _Cleanliness().look_at(html)


class _Cleanliness(HTMLParser):
    """Refuses what is not known to be harmless."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._in_style = False

    def look_at(self, html: str) -> None:
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise TemplateRefusedError(f"mails have no <{tag[:20]}>")
        self._in_style = tag == "style"
        for name, value in attrs:
            given = (value or "").strip()
            if name.startswith("on") or name.partition(":")[2] or name in LOADING:
                raise TemplateRefusedError(f"mails have no {name[:20]}=")
            if name == "href" and not LINK.match(given):
                raise TemplateRefusedError("links begin with https://, mailto: or tel:")
            if name == "style" and STYLE_THAT_LOADS.search(given):
                raise TemplateRefusedError("styles load nothing")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style and STYLE_THAT_LOADS.search(data):
            raise TemplateRefusedError("styles load nothing")

    def handle_comment(self, data: str) -> None:
        if "[" in data and data not in COMMENTS:
            raise TemplateRefusedError("mails have no conditional comments")

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            raise TemplateRefusedError("mails are HTML 5")

    def handle_pi(self, data: str) -> None:
        raise TemplateRefusedError(f"mails have no <?{data[:20]}")

    def unknown_decl(self, data: str) -> None:
        raise TemplateRefusedError(f"mails have no <![{data[:20]}")
