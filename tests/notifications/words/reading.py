"""Reads a mail's HTML as a person and as a suspicious program do."""

from html.parser import HTMLParser

EMPTY = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """What is seen, and which tags and attributes there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._seen: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._seen).split())

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}

    def every(self, attribute: str) -> list[str | None]:
        return [given[attribute] for _, given in self.tags if attribute in given]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self._open):
            self._seen.append(data)
