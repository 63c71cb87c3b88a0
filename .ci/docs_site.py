"""Hooks of mkdocs.yml: what the docs link to outside docs/ becomes part of the site, below ``repository/``.

In a checkout a page links to ``../examples/README.md`` or ``../ganbench/training/loop.py``; the site has no place above
its own. Markdown pages are taken in with what they link to in turn, pictures as they are, other texts as pages of code.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).resolve().parent.parent
_OUTSIDE = "repository/"
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_AS_THEY_ARE = {".md", ".png"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file outside docs/ that a page of the site links to."""
    pages = [file for file in files if file.is_documentation_page()]
    while pages:
        page = pages.pop()
        for target in _outside(page.src_uri, page.content_string):
            uri = _uri(target)
            if uri in files.src_uris or not (_ROOT / target).is_file():  # a link to nowhere is mkdocs' to report
                continue
            if Path(target).suffix == ".png":
                added = File.generated(config, uri, abs_src_path=str(_ROOT / target))
            else:
                text = (_ROOT / target).read_text("utf-8")
                added = File.generated(config, uri, content=text if target.endswith(".md") else _as_page(target, text))
            added.inclusion = InclusionLevel.NOT_IN_NAV  # it need not be named in mkdocs.yml
            files.append(added)
            if target.endswith(".md"):
                pages.append(added)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links that leave docs/ into links within the site."""
    del config, files
    here = page.file.src_uri

    def within(link: re.Match[str]) -> str:
        return posixpath.relpath(_uri(_target(here, link[1])), posixpath.dirname(here))

    fences = iter(_FENCED.findall(markdown))
    linked = _LINK.sub(within, _FENCED.sub("\0", markdown))
    return re.sub("\0", lambda _: next(fences), linked)


def _outside(uri: str, markdown: str) -> Iterator[str]:
    for link in _LINK.findall(_FENCED.sub("", markdown)):
        target = _target(uri, link)
        if not target.startswith("docs/"):
            yield target


def _target(uri: str, link: str) -> str:
    """Return the path in the repository that a page of the site links to."""
    page = uri.removeprefix(_OUTSIDE) if uri.startswith(_OUTSIDE) else f"docs/{uri}"
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def _uri(target: str) -> str:
    """Return the place in the site of a file of the repository."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return _OUTSIDE + target + ("" if Path(target).suffix in _AS_THEY_ARE else ".md")


def _as_page(target: str, text: str) -> str:
    fence = "`" * 4
    return f"# {target}\n\n{fence}{Path(target).suffix.removeprefix('.')}\n{text}\n{fence}\n"
