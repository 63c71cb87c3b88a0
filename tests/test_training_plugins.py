"""A loss and networks of somebody's own go everywhere: recipes, training, resuming, sampling, other processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from training_processes import networks_of
from typer.testing import CliRunner, Result

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.images.arrays import ArraySource
from ganbench.models.registry import MODELS
from ganbench.system.workers import Workers
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.training.objectives.registry import OBJECTIVES, build_objective
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe, load_resolved
from ganbench.training.recipe_diff import diff_recipes
from ganbench.training.run_folder import RunFolder
from ganbench.training.sampling import load_generator, sample
from ganbench.training.sections import known_keys
from ganbench.training.start import check_size, train


def _invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def _source(count: int = 20, size: int = 16) -> ArraySource:
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return ArraySource.of("noise", pixels, value_range=None, resize=None)


def test_a_recipe_takes_the_settings_of_what_it_names(plugin_folder: Path) -> None:
    recipe = load_recipe("plug.toml", "smoke", ["objective.real_label=0.7", "model.hidden=5"])
    assert (recipe.objective.real_label, recipe.objective.unsaid, recipe.model.hidden) == (0.7, 3, 5)
    assert not hasattr(recipe.model, "width")  # the parent's smoke preset has one, for another model
    named = {"model": {"name": "plug_networks:Pair"}, "objective": {"name": "plug_losses:LeastSquares"}}
    assert {"model.hidden", "objective.real_label"} < set(known_keys(named))
    (plugin_folder / "resolved.toml").write_text(recipe.to_toml())
    assert load_resolved(plugin_folder / "resolved.toml") == recipe


def test_the_command_line_takes_a_loss_by_its_name(plugin_folder: Path) -> None:
    named = ["--set", "objective.name=plug_losses:LeastSquares", "--set", "objective.real_label=0.7"]
    shown = json.loads(_invoke("recipes", "show", "dcgan", *named, "--json").stdout)
    assert (shown["objective.name"], shown["objective.real_label"]) == ("plug_losses:LeastSquares", 0.7)
    rows = {row["what"]: row for row in json.loads(_invoke("recipes", "diff", "dcgan", "plug.toml", "--json").stdout)}
    assert rows["objective.real_label"]["why"] == "What the scores of real images are pulled to."
    assert rows["objective.unsaid"] == {"what": "objective.unsaid", "first": "-", "second": "3", "why": ""}
    assert rows["model.hidden"]["second"] == "16"
    assert rows["generator minimises"]["second"] == "mean (D(fake) - label)^2 / 2"


def test_objectives_of_the_same_formulas_differ_in_name(plugin_folder: Path) -> None:
    copy = (plugin_folder / "plug_losses.py").read_text().replace("class LeastSquares", "class Twin")
    (plugin_folder / "plug_twin.py").write_text(copy)
    first = load_recipe("plug.toml")
    second = load_recipe("plug.toml", "paper", ["objective.name=plug_twin:Twin"])
    names = ("plug_losses:LeastSquares", "plug_twin:Twin")
    assert [(d.what, d.first, d.second) for d in diff_recipes(first, second)] == [("objective.name", *names)]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["objective.real_lable=1"], "objective.real_lable of the objective plug_losses:LeastSquares. Did you mean "
         "'objective.real_label'"),
        (["objective.real_label=-1"], "objective.real_label: .*greater than or equal to 0, got -1"),
        (["objective.name=plug_losses:LeastSquare"], "module plug_losses has no 'LeastSquare'"),
        (["objective.name=plug_loses:LeastSquares"], "no objective or module is called 'plug_loses'"),
        (["objective.name=plug_networks:Pair"], "plug_networks:Pair is no objective: it is Pair, not a class derived "
         "from Objective"),
        (["model.name=plug_losses:Field"], "plug_losses:Field is no model: it is function, not a class derived"),
        (["model.name=broken:Pair"], "importing broken failed: ZeroDivisionError"),
        (["model.name=half:Half"], "half:Half is no model yet: it lacks build"),
        (["model.name=half:Foreign"], "model half:Foreign: its Settings must derive from Model.Settings"),
    ],
)  # fmt: skip
def test_mistakes_with_ones_own_files(plugin_folder: Path, overrides: list[str], message: str) -> None:
    (plugin_folder / "broken.py").write_text("1 / 0")
    (plugin_folder / "half.py").write_text(
        "from ganbench.models.base import Model\nclass Half(Model): pass\n"
        "class Foreign(Model):\n    Settings = dict\n    def build(self): pass\n"
    )
    with pytest.raises(GanbenchError, match=message):
        load_recipe("plug.toml", "paper", overrides)


def test_a_loss_without_formulas_says_so(plugin_folder: Path) -> None:
    text = (plugin_folder / "plug_losses.py").read_text().replace("generator_formula =", "x =")
    (plugin_folder / "plug_mute.py").write_text(text)
    settings = OBJECTIVES["plug_mute:LeastSquares"].Settings(name="plug_mute:LeastSquares")
    with pytest.raises(GanbenchError, match="give the class its generator_formula;"):
        build_objective(settings)


def test_code_in_a_folder_of_data_is_not_imported(plugin_folder: Path) -> None:
    """Runs that were handed in may bring a file along and name it in their recipe."""
    inside = plugin_folder / "submissions" / "eve"
    inside.mkdir(parents=True)
    (inside / "evil.py").write_text("raise SystemExit('ran')")
    for name in ("submissions.eve.evil:Loss", "submissions.eve:Loss"):
        with pytest.raises(GanbenchError, match=r"submissions is no package\. .*__init__\.py"):
            load_recipe("dcgan", "paper", [f"objective.name={name}"])
    (plugin_folder / "submissions" / "__init__.py").touch()
    with pytest.raises(GanbenchError, match="eve is no package"):
        load_recipe("dcgan", "paper", ["objective.name=submissions.eve.evil:Loss"])


def test_a_run_is_resumed_and_sampled(plugin_folder: Path) -> None:
    options = LoopOptions(log_every=1, sheet_every=2, save_every=2)
    whole = train(load_recipe("plug.toml", "smoke", ["training.steps=6"]), _source(), Path("whole"), options=options)
    train(load_recipe("plug.toml", "smoke", ["training.steps=3"]), _source(), Path("broken"), options=options)
    broken = train(
        load_recipe("plug.toml", "smoke", ["training.steps=6"]), _source(), Path("broken"), options=options, resume=True
    )
    a, b = (load_checkpoint(run.checkpoint) for run in (whole, broken))
    assert all(torch.equal(a["generator"][name], b["generator"][name]) for name in a["generator"])
    assert RunFolder(Path("whole")).recipe().objective.real_label == 0.9
    (pixels,) = sample(load_generator(Path("whole")), 5, seed=0)
    assert pixels.shape == (5, 16, 16, 3)
    assert _invoke("sample", "whole", "--count", 5, "--out", "samples").exit_code == 0
    with pytest.raises(GanbenchError, match="objective.real_label was 0.9, now 0.8"):
        train(
            load_recipe("plug.toml", "smoke", ["training.steps=6", "objective.real_label=0.8"]),
            _source(), Path("whole"), options=options, resume=True,
        )  # fmt: skip


def test_a_run_whose_code_is_gone_says_what_is_missing(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("plug.toml", "smoke", ["training.steps=1"])
    run = train(recipe, _source(), plugin_folder / "run", options=LoopOptions(sheet_every=None))
    (plugin_folder / "plug_networks.py").unlink()
    sys.modules.pop("plug_networks")
    with pytest.raises(UnknownName, match=r"of the checkpoint: .*no model or module is called 'plug_networks'"):
        load_generator(run.path)


def test_the_hint_at_another_size_is_the_models_own(plugin_folder: Path) -> None:
    with pytest.raises(GanbenchError, match=r"add --resize 16, or --set model\.size=24$"):
        check_size(_source(2, 24), load_recipe("plug.toml"))
    with pytest.raises(GanbenchError, match=r"add --resize 64$"):
        check_size(_source(2, 24), load_recipe("dcgan"))


@pytest.mark.slow
def test_other_processes_import_it_too(plugin_folder: Path) -> None:
    recipe = load_recipe("plug.toml", "smoke")
    with Workers(networks_of, 1) as workers:
        ((_, answer),) = workers.run([recipe])
    assert answer == ("LeastSquares", 0.9, "Generator", 16)


def test_installed_packages_add_theirs(plugin_folder: Path) -> None:
    package = plugin_folder / "site"
    info = package / "ganbench_plug-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganbench-plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ganbench.objectives]\nlsgan = plug_losses:LeastSquares\nbce = plug_losses:LeastSquares\n"
        "[ganbench.models]\nflat = plug_networks:Pair\n"
    )
    sys.path.append(str(package))
    with pytest.MonkeyPatch.context() as patch:
        for registry in (OBJECTIVES, MODELS):
            patch.setattr(registry, "_entries", dict(registry._entries))
            patch.setattr(registry, "_plugins_known", False)
        recipe = load_recipe("dcgan", "paper", ["objective.name=lsgan", "model.name=flat"])
        assert (recipe.objective.real_label, recipe.model.hidden) == (1.0, 16)
        assert type(build_objective(load_recipe("dcgan").objective)).__name__ == "BCE"  # a name of ours stays ours
        with pytest.raises(UnknownName, match="Did you mean 'lsgan'"):
            load_recipe("dcgan", "paper", ["objective.name=lsgann"])


def test_checkpoints_of_the_first_format_are_read(tmp_path: Path) -> None:
    """Their recipes have the settings of all models, whatever the model."""
    recipe = load_recipe("dcgan", "smoke", ["model.size=32", "training.batch=8", "training.steps=1"])
    run = train(recipe, _source(20, 32), tmp_path, options=LoopOptions(sheet_every=None))
    state = load_checkpoint(run.checkpoint)
    expected = np.concatenate(list(sample(load_generator(tmp_path), 5, seed=0)))
    state["recipe"]["model"] |= {"max_width": 512, "mapping_layers": 8}
    save_checkpoint(run.checkpoint, state | {"format": 1})
    assert np.array_equal(np.concatenate(list(sample(load_generator(tmp_path), 5, seed=0))), expected)
    save_checkpoint(run.checkpoint, state)
    with pytest.raises(GanbenchError, match="unknown key model.max_width"):
        load_generator(tmp_path)
