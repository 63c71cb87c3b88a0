"""One figure of gradient norms, from the curves to the files: measured one after the other, drawn, put into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganbench.diagnostics.curves import Curve, Measured, measure
from ganbench.diagnostics.figure_files import write_figures
from ganbench.diagnostics.figures import OF_G
from ganbench.diagnostics.findings import to_dict, to_markdown
from ganbench.diagnostics.probe_frame import COLUMNS
from ganbench.diagnostics.too_small import too_small
from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.source import Source
from ganbench.system.outputs import check_outputs, write_text
from ganbench.system.progress import track
from ganbench.system.style import check_style
from ganbench.system.text import csv_frame
from ganbench.training.data import TrainingImages, decode_source
from ganbench.training.start import check_size
from ganbench.training.trial import seconds_per_step

if TYPE_CHECKING:
    import pandas as pd

TABLE, TEXT = "gradnorm.csv", "findings.md"
OF_GENERATOR = "-generator"  # behind the names of the generator's files
MOST_STEPS = 600  # of a curve, where nobody says how many: recipes for whole trainings are longer
_TRIAL_STEPS = 8
# The first seven are the format; the rest is there for who wants to look deeper.
_COLUMNS = ["curve", "variant", "step", "layer", "name", "norm", "log_norm"]
_COLUMNS += ["seed", "weight_norm", "ratio", "at_bound", "input_gradient"]
_COLUMNS += [column for column in COLUMNS if column not in _COLUMNS]


@dataclass(frozen=True, eq=False)
class Findings:
    """What an experiment showed.

    Attributes:
        settled: the discriminators' records without the first steps of each curve, columns as in ``gradnorm.csv``.
        generator: the generators', the same.
        small: by curve, why it can tell nothing, where that is so (see ``too_small``).
        files: names of what was written.
    """

    settled: pd.DataFrame
    generator: pd.DataFrame
    small: dict[str, str]
    files: list[str]


def experiment(
    curves: list[Curve],
    source: Source,
    out: Path,
    *,
    steps: int | None = None,
    skip: int | None = None,
    device: str = "auto",
    style: str = "screen",
    say: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] = lambda text: None,
) -> Findings:
    """Measure all curves and write tables, figures and findings.

    Args:
        curves: see ``curves.plan``.
        source: training images of the recipes' size.
        out: folder for the files; those of an earlier experiment are replaced.
        steps: discriminator steps of each curve; None: as many as the longest recipe trains, at most 600.
        skip: first steps that the figure over depth and the findings leave out; None: a quarter.
        device: ``auto``, ``cpu`` or ``cuda``.
        style: of the figures, see ``drawing``; ``paper`` writes PDF too.
        say: is told in one line what will be measured and how long it will take, before it starts.
        warn: is told signs of trouble, as ``measure`` sees them.

    Raises:
        GanbenchError: nothing left by ``skip``, images of another size or too few, or no place for the files.
    """
    import pandas as pd

    check_style(style)
    check_outputs(folders=(out,))
    for curve in curves:
        check_size(source, curve.recipe)
    pixels = decode_source(source, warn)
    if steps is None:
        steps = min(MOST_STEPS, max(curve.recipe.steps(len(pixels)) for curve in curves))
    if skip is None:
        skip = steps // 4
    if skip >= steps:
        raise GanbenchError(f"--skip {skip} leaves nothing of --steps {steps}")
    images = [_images_of(curve, pixels, source) for curve in curves]
    _announce(curves, pixels, steps, device, say)
    found: list[Measured] = []
    for curve, own in zip(curves, images, strict=True):
        found.append(measure(curve, own, steps, device=torch.device(resolve_device(device)), warn=warn))
        # After every curve: a killed command keeps what it has.
        tables = _write_tables(out, found)
    small = {
        curve.name: why
        for curve, m in zip(curves, found, strict=True)
        if (why := too_small(curve.recipe, int(m.discriminator["step"].max()) + 1)) is not None
    }
    discriminators, generators = (pd.concat(frames) for frames in zip(*map(_both, found), strict=True))
    settled, settled_generators = (
        pd.concat(frames) for frames in zip(*(map(_settled(m, skip), _both(m)) for m in found), strict=True)
    )
    files = write_figures(out, settled, discriminators, small, style=style)
    if len(settled_generators):  # a critic that steps often, and a short look: the generator may not have moved
        files += write_figures(out, settled_generators, generators, small, of=OF_G, behind=OF_GENERATOR, style=style)
    findings = Findings(settled, settled_generators, small, [*tables, *files, TEXT])
    write_text(out / TEXT, to_text(findings))
    return findings


def _both(measured: Measured) -> tuple[pd.DataFrame, pd.DataFrame]:
    return measured.discriminator, measured.generator


def _settled(measured: Measured, skip: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what leaves out the first steps of a curve."""
    start = measured.discriminator["step"].min() + skip
    return lambda frame: frame[frame["step"] >= start]


def _write_tables(out: Path, found: list[Measured]) -> list[str]:
    import pandas as pd

    names = [TABLE, f"gradnorm{OF_GENERATOR}.csv"]
    for name, frames in zip(names, zip(*map(_both, found), strict=True), strict=True):
        write_text(out / name, csv_frame(pd.concat(frames)[_COLUMNS]))
    return names


def _images_of(curve: Curve, pixels: np.ndarray, source: Source) -> TrainingImages:
    training = curve.recipe.training
    return TrainingImages(pixels, source.digest(), batch=training.batch, seed=training.seed)


def _announce(curves: list[Curve], pixels: np.ndarray, steps: int, device: str, say: Callable[[str], None]) -> None:
    """Say what will be measured and how long it will take, from a trial of every curve; seeds cost the same."""
    costs: dict[str, float] = {}
    with track("trying", len(curves), unit="curves") as advance:
        for curve in curves:
            if curve.name not in costs:
                costs[curve.name] = seconds_per_step(curve.recipe, pixels, device, _TRIAL_STEPS)
            advance(1)
    seconds = sum(costs[curve.name] for curve in curves) * steps
    duration = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    names = "; ".join(costs)
    repeated = f", {len(curves)} curves with all seeds" if len(curves) > len(costs) else ""
    say(f"measuring {steps} steps of each: {names}{repeated}. This takes about {duration}")


def to_text(findings: Findings) -> str:
    """Return ``findings.md``: what the discriminators show, then the generators."""
    text = to_markdown(findings.settled, findings.small)
    if findings.generator.empty:
        return text
    return f"{text}\n## Generator\n\n{to_markdown(findings.generator, findings.small)}"


def to_plain(findings: Findings) -> dict[str, dict[str, object]]:
    """Return the findings of all curves as plain data: those of the discriminator, under ``generator`` the other's."""
    found = to_dict(findings.settled, findings.small)
    of_generator = to_dict(findings.generator, findings.small)
    return {name: plain | {"generator": of_generator.get(name)} for name, plain in found.items()}
