"""``ganbench overlap``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.errors import GanbenchError
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.images.source import Source
    from ganbench.overlap.result import Overlap, Pair
    from ganbench.scoring.options import Images

_SHOWN = 40  # pairs printed; a class in which all share one image has thousands


def overlap(
    sources: Annotated[
        list[str], typer.Argument(metavar="SRC...", help="Two or more: folders, archives, arrays; also at URLs.")
    ],
    json_file: Annotated[
        Location | None,
        typer.Option("--json", parser=options.place, metavar="F", help="The pairs as JSON; - prints it."),
    ] = None,
    html: Annotated[
        Location | None,
        typer.Option(
            parser=options.place, metavar="F", help="One self-contained page, with the shared images side by side."
        ),
    ] = None,
    fail_over: Annotated[
        str | None,
        typer.Option(
            metavar="N|SHARE",
            show_default="never",
            help="Exit code 1 where a pair shares more than so many images (20), or more than such a share (5%, 0.05).",
        ),
    ] = None,
    grid: options.Grid = None,
    pad: options.Pad = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    limit: options.Limit = None,
    skip_bad: options.SkipBad = 0,
    device: options.Device = "auto",
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep and reuse what is remembered of the images, and features.")
    ] = True,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    quiet: options.Quiet = False,
) -> None:
    """Find images that submissions share, also mirrored, shifted, cropped, turned, recoloured or recompressed.

    A source that cannot be read is listed with its reason; the rest is compared.

    [bold]Examples[/bold]

      ganbench overlap submissions/*.tgz

      ganbench overlap submissions/*.tgz --jobs 2 --html overlap.html --json overlap.json

      ganbench overlap mine.tgz theirs.tgz --fail-over 5%

      ganbench overlap generated/ faces.zip --resize 64
    """
    from ganbench.overlap.finding import compare, labels_of
    from ganbench.report.overlap import make_overlap_page
    from ganbench.scoring.options import ScoreOptions
    from ganbench.system.outputs import check_outputs

    del quiet
    most = None if fail_over is None else _parse_gate(fail_over)
    site = options.site(jobs, cluster)
    check_outputs(json_file, html)
    rules = ScoreOptions(resize=resize, recursive=recursive, limit=limit, skip_bad=skip_bad, detector=None)
    geometry = options.parse_grid(grid)

    def opened(source: Images) -> Source:
        return rules.open(source, grid=geometry, pad=pad)

    given = list(dict.fromkeys(sources))
    called = dict(zip(labels_of(given), given, strict=True))
    found = compare(given, list(called), opened, device=device, cache=cache, site=site)
    written = write_documents(
        (html, lambda: make_overlap_page(found, lambda label: opened(called[label]))),
        (None if is_stdout(json_file) else json_file, found.to_json),
    )
    over = [] if most is None else found.over(most)
    if is_stdout(json_file):
        put_json(found.to_dict())
    else:
        _show(found, written, err=is_stdout(html))
    _judge(found, over, fail_over)


def _parse_gate(text: str) -> float:
    """Return what ``Overlap.over`` takes: a whole number of images, or a share between 0 and 1.

    Raises:
        GanbenchError: neither.
    """
    if re.fullmatch(r"\d{1,12}", text):
        return int(text)
    if match := re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)%|(0?\.\d{1,12})", text):
        share = float(match[1]) / 100 if match[1] else float(match[2])
        if 0 < share < 1:
            return share
    raise GanbenchError(f"--fail-over {text}: expected a number of images such as 20, or a share such as 5% or 0.05")


def _show(found: Overlap, written: list[Location], *, err: bool) -> None:
    """Print the pairs for people."""
    from rich.table import Table

    from ganbench.system.streams import cell, console

    for text in found.notes:
        warn(text)
    for label, reason in found.failed:
        warn(f"not compared: {label}: {reason}")
    screen = console(err=err)
    if found.pairs:
        view = Table()
        for title in ("one", "other", "shared", "share", "95 % interval", "equal"):
            view.add_column(title, justify="left" if title in ("one", "other") else "right", overflow="fold")
        for pair in found.pairs[:_SHOWN]:
            view.add_row(*(cell(text, screen) for text in _cells(pair)))
        screen.print(view)
    if len(found.pairs) > _SHOWN:
        tell(f"and {len(found.pairs) - _SHOWN:,} more pairs: see --json", err=err)
    number = len(found.sources)
    tell(f"{len(found.pairs):,} of {number * (number - 1) // 2:,} pairs share images; {number} sources, "
         f"{found.images:,} images", err=err)  # fmt: skip
    for place in written:
        tell(f"wrote {place}", err=err)


def _cells(pair: Pair) -> list[str]:
    low, high = pair.interval
    return [pair.a, pair.b, f"{pair.shared:,}", f"{pair.share:.1%}", f"{low:.1%} to {high:.1%}", f"{pair.equal:,}"]


def _judge(found: Overlap, over: list[Pair], gate: str | None) -> None:
    """End the command by its gate.

    Raises:
        GateFailed: a pair shares more than is allowed, or a source could not be compared.
    """
    from ganbench.errors import GateFailed

    if over:
        more = f", and {len(over) - 1:,} other pairs more than that" if len(over) > 1 else ""
        raise GateFailed(
            f"{over[0].a} and {over[0].b} share {over[0].shared:,} images ({over[0].share:.1%}), over {gate}{more}"
        )
    if gate is not None and found.failed:
        raise GateFailed(f"{len(found.failed)} of the sources could not be compared, so nothing is said of them")
