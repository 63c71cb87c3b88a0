"""Recipes: the shipped ones say what the assignment says; mistakes get an answer that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import GanbenchError, UnknownName
from ganbench.training.objectives import build_objective
from ganbench.training.recipe import PRESETS, RMSpropRecipe, known_keys, load_recipe, load_resolved, recipe_names
from ganbench.training.recipe_diff import EXPLANATIONS, diff_recipes

ASSIGNMENT = {  # the table of the assignment, written out once more
    "dcgan": ("bce", "batch", "adam", 1, 1, None),
    "dcgan-clipnorm": ("bce", "batch", "adam", 50, 2, 1.0),
    "wgan": ("wasserstein-clip", "batch", "rmsprop", 50, 2, None),
    "wgan-gp": ("wasserstein-gp", "instance", "adam", 50, 2, None),
    "wgan-gp-report": ("wasserstein-gp", "instance", "adam", 50, 2, None),
}


@pytest.mark.parametrize("variant", list(ASSIGNMENT))
def test_shipped_recipes_are_the_assignments(variant: str) -> None:
    recipe = load_recipe(variant)
    training = recipe.training
    assert (
        recipe.objective.name,
        recipe.model.norm,
        recipe.optimizer.name,
        training.epochs,
        training.n_critic,
        training.clip_grad_norm,
    ) == ASSIGNMENT[variant]
    assert (recipe.model.size, recipe.model.latent, recipe.model.width) == (64, 100, 64)
    assert (training.batch, recipe.optimizer.lr, recipe.data.flip, training.average) == (64, 1e-4, False, None)
    if recipe.optimizer.name == "adam":
        assert recipe.optimizer.betas == (0.5, 0.999)


def test_the_penalties_and_the_clipping_bound() -> None:
    paper, report = load_recipe("wgan-gp").objective, load_recipe("wgan-gp-report").objective
    assert (paper.penalty_weight, paper.penalty_norm) == (10, 2)
    assert (report.penalty_weight, report.penalty_norm) == (1, 1)
    assert load_recipe("wgan").objective.clip == 1
    stylegan2 = load_recipe("stylegan2")
    assert (stylegan2.model.size, stylegan2.training.batch, stylegan2.optimizer.name) == (64, 64, "adam")


def test_every_recipe_has_every_preset() -> None:
    assert recipe_names() == [*ASSIGNMENT, "stylegan2"]
    for name in recipe_names():
        paper, cpu, probe, smoke = (load_recipe(name, preset) for preset in PRESETS)
        assert smoke.model.width < probe.model.width == cpu.model.width < paper.model.width
        assert smoke.steps(71_314) <= 20 < probe.steps(71_314) <= 200
        for small in (cpu, probe, smoke):  # a preset changes size, speed and length, never the method
            assert small.objective == paper.objective
            assert small.training.n_critic == paper.training.n_critic
        build_objective(paper)


def test_length_in_epochs() -> None:
    assert load_recipe("dcgan").steps(71_314) == 1114
    assert load_recipe("wgan").steps(71_314) == 55_700
    assert load_recipe("wgan", "paper", ["training.steps=7"]).steps(71_314) == 7
    assert load_recipe("wgan", "cpu", ["training.epochs=2"]).steps(64) == 4


def test_overrides_are_parsed_as_toml() -> None:
    recipe = load_recipe("dcgan", "paper", ["optimizer.lr=2e-4", "optimizer.betas=[0.9, 0.99]", "model.norm=instance"])
    assert (recipe.optimizer.lr, recipe.optimizer.betas, recipe.model.norm) == (2e-4, (0.9, 0.99), "instance")


@pytest.mark.parametrize(
    ("variant", "overrides", "message"),
    [
        ("wgann", [], "unknown variant 'wgann'. Did you mean 'wgan'"),
        ("wgan", ["optimizer.lrr=1"], "Did you mean 'optimizer.lr'"),
        ("wgan", ["lr=1"], "expected section.key=value"),
        ("wgan", ["optimizer.lr"], "expected section.key=value"),
        ("wgan", ["optimizer.lr=fast"], "optimizer.rmsprop.lr: .*number"),
        ("wgan", ["optimizer.lr=-1"], "greater than 0"),
        ("wgan", ["model.size=48"], "model.size"),
        ("dcgan", ["objective.clip=1"], "unknown key objective.clip"),
        ("stylegan2", ["model.norm=batch"], "the model stylegan2 has no model.norm"),
        ("dcgan", ["model.mapping_layers=2"], "the model dcgan has no model.mapping_layers"),
        ("dcgan", ["optimizer.name=sgd"], "optimizer: .*'sgd'"),
        ("dcgan", ["optimizer.lr=inf"], "optimizer.adam.lr: .*finite"),
        ("missing.toml", [], "cannot read the recipe missing.toml"),
    ],
)
def test_mistakes(variant: str, overrides: list[str], message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        load_recipe(variant, "paper", overrides)


def test_another_optimizer_loss_or_model_keeps_what_it_knows() -> None:
    recipe = load_recipe("dcgan", "paper", ["optimizer.name=rmsprop"])
    assert recipe.optimizer == RMSpropRecipe(name="rmsprop", lr=1e-4)
    swapped = ["objective.name=wasserstein-gp", "objective.penalty_weight=10", "objective.penalty_norm=2"]
    assert load_recipe("wgan", "paper", swapped).objective == load_recipe("wgan-gp").objective
    model = load_recipe("dcgan", "paper", ["model.name=stylegan2"]).model
    assert (model.name, model.size, model.width) == ("stylegan2", 64, 64)


def test_unknown_preset() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'cpu'"):
        load_recipe("wgan", "cpuu")


def test_files_extend_shipped_recipes_and_each_other(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('title = "mine"\nextends = "wgan"\n[objective]\nclip = 0.1\n[training]\nsteps = 9\n')
    recipe = load_recipe(str(mine))
    assert (recipe.variant, recipe.objective.clip, recipe.optimizer.name) == ("mine", 0.1, "rmsprop")
    assert recipe.training.epochs is None
    for text, message in (
        ("title = 'x'\nextends = '" + str(mine) + "'\nwidth = 3\n", "unknown key 'width'. Did you mean 'model.width'"),
        ("not toml", "not a TOML recipe"),
        ("title='x'\nextends='wgan'\n[training]\nsteps=1\nepochs=1\n", "exactly one of"),
    ):
        other = tmp_path / "other.toml"
        other.write_text(text)
        with pytest.raises(GanbenchError, match=message):
            load_recipe(str(other))
    loop = tmp_path / "loop.toml"
    loop.write_text(f"title = 'x'\nextends = '{loop}'\n")
    with pytest.raises(GanbenchError, match="extends itself"):
        load_recipe(str(loop))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo = 1", r"unknown key 'foo'\. Sections: \[model\], \[objective\], \[optimizer\], \[training\], \[data\]$"),
        ("lr = 2e-4\nbatch = 64", r"unknown key 'lr'\. Did you mean 'optimizer\.lr'\? Sections: "),
        ("[optimiser]\nlr = 2e-4", r"unknown key 'optimiser'\. Did you mean 'optimizer'\? Sections: "),
        ("[model]\nname = 'dcgan'", r"no section \[objective\]\. Sections: "),
        ("extends = 'dcgan'\nmodel = 3", r"model = 3; it is a section: \[model\]"),
        (
            "extends = 'wgan'\n[optimizer]\nname = 'adam'",
            r"optimizer\.adam\.lr: Field required; optimizer\.adam\.betas: Field required$",
        ),
    ],
)
def test_files_without_the_form_of_a_recipe(text: str, message: str, tmp_path: Path) -> None:
    flat = tmp_path / "flat.toml"
    flat.write_text(text)
    with pytest.raises(GanbenchError, match=r"flat\.toml: " + message) as caught:
        load_recipe(str(flat))
    assert len(str(caught.value)) < 200 + len(str(flat))


@pytest.mark.parametrize("variant", [*ASSIGNMENT, "stylegan2"])
def test_a_resolved_recipe_reads_back(variant: str, tmp_path: Path) -> None:
    recipe = load_recipe(variant, "cpu")
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert load_resolved(tmp_path / "recipe.toml") == recipe


def test_diff_answers_how_wgan_differs_from_gan() -> None:
    rows = {d.what: d for d in diff_recipes(load_recipe("dcgan"), load_recipe("wgan"))}
    assert "Sigmoid" in rows["answer of the discriminator"].first
    assert "no Sigmoid" in rows["answer of the discriminator"].second
    assert "log" in rows["discriminator minimises"].first
    assert "log" not in rows["discriminator minimises"].second
    assert (rows["objective.clip"].first, rows["objective.clip"].second) == ("-", "1.0")
    assert rows["optimizer.name"].second == "rmsprop"
    assert "model.width" not in rows
    assert diff_recipes(load_recipe("wgan"), load_recipe("wgan")) == []


def test_every_setting_is_explained() -> None:
    assert set(known_keys()) - set(EXPLANATIONS) == {"objective.name"}  # the formulas explain the objective
    for first in recipe_names():
        for second in recipe_names():
            diff_recipes(load_recipe(first), load_recipe(second))
