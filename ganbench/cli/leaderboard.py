"""``ganbench leaderboard``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.cli.scoring import takes_scoring_options
from ganbench.errors import ClusterError, GanbenchError
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.leaderboard.boards import Leaderboard
    from ganbench.leaderboard.entries import Entry
    from ganbench.scoring.flags import Flag
    from ganbench.scoring.options import ScoreOptions
    from ganbench.system.cluster import Site

_FETCHES = 8  # entries that are fetched at a time


@takes_scoring_options()
def leaderboard(
    entries: Annotated[
        list[Location],
        typer.Argument(
            parser=options.place,
            metavar="RUN|SRC|CARD.json...",
            help="Runs, submissions, or scorecards; also at URLs.",
        ),
    ],
    scoring: ScoreOptions,
    sort: options.Sort = None,
    columns: options.Columns = None,
    rules: Annotated[
        str | None,
        typer.Option(
            metavar="hw6|none|FILE.toml",
            show_default="hw6 for .tgz of 1,000",
            help="Rules of the assignment, or what differs from them: who breaks one is flagged as invalid.",
        ),
    ] = None,
    keep_flagged: Annotated[
        bool, typer.Option("--keep-flagged", help="Rank flagged entries like the others; without it they have no rank.")
    ] = False,
    overlap: Annotated[
        bool | None,
        typer.Option(
            "--overlap/--no-overlap", show_default="where lite0 is run", help="Flag submissions that share images."
        ),
    ] = None,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    rescore: Annotated[
        bool, typer.Option("--rescore", help="Score runs again that have a scorecard; without it they keep theirs.")
    ] = False,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep and reuse scorecards and features.")] = True,
    published: options.Published = False,
    csv_file: Annotated[
        Location | None,
        typer.Option("--csv", parser=options.place, metavar="F", help="Wide table, a column per result."),
    ] = None,
    markdown: Annotated[
        Location | None, typer.Option(parser=options.place, metavar="F", help="Markdown tables.")
    ] = None,
    latex: Annotated[
        Location | None, typer.Option(parser=options.place, metavar="F", help="LaTeX tables (booktabs).")
    ] = None,
    html: Annotated[
        Location | None, typer.Option(parser=options.place, metavar="F", help="One self-contained page.")
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            parser=options.local("the figure of the curves"),
            metavar="F.svg",
            help="Draw losses and scores of the runs over training: .svg, .pdf or .png.",
        ),
    ] = None,
    style: options.Style = "screen",
    real: Annotated[
        str | None,
        typer.Option(
            metavar="SRC",
            help="Real images, for the page: the nearest ones, and with toy faces which attributes are reached.",
        ),
    ] = None,
    json_file: Annotated[
        Location | None, typer.Option("--json", parser=options.place, metavar="F", help="JSON; - prints it.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Rank runs and submissions. What is flagged is listed without a rank, what cannot be scored with its reason.

    [bold]Examples[/bold]

      ganbench leaderboard runs/* --sort "fd\\[lite0]" --markdown board.md

      ganbench leaderboard submissions/*.tgz --jobs 2 --csv board.csv

      ganbench leaderboard submissions/*.tgz --features inception --weights inception.pth --reference real.npz

      ganbench leaderboard runs/* --curves curves.pdf --style paper

      ganbench leaderboard runs/* --html report.html --real faces.zip --resize 64
    """
    from ganbench.images.rules import Rules
    from ganbench.leaderboard.boards import Leaderboard
    from ganbench.leaderboard.choice import choose
    from ganbench.leaderboard.entries import collect, known_results
    from ganbench.leaderboard.export import to_csv, to_dict, to_json, to_latex, to_markdown
    from ganbench.leaderboard.flagged import assumed, contradicted, judged, said, with_flags
    from ganbench.leaderboard.terminal import print_boards
    from ganbench.scoring.options import ScoreOptions
    from ganbench.scoring.plan import Plan
    from ganbench.system.outputs import check_outputs
    from ganbench.system.style import check_figure

    del quiet
    site = options.site(jobs, cluster)
    check_outputs(csv_file, markdown, latex, html, json_file)
    check_figure(curves)
    asked = Rules.of(rules)

    def warn(text: str) -> None:
        tell(text, fg=typer.colors.YELLOW, err=True)

    paths, failed = _fetched(entries)
    if scoring != ScoreOptions() and not rescore and any((path / "scorecard.json").is_file() for path in paths):
        warn("runs keep the scorecard they have: what is chosen here is for the others (see --rescore)")
    plan = functools.cache(lambda: Plan.of(replace(scoring, cache=cache)))
    choice = choose(known_results([path for path in paths if path not in failed], plan, rescore=rescore), sort, columns)
    collected = collect(
        paths, plan, site=site, rescore=rescore, failed=failed, warn=lambda text: warn(f"not scored: {text}")
    )
    held = assumed(collected) if rules is None else asked
    flagged = with_flags(
        judged(collected, held), _shared(collected, overlap, replace(scoring, cache=cache), site, warn)
    )
    ranked = Leaderboard(flagged, choice, keep_flagged, said(held, chosen=rules is not None))
    ranked = replace(ranked, entries=with_flags(flagged, contradicted(ranked)))
    written = write_documents(
        (csv_file, lambda: to_csv(ranked)),
        (markdown, lambda: to_markdown(ranked, published=published)),
        (latex, lambda: to_latex(ranked, published=published)),
        (html, lambda: _html(ranked, real, scoring, published, warn)),
        (None if is_stdout(json_file) else json_file, lambda: to_json(ranked, published=published)),
    )
    if curves is not None and _draw_curves(collected, curves, style, warn):
        written.append(Location.of(curves))
    if is_stdout(json_file):
        put_json(to_dict(ranked, published=published))
    else:
        print_boards(ranked, published, written, err=any(map(is_stdout, (csv_file, markdown, latex, html))))
    if not any(board.ranks_any for board in ranked.boards):
        raise typer.Exit(1)


def _fetched(entries: list[Location]) -> tuple[list[Path], dict[Path, str]]:
    """Return local paths of the entries, and of what could not be fetched the reason: it costs the others nothing."""
    from concurrent.futures import ThreadPoolExecutor

    failed: dict[Path, str] = {}

    def fetch(entry: Location) -> Path:
        try:
            return entry.fetched()
        except GanbenchError as e:
            path = Path(str(entry))
            failed[path] = str(e)
            return path

    if not any(entry.is_remote for entry in entries):
        return [entry.path for entry in entries], failed
    with ThreadPoolExecutor(_FETCHES) as pool:
        return list(pool.map(fetch, entries)), failed


def _shared(
    entries: list[Entry], asked: bool | None, scoring: ScoreOptions, site: Site, warn: Callable[[str], None]
) -> dict[str, Flag]:
    """Return the flag of every submission that shares images with another; none where nobody looks for them."""
    from ganbench.overlap.finding import compare
    from ganbench.overlap.looked import EXTRACTOR
    from ganbench.scoring.shared import shared_flags

    given = {entry.name: entry.path for entry in entries if entry.is_submission and entry.card is not None}
    if asked is False:
        return {}
    others = [entry.name for entry in entries if not entry.is_submission and entry.card is not None]
    if given and others:
        more = f" and {len(others) - 3} others" if len(others) > 3 else ""
        warn(
            f"shared images were not looked for in {', '.join(others[:3])}{more}: the images of runs and scorecards "
            "are not here. Give the images (ganbench sample RUN)"
        )
    if len(given) < 2:
        return {}
    if asked is None and not any(row.instrument == EXTRACTOR for e in entries if e.card for row in e.card.rows):
        warn(f"shared images were not looked for: that takes {EXTRACTOR}. To do so all the same: --overlap")
        return {}
    try:
        found = compare(
            list(given.values()), list(given), scoring.open, device=scoring.device, cache=scoring.cache, site=site
        )
    except ClusterError:
        raise  # all that was scored is kept: the same command again makes the board that was asked for
    except GanbenchError as e:
        warn(f"shared images were not looked for: {e}")
        return {}
    for name, reason in found.failed:
        warn(f"{name} was not compared with the others: {reason}")
    return shared_flags(found.pairs)


def _draw_curves(entries: list[Entry], path: Path, style: str, warn: Callable[[str], None]) -> bool:
    """Write the figure of the runs; tells whether there was anything to draw."""
    from ganbench.report.curves import training_figure
    from ganbench.system.style import save_figure

    figure = training_figure(entries, style)
    if figure is None:
        warn(f"{path} is not written: no run among the entries has a log")
        return False
    save_figure(figure, path)
    return True


def _html(
    ranked: Leaderboard, real: str | None, scoring: ScoreOptions, published: bool, warn: Callable[[str], None]
) -> str:
    from ganbench.report.page import make_page

    source = None if real is None else scoring.open_real(real)
    return make_page(ranked, real=source, published=published, detector=scoring.detector, note=warn)
