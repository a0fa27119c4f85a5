"""A document as a page that is read on any screen, and printed."""

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from booking_system.payments.adapters.documents.sheet import Sheet
from booking_system.payments.adapters.documents.style import HERE


def page_of(sheet: Sheet) -> str:
    """Return the page. All that people have typed is escaped."""
    return _template().render(sheet=sheet)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("page.html")
