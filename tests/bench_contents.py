"""What a bench of these tests is made of, and what another one has to equal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from bench_processes import SETTINGS

from ganbench.bench.grid import Plan, Workspace, make_grid
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.scoring.scorecard import Scorecard
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.run_folder import RunFolder

CELLS = ("dcgan-seed0", "wgan-gp-seed0")


def plan_of(
    out: Path | str, bench_faces: tuple[Path, Path], scoring: ScoringPlan | None = None, **settings: object
) -> Plan:
    """Return the plan of a bench like the one that ran through, with other settings."""
    folder, reference = bench_faces
    scoring = scoring or ScoringPlan.of(ScoreOptions(references=(str(reference),), detector=None, device="cpu"))
    return Plan(make_grid(SETTINGS | settings), Workspace(str(folder), out, device="cpu"), scoring)


def contents(cell: Path) -> dict[str, object]:
    """Return all that a cell came to, without what the clock says."""
    state = load_checkpoint(cell / "checkpoint.pt")
    card = Scorecard.from_json((cell / "scorecard.json").read_text())
    log = [{k: v for k, v in line.items() if k != "images_per_second"} for line in RunFolder(cell).read_metrics()]
    return {
        "weights": {k: v for name in ("generator", "discriminator") for k, v in state[name].items()},
        "step": state["step"],
        "rows": card.rows,
        "run": card.source["run"],
        "samples": np.load(cell / "samples.npz")["images"],
        "gradnorm": (cell / "gradnorm.csv").read_bytes(),
        "log": log,
        "status": json.loads((cell / "status.json").read_text()),
    }


def assert_same(a: Path, b: Path) -> None:
    for name in CELLS:
        one, two = contents(a / name), contents(b / name)
        weights = one.pop("weights"), two.pop("weights")
        assert weights[0].keys() == weights[1].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
        assert np.array_equal(one.pop("samples"), two.pop("samples"))
        assert one == two
