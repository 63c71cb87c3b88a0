"""Samples that are all one picture, or few: collapse, told from the samples alone."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import GENERATOR, Finding, beyond
from ganbench.doctor.records import Records, Sheet
from ganbench.doctor.windows import WARM_UP, after, held_for, lines_for

ALIKE = 0.008  # samples differ by less than this share of the pixel range: one picture; an untrained generator's: 0.015
GROWN_UP = 500  # steps from which on that is judged
SAME = 0.004  # and by less than this at any time; healthy, at their start: 0.015
FALLEN = 0.2  # of the variety that samples had before
REPEATS = 0.25  # share of samples with a twin among the others; real faces: 0
_TWIN = 0.15  # a twin is nearer than this share of the median distance of two samples; real faces: above 0.3
_SIDE = 16  # pixels that samples are compared at
_FEW = 16  # samples that tell anything


def variety(sheet: Sheet) -> float:
    """Return by how much samples differ: the mean over pixels of their deviation, as a share of the range."""
    return float(sheet.pixels.astype(np.float32).std(0).mean() / 255)


def twins(sheet: Sheet) -> float:
    """Return the share of samples that have a twin among the others."""
    small = _shrunk(sheet.pixels)
    flat = small.reshape(len(small), -1)
    squares = (flat * flat).sum(1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * flat @ flat.T, 0))
    middle = np.median(apart[np.triu_indices(len(flat), 1)])
    np.fill_diagonal(apart, np.inf)
    return float(np.mean(apart.min(1) < _TWIN * middle)) if middle > 0 else 1.0


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Return images at a few pixels, float64 (N, side, side, 3): means of blocks; an edge that is left over is cut."""
    count, height, width, _ = pixels.shape
    rows, columns = min(_SIDE, height), min(_SIDE, width)
    tall, wide = height // rows, width // columns
    cut = pixels[:, : rows * tall, : columns * wide].astype(np.float64)
    return np.asarray(cut.reshape(count, rows, tall, columns, wide, 3).mean((2, 4)))


def collapse(records: Records) -> list[Finding]:
    """The samples are one picture, or have become nearly one."""
    found = [*_of_sheets(records), *_of_steps(records)]
    return sorted(found, key=lambda finding: finding.when)[:1]


_HELP = (
    "Go back to a checkpoint from before. A gradient penalty, a smaller learning rate, more steps of the "
    "discriminator, or a minibatch statistic in it keep samples apart"
)


def _of_sheets(records: Records) -> list[Finding]:
    most = 0.0
    for sheet in records.sheets:
        if len(sheet.pixels) < _FEW:
            continue
        value = variety(sheet)
        most = max(most, value)
        bound = max(ALIKE if sheet.step >= GROWN_UP else SAME, FALLEN * most if sheet.step > WARM_UP else 0.0)
        if sheet.step > WARM_UP and value < bound:
            text = f"at step {sheet.step} the samples differ by {value:.2%} of the pixel range, real faces by a quarter"
            text += f"; they differed by {most:.1%} before" if value < FALLEN * most else ""
            return [_collapse(sheet.step, sheet.step, bound, value, text)]
    return []


def _of_steps(records: Records) -> list[Finding]:
    """The same of the few images that a step of the generator makes."""
    series = after(records.get("made_variety"), WARM_UP)
    run = held_for(series.values < SAME, lines_for(series, 5, 50))
    if run is None:
        return []
    value = float(np.median(series.values[run[0] : run[1] + 1]))
    since, at = int(series.steps[run[0]]), int(series.steps[run[1]])
    return [_collapse(at, since, SAME, value, f"from step {since} on all images of a batch are one picture")]


def _collapse(at: int, since: int, bound: float, value: float, text: str) -> Finding:
    return Finding(
        "collapse", GENERATOR, at, since, beyond(bound, max(value, 1e-6)), text, _HELP, evidence={"variety": value}
    )


def partial_collapse(records: Records) -> list[Finding]:
    """Many samples are copies of each other, though not all of them."""
    for sheet in records.sheets:
        if len(sheet.pixels) < _FEW or sheet.step <= GROWN_UP or variety(sheet) < ALIKE:
            continue
        share = twins(sheet)
        if share >= REPEATS:
            return [
                Finding(
                    "partial collapse", GENERATOR, sheet.step, sheet.step, beyond(share, REPEATS),
                    f"at step {sheet.step} {share:.0%} of {len(sheet.pixels)} samples have a twin among the others; of "
                    "as many real faces none has",
                    _HELP, evidence={"share": share},
                )
            ]  # fmt: skip
    return []
