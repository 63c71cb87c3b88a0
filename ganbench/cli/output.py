"""What commands print: lines for people, documents for programs, and in the end an answer in JSON also on failure."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from shutil import get_terminal_size

import typer

from ganbench.system.location import Location
from ganbench.system.streams import is_utf8, put, shown
from ganbench.system.text import json_text
from ganbench.system.urls import masked

Document = tuple[Path | Location | None, Callable[[], str]]  # where to, and what makes its text

_answered = False  # whether standard output holds an answer in JSON


def begin() -> None:
    """Forget what an earlier command line of this process printed."""
    global _answered
    _answered = False


def tell(*lines: str, err: bool = False, fg: str | None = None, dim: bool | None = None, wrap: bool = False) -> None:
    """Print lines for people; names in them may come from outside.

    Args:
        lines: one line each, whatever is in them; of URLs all but their secrets is shown.
        err: whether they go to standard error.
        fg: colour, at a terminal.
        dim: whether to show them dim, at a terminal.
        wrap: whether to break them between words at a terminal's width; into files and pipes they go whole.
    """
    stream = sys.stderr if err else sys.stdout
    width = get_terminal_size().columns if wrap and stream is not None and stream.isatty() else None
    for line in lines:
        text = shown(masked(line), stream)
        typer.secho(text if width is None else wrapped(text, width), err=err, fg=fg, dim=dim)


def wrapped(line: str, width: int) -> str:
    """Break a line between words; what follows stands as far in as the line does. Words, such as paths, stay whole."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(), max(width, 40), initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def put_json(content: object) -> None:
    """Print the answer in JSON; all there is on standard output."""
    global _answered
    _answered = True
    put(json_text(content, ascii_only=sys.stdout is not None and not is_utf8(sys.stdout)))


def is_stdout(path: Path | Location | None) -> bool:
    """Tell whether an output goes to standard output."""
    return path is not None and str(path) == "-"


def write_documents(*documents: Document) -> list[Location]:
    """Write documents to paths and URLs, each whole; one may go to standard output. Returns where they were written.

    Raises:
        GanbenchError: a file cannot be written.
    """
    from ganbench.system.outputs import write_text

    written = []
    for path, make in documents:
        if path is not None and is_stdout(path):
            put(make())
        elif path is not None:
            write_text(path, make())
            written.append(Location.of(path))
    return written


def wants_json(arguments: list[str], command: object) -> bool:
    """Tell whether a command line asks for JSON on standard output: ``--json``, or ``--json -`` where it names a file.

    Args:
        arguments: of the program.
        command: the whole command, as typer makes it.
    """
    if not any(text.startswith("--json") for text in arguments):
        return False
    for text in arguments:
        command = getattr(command, "commands", {}).get(text, command)
    option = next((p for p in getattr(command, "params", ()) if "--json" in p.opts), None)
    if option is None:
        return False
    if option.is_flag:
        return "--json" in arguments
    return "--json=-" in arguments or ("--json", "-") in pairwise(arguments)


def answer_failure(kind: str, text: str, exit_code: int) -> None:
    """Print why there is no result, unless an answer is out already (a failed check prints what it checked).

    Args:
        kind: name of the error's class.
        text: what standard error says too.
        exit_code: what the command ends with.
    """
    if not _answered:
        put_json({"error": {"kind": kind, "text": masked(text), "exit_code": exit_code}})
