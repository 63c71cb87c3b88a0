"""What the tests of the bench share: a bench that ran through undisturbed, and what another one has to equal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bench_processes import bench, context
from PIL import Image
from waiting import wait_for_end

from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference
from ganbench.scoring.scorecard import Scorecard
from ganbench.toyfaces import toyfaces
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.run_folder import RunFolder

CELLS = ("dcgan-seed0", "wgan-gp-seed0")


@pytest.fixture(scope="session")
def bench_faces(tmp_path_factory: pytest.TempPathFactory, lite0: Extractor) -> tuple[Path, Path]:
    """Return a folder of small toy faces and a reference of them."""
    folder = tmp_path_factory.mktemp("faces")
    for i, (_, image) in enumerate(toyfaces(24, size=32, seed=3), 1):
        Image.fromarray(image).save(folder / f"{i}.png")
    file = tmp_path_factory.mktemp("reference") / "faces.npz"
    Reference.build(open_source(folder), lite0, name="faces").save(file)
    return folder, file


@pytest.fixture(scope="session")
def whole_bench(bench_faces: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a bench that ran through; no test writes into it."""
    home, out = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("whole")
    child = context().Process(target=bench, args=(str(home), *map(str, bench_faces), str(out), {}))
    child.start()
    wait_for_end(child)
    assert child.exitcode == 0
    return out


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
