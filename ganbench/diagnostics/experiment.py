"""One figure of gradient norms, from the curves to the files: measured one after the other, drawn, put into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganbench.diagnostics.curves import Curve, measure
from ganbench.diagnostics.figures import depth_figure, training_figure
from ganbench.diagnostics.findings import to_markdown
from ganbench.diagnostics.too_small import too_small
from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.source import Source
from ganbench.system.outputs import check_outputs, write_text
from ganbench.system.progress import track
from ganbench.system.style import save_figure
from ganbench.system.text import csv_frame
from ganbench.training.data import TrainingImages, decode_source
from ganbench.training.start import check_size
from ganbench.training.trial import seconds_per_step

if TYPE_CHECKING:
    import pandas as pd

FILES = (
    "gradnorm.csv", "gradnorm.png", "gradnorm.svg", "gradnorm-training.png", "gradnorm-training.svg", "findings.md",
)  # fmt: skip
MOST_STEPS = 600  # of a curve, where nobody says how many: recipes for whole trainings are longer
_TRIAL_STEPS = 8
# The first seven are the format; the rest is there for who wants to look deeper.
_COLUMNS = ["curve", "variant", "step", "layer", "name", "norm", "log_norm"]
_COLUMNS += ["seed", "weight_norm", "ratio", "at_bound", "input_gradient"]


@dataclass(frozen=True, eq=False)
class Findings:
    """What an experiment showed.

    Attributes:
        settled: the records without the first steps of each curve, columns as in ``gradnorm.csv``.
        small: by curve, why it can tell nothing, where that is so (see ``too_small``).
    """

    settled: pd.DataFrame
    small: dict[str, str]


def experiment(
    curves: list[Curve],
    source: Source,
    out: Path,
    *,
    steps: int | None = None,
    skip: int | None = None,
    device: str = "auto",
    say: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] = lambda text: None,
) -> Findings:
    """Measure all curves and write ``FILES``.

    Args:
        curves: see ``curves.plan``.
        source: training images of the recipes' size.
        out: folder for the files; those of an earlier experiment are replaced.
        steps: discriminator steps of each curve; None: as many as the longest recipe trains, at most 600.
        skip: first steps that the figure over depth and the findings leave out; None: a quarter.
        device: ``auto``, ``cpu`` or ``cuda``.
        say: is told in one line what will be measured and how long it will take, before it starts.
        warn: is told signs of trouble, as ``measure`` sees them.

    Raises:
        GanbenchError: nothing left by ``skip``, images of another size or too few, or no place for the files.
    """
    import pandas as pd

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
    frames: list[pd.DataFrame] = []
    for curve, own in zip(curves, images, strict=True):
        frames.append(measure(curve, own, steps, device=torch.device(resolve_device(device)), warn=warn))
        # After every curve: a killed command keeps what it has.
        write_text(out / "gradnorm.csv", csv_frame(pd.concat(frames)[_COLUMNS]))
    everything = pd.concat(frames)
    settled = pd.concat([frame[frame["step"] >= frame["step"].min() + skip] for frame in frames])
    small = {
        curve.name: why
        for curve, frame in zip(curves, frames, strict=True)
        if (why := too_small(curve.recipe, int(frame["step"].max()) + 1)) is not None
    }
    findings = Findings(settled, small)
    _write(out, findings, everything)
    return findings


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


def _write(out: Path, findings: Findings, everything: pd.DataFrame) -> None:
    depth = depth_figure(findings.settled, findings.small)
    for name, figure in (("gradnorm", depth), ("gradnorm-training", training_figure(everything))):
        for ending in (".png", ".svg"):
            save_figure(figure, out / f"{name}{ending}")
    write_text(out / "findings.md", to_markdown(findings.settled, findings.small))
