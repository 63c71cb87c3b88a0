"""The figures and findings of tables that anybody's own loop has written: ``ganbench gradnorm --csv``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.diagnostics.figure_files import write_figures
from ganbench.diagnostics.findings import to_markdown
from ganbench.diagnostics.records import read_curves
from ganbench.errors import GanbenchError
from ganbench.system.frames import column_of
from ganbench.system.outputs import check_outputs, write_text
from ganbench.system.style import check_style
from ganbench.system.urls import refuse_url

if TYPE_CHECKING:
    import pandas as pd

TEXT = "findings.md"
_OF = "layer"


def draw_tables(
    files: Sequence[str], out: Path, *, skip: int | None = None, style: str = "screen"
) -> tuple[pd.DataFrame, list[str]]:
    """Draw the figures of tables of gradient norms, and write what they show.

    Args:
        files: CSV files, see ``read_curves``; ``NAME=FILE`` gives a curve a name other than the file's.
        out: folder for the figures and ``findings.md``.
        skip: first steps of each curve that the figures over depth and the findings leave out; None: a quarter.
        style: of the figures, see ``drawing``.

    Returns:
        The records that the findings are of, with a column ``curve``, and the names of what was written.

    Raises:
        GanbenchError: a file that holds no gradient norms, two curves of one name, or nothing left by ``skip``.
    """
    import pandas as pd

    check_style(style)
    check_outputs(folders=(out,))
    curves = {name: frame.assign(curve=column_of([name] * len(frame))) for name, frame in _curves(files).items()}
    everything = pd.concat(list(curves.values()))
    settled = pd.concat([_settled(name, frame, skip) for name, frame in curves.items()])
    written = write_figures(out, settled, everything, of=_OF, style=style)
    write_text(out / TEXT, to_markdown(settled))
    return settled, [*written, TEXT]


def _curves(files: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return all curves by name: the name in the file, led by that of the file where several are drawn."""
    curves: dict[str, pd.DataFrame] = {}
    for text in files:
        given, path = _named(text)
        for inside, frame in read_curves(path):
            stem = given or (path.stem if len(files) > 1 or not inside else "")
            name = ": ".join(filter(None, (stem, inside)))
            if name in curves:
                raise GanbenchError(f"two curves are called {name!r}; give the files names: --csv NAME=FILE")
            curves[name] = frame
    return curves


def _named(text: str) -> tuple[str, Path]:
    """Return the name and the path of ``NAME=FILE``; a file of exactly this name comes first."""
    name, equals, rest = text.partition("=")
    if not (equals and name) or Path(text).exists():
        name, rest = "", text
    return name, Path(refuse_url(rest, "a table of gradient norms"))


def _settled(name: str, frame: pd.DataFrame, skip: int | None) -> pd.DataFrame:
    steps = sorted(frame["step"].unique())
    start = steps[0] + skip if skip is not None else steps[len(steps) // 4]
    settled = frame[frame["step"] >= start]
    if settled.empty:
        raise GanbenchError(f"--skip {skip} leaves nothing of {name}, whose steps go from {steps[0]} to {steps[-1]}")
    return settled
