"""The templates of the pages, of which every value goes through ``html``, the attributes' too."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ganbench.system.text import html


@cache
def environment() -> Environment:
    """Return the templates of this folder; one for all pages, since each would compile them anew."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        finalize=lambda value: Markup(html(value)) if type(value) is str else value,
    )
    made.filters["lines"] = lambda text: Markup(html(str(text), lines=True))
    made.filters["breakable"] = lambda text: Markup(html(str(text)).replace("[", "\n["))
    # An interval that is broken ends its first line with the dots: never one line of dots between two of numbers.
    made.filters["interval"] = lambda text: Markup(html(str(text)).replace(" …", "&nbsp;…"))
    return made
