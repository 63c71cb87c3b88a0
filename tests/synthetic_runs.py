"""Scorecards and run folders without any training, for the tests of the leaderboard and of the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ganbench.metrics.registry import metric_of
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.toyfaces import toyfaces
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder

Value = tuple[float, float, float]


def make_card(
    values: dict[str, Value | None], *, n: int = 1000, protocol: str = "plain", digest: str = "d1", label: str = "x"
) -> Scorecard:
    """Return a scorecard of rows ``{id: (value, low, high)}``; None in place of a value is not measured."""
    rows = []
    for name, value in values.items():
        metric = metric_of(name)
        better = "lower" if metric is None else metric.better
        if value is None:
            rows.append(Row(name, None, better=better, reason=f"no {name} here"))
        else:
            rows.append(Row(name, *value, better, n, None, f"{protocol} of {name}", interval="made up"))
    return Scorecard(rows, {"label": label, "count": n}, {"lite0": {"name": "r", "data": {"digest": digest}}})


def make_run(
    folder: Path, variant: str, seed: int, card: Scorecard, *, overrides: tuple[str, ...] = (), images: str = "i1"
) -> Path:
    """Write a run folder as the bench leaves it, but for the checkpoint."""
    run = RunFolder(folder)
    recipe = load_recipe(variant, "smoke", [*overrides, f"training.seed={seed}"])
    run.start(recipe, {"device": "cpu", "cores": 2, "images": {"label": "toys", "count": 40, "digest": images}})
    rng = np.random.default_rng(seed)
    for step in range(10, 1001, 10):
        losses = {"discriminator_loss": 1 / step + rng.normal(0, 0.05), "generator_loss": rng.normal(1, 0.1)}
        run.log({"step": step, **losses, "images_per_second": 80.0 + seed})
    run.log({"step": 500, "fd[lite0]": 200.0, "recall[lite0]": 0.1})
    run.log({"step": 1000, "fd[lite0]": 150.0, "recall[lite0]": 0.2, "warning": "said"})
    card.write(json_file=run.scorecard)
    return folder


def make_five_runs(folder: Path) -> list[Path]:
    """Write the folders of two variants with two seeds each, one of them with another clip as well."""
    made = []
    for variant, seed, value, overrides in (
        ("dcgan", 0, 300.0, ()), ("dcgan", 1, 310.0, ()), ("wgan", 0, 200.0, ()), ("wgan", 1, 220.0, ()),
        ("wgan", 2, 500.0, ("objective.clip=0.01",)),
    ):  # fmt: skip
        card = make_card({"fd[lite0]": (value, value - 2, value + 2), "afd[yolo-nano]": (0.5, 0.4, 0.6)})
        made.append(make_run(folder / f"{variant}-{seed}", variant, seed, card, overrides=overrides))
    return made


def add_pictures(folder: Path, *, count: int = 40, seed: int = 1) -> None:
    """Give a run samples (toy faces) and gradient norms."""
    np.savez_compressed(folder / "samples.npz", images=np.stack([image for _, image in toyfaces(count, seed=seed)]))
    lines = ["curve,variant,seed,step,layer,name,norm,log_norm,weight_norm,ratio,at_bound,input_gradient"]
    for step in range(1000, 1010):
        for layer in range(1, 6):
            log_norm = 0.3 * layer + 0.01 * (step % 7)
            lines.append(f"{folder.name},v,0,{step},{layer},conv{layer},{np.exp(log_norm)},{log_norm},1,1,,")
    (folder / "gradnorm.csv").write_text("\n".join(lines) + "\n")
    (folder / "status.json").write_text(json.dumps({"state": "done"}))
