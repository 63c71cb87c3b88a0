"""Is a run that diverges saved? The same run twice, left alone and rolled back, and the curves of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ailments.base import Run
from ailments.make import EVERY, train
from ganbench.system.storage import atomic_write

DIVERGES = Run("rate", "wgan-gp", 0)  # its learning rate is 100 times too high
MODES = ("warn", "rollback")
SCORED_EVERY = 4 * EVERY


def demonstrate(data: Path, keep: Path, journal: Any) -> dict[str, dict[str, Any]]:
    """Train both, if they are not there yet; returns by mode how it ended, and the logged lines.

    Args:
        data: the training images; scores are against them.
        keep: the run folders go there.
        journal: of outcomes.
    """
    from ganbench.training.run_folder import RunFolder

    told: dict[str, dict[str, Any]] = {}
    for mode in MODES:
        key, folder = f"{DIVERGES.key}-{mode}", keep / f"{DIVERGES.key}-{mode}"
        if key not in journal:
            more = ["--score-every", str(SCORED_EVERY), "--reference", str(data), "--detector", "none"]
            journal.add(key, train(DIVERGES, data, folder, "--on-trouble", mode, *more))
        told[mode] = {**journal.outcomes[key], "log": RunFolder(folder).read_metrics()}
    return told


def curve(log: list[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    """Return steps and values of what the lines call ``name``."""
    points = [(int(line["step"]), float(line[name])) for line in log if name in line]
    return [step for step, _ in points], [value for _, value in points]


def to_text(told: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how both ended, in lines."""
    lines = []
    for mode, one in told.items():
        steps, values = curve(one["log"], "fd[lite0]")
        said = ", ".join(f"{value:.0f} at {step}" for step, value in zip(steps, values, strict=True))
        warnings = [f"  step {line['step']}: {line['warning']}" for line in one["log"] if "warning" in line]
        ended = one["ended"] or "to its end"
        lines += [f"{mode}: {one['steps']} steps; FD {said or 'never scored'}; {ended}", *warnings]
    return "\n".join(lines)


def draw(told: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Write the curves of FD and of the discriminator's loss."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
    for mode, style in zip(MODES, ("C1.--", "C0.-"), strict=True):
        above.plot(*curve(told[mode]["log"], "fd[lite0]"), style, label=f"--on-trouble {mode}")
        below.plot(*curve(told[mode]["log"], "discriminator_loss"), style[:2] + style[3:])
    above.set_ylabel("FD[lite0] of 1,000 samples")
    below.set_ylabel("loss of the discriminator")
    below.set_yscale("symlog")
    below.set_xlabel("step")
    figure.suptitle(f"{DIVERGES.variant}: {DIVERGES.ailment} ailing")
    figure.legend(loc="outside lower center", ncols=2)
    with atomic_write(path, "wb") as f:
        figure.savefig(f, format="png", dpi=120)
    plt.close(figure)
