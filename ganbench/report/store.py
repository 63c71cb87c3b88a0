"""The pictures of a page: they stand at its end, and are decoded as the reader comes to them."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from ganbench.report.pictures import Picture

_SVG = "data:image/svg+xml;base64,"


class Store:
    """The pictures of a page."""

    def __init__(self) -> None:
        """Set up, empty."""
        self._numbers: dict[str, int] = {}

    def keep(self, picture: Picture) -> int:
        """Keep a picture, and return its number; one that is shown twice is kept once."""
        return self._numbers.setdefault(picture.uri, len(self._numbers))

    @property
    def kept(self) -> list[str]:
        """What stands at the end of the page: data URIs, and figures as ``gzip:`` and base64, a sixth of their size."""
        return [_packed(uri) for uri in self._numbers]


def _packed(uri: str) -> str:
    if not uri.startswith(_SVG):
        return uri
    packed = gzip.compress(base64.b64decode(uri[len(_SVG) :]), mtime=0)
    return f"gzip:{base64.b64encode(packed).decode()}"


@dataclass(frozen=True)
class Section:
    """A section that another module draws.

    Attributes:
        id: of its heading, for links.
        title: its heading.
        answers: the question that it answers.
        body: what stands below, as HTML; pictures in it are those of the page's store.
    """

    id: str
    title: str
    answers: str
    body: Markup


MakeSection = Callable[[Store], Section]
