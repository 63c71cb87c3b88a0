"""The probe beside ``train``: every record, none twice, and a training that knows nothing of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_processes import SMALL, noise_images

from ganbench.diagnostics.recorder import recording
from ganbench.diagnostics.records import read_curves, text_before
from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train

QUIET = LoopOptions(log_every=100, sheet_every=None, save_every=100)


def run(folder: Path, steps: int, every: int | None, said: list[str] | None = None) -> RunFolder:
    recipe = load_recipe("wgan", "smoke", [*SMALL, f"training.steps={steps}", "training.n_critic=2"])
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    told = [] if said is None else said
    beside = None if every is None else recording(every, told.append)
    return train(recipe, source, folder, device="cpu", resume=True, options=QUIET, beside=beside)


@pytest.mark.slow
def test_what_is_recorded_every_so_often_is_part_of_what_is_recorded_always(tmp_path: Path) -> None:
    plain, always, sometimes = run(tmp_path / "p", 9, None), run(tmp_path / "a", 9, 1), run(tmp_path / "s", 9, 3)
    states = [torch.load(r.checkpoint, weights_only=True)["discriminator"] for r in (plain, always, sometimes)]
    assert all(torch.equal(states[0][key], state[key]) for state in states[1:] for key in states[0])
    every, some = (dict(read_curves(r.probe)) for r in (always, sometimes))
    assert every["discriminator"]["step"].unique().tolist() == list(range(9))
    assert every["generator"]["step"].unique().tolist() == [1, 3, 5, 7]  # once in two steps
    assert some["discriminator"]["step"].unique().tolist() == [0, 3, 6]
    assert some["generator"]["step"].unique().tolist() == [1, 3, 7]  # its next step from there on
    for name in every:
        both = some[name].merge(every[name], on=["step", "layer", "name"], suffixes=("", "_always"))
        assert len(both) == len(some[name])
        for column in ("norm", "weight_norm", "update_ratio", "activation_mean", "dead_units"):
            np.testing.assert_allclose(both[column], both[f"{column}_always"], rtol=1e-6)
        np.testing.assert_allclose(both["spectral_norm"], both["spectral_norm_always"], rtol=2e-2)
    assert every["discriminator"]["at_bound"].notna().all()


@pytest.mark.slow
def test_a_resumed_run_goes_on_with_its_records(tmp_path: Path) -> None:
    whole = dict(read_curves(run(tmp_path / "w", 8, 1).probe))
    run(tmp_path / "r", 5, 1)
    with RunFolder(tmp_path / "r").probe.open("a") as f:
        f.write("discriminator,7,1,layers.0.weight,1")  # cut by a kill
    resumed = dict(read_curves(run(tmp_path / "r", 8, 1).probe))
    for name, frame in whole.items():
        for column in ("step", "layer", "norm", "update_ratio"):
            np.testing.assert_allclose(resumed[name][column], frame[column], rtol=1e-6)


@pytest.mark.slow
def test_a_damaged_file_costs_the_records_and_not_the_training(tmp_path: Path) -> None:
    run(tmp_path / "r", 2, 1)
    RunFolder(tmp_path / "r").probe.write_text("what,is,this\n1,2,3\n")
    said: list[str] = []
    resumed = run(tmp_path / "r", 4, 1, said)
    assert [text for text in said if "no records that can be gone on with" in text and "begun anew" in text]
    assert dict(read_curves(resumed.probe))["discriminator"]["step"].unique().tolist() == [2, 3]


def test_a_file_before_a_step(tmp_path: Path) -> None:
    path = tmp_path / "probe.csv"
    assert text_before(path, ("name", "step"), 3) == "name,step\n"
    path.write_text('name,step\n"a,b",2\nc,3\nd,x')
    with pytest.raises(GanbenchError, match="invalid literal"):
        text_before(path, ("name", "step"), 3)
    path.write_text('name,step\n"a,b",2\nc,3\nd')
    assert text_before(path, ("name", "step"), 3) == 'name,step\n"a,b",2\n'
