"""Recipes: the shipped ones say what the assignment says; mistakes get an answer that helps."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.models.registry import MODELS
from ganbench.training.objectives.registry import OBJECTIVES, build_objective
from ganbench.training.recipe import load_recipe, load_resolved, recipe_names
from ganbench.training.recipe_diff import diff_recipes
from ganbench.training.recipe_table import to_table
from ganbench.training.recipe_text import PRESETS
from ganbench.training.sections import RMSpropRecipe, kind_of, known_keys

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
        build_objective(paper.objective)


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
        ("gan", [], "Did you mean 'dcgan'"),
        ("GAN", [], "Did you mean 'dcgan'"),
        ("wgangp", [], "Did you mean 'wgan-gp'"),
        ("wgan_gp", [], "Did you mean 'wgan-gp'"),
        ("WGAN GP", [], "Did you mean 'wgan-gp'"),
        ("stylegan", [], "Did you mean 'stylegan2'"),
        ("pix2pix", [], "Known: dcgan, dcgan-clipnorm, "),
        ("wgan", ["optimizer.lrr=1"], "Did you mean 'optimizer.lr'"),
        ("wgan", ["lr=1"], "expected section.key=value"),
        ("wgan", ["optimizer.lr"], "expected section.key=value"),
        ("wgan", ["optimizer.lr=fast"], "optimizer.lr: .*number"),
        ("wgan", ["optimizer.lr=-1"], "greater than 0"),
        ("wgan", ["model.size=48"], "model.size"),
        ("wgan", ["optimiser.lr=1"], "--set optimiser.lr=1: unknown key 'optimiser.lr'. Did you mean 'optimizer.lr'"),
        ("dcgan", ["objective.clip=1"], r"unknown key objective\.clip of the objective bce\. Known: objective\.name\."),
        ("stylegan2", ["model.norm=batch"], "unknown key model.norm of the model stylegan2"),
        ("dcgan", ["model.mapping_layers=2"], "unknown key model.mapping_layers of the model dcgan"),
        ("dcgan", ["optimizer.name=sgd"], "unknown optimizer 'sgd'. Known: adam, rmsprop"),
        ("dcgan", ["objective.name=bcee"], "--set objective.name=bcee: unknown objective 'bcee'. Did you mean 'bce'"),
        ("dcgan", ["model.name=dcgann"], "--set model.name=dcgann: unknown model 'dcgann'. Did you mean 'dcgan'"),
        ("dcgan", ["model.name=3"], "model.name: the name of the model is wanted here, got 3"),
        ("dcgan", ["optimizer.lr=inf"], "optimizer.lr: .*finite"),
        ("dcgan", ["optimizer.lr=0", "training.batch=1"], "optimizer.lr: .*; training.batch: "),
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


def test_names_are_set_before_what_depends_on_them() -> None:
    texts = ["objective.penalty_norm=1", "objective.name=wasserstein-gp", "objective.penalty_weight=3"]
    settings = load_recipe("wgan", "paper", texts).objective
    assert (settings.name, settings.penalty_weight, settings.penalty_norm) == ("wasserstein-gp", 3, 1)


def test_a_section_that_is_renamed_starts_afresh_in_the_presets_too(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'title = "mine"\nextends = "dcgan"\n[model]\nname = "stylegan2"\nlatent = 16\n'
        "[preset.smoke.model]\nmax_width = 8\n"
    )
    cpu, smoke = (load_recipe(str(mine), preset) for preset in ("cpu", "smoke"))
    assert (cpu.model.width, cpu.model.max_width) == (32, 512)  # the model's own defaults, not the parent's 32 and 4
    assert (smoke.model.width, smoke.model.max_width) == (32, 8)
    assert (cpu.optimizer.lr, smoke.training.steps) == (2e-4, 20)  # of sections that are what they were


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
        (
            "[model]\nsize = 64\n[objective]\n[optimizer]\n[training]",
            r"model\.name: the name of the model is wanted here",
        ),
        ("[model]\nname = 'dcgan'", r"no section \[objective\]\. Sections: "),
        ("extends = 3", r"extends = 3; it names a variant or a \.toml file$"),
        ("extends = 'dcgan'\nmodel = 3", r"model = 3; it is a section: \[model\]"),
        (
            "extends = 'wgan'\n[optimizer]\nname = 'adam'",
            r"optimizer\.lr: Field required; optimizer\.betas: Field required$",
        ),
        ("extends = 'dcgan'\n[objective]\nname = 'bcee'", r"unknown objective 'bcee'\. Did you mean 'bce'\?$"),
        ("extends = 'dcgan'\n[preset.cpuu.model]\nwidth = 3", r"unknown preset 'cpuu'\. Did you mean 'cpu'\?$"),
        ("extends = 'dcgan'\n[preset]\ncpu = 3", r"preset\.cpu = 3; it has sections, such as \[preset\.cpu\.model\]$"),
        ("extends = 'dcgan'\n[preset.cpu]\nmodel = 3", r"model = 3; it is a section: \[model\]$"),
    ],
)
def test_files_without_the_form_of_a_recipe(text: str, message: str, tmp_path: Path) -> None:
    flat = tmp_path / "flat.toml"
    flat.write_text(text)
    with pytest.raises(GanbenchError, match=r"flat\.toml(, preset cpu)?: " + message) as caught:
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


@pytest.mark.parametrize("room", [60, 80, 100, 140, 200])
def test_the_long_column_of_a_diff_gets_the_width(room: int) -> None:
    for first, second in itertools.permutations(("dcgan", "wgan", "wgan-gp", "stylegan2"), 2):
        differences = diff_recipes(load_recipe(first), load_recipe(second))
        shown = io.StringIO()
        console = Console(file=shown, width=room)
        table = to_table(differences, first, second, console)
        widths = [column.width or 0 for column in table.columns]
        assert sum(widths) + 3 * 4 + 1 <= room
        if room >= 80:
            assert widths[3] == max(widths[1:])
            console.print(table)
            names = [d.what for d in differences if " " not in d.what]
            assert all(name in shown.getvalue() for name in names)  # no name is broken


def test_a_diff_is_written_and_printed_as_markdown(tmp_path: Path) -> None:
    command = ["recipes", "diff", "dcgan", "stylegan2", "--markdown"]
    printed = CliRunner().invoke(app, [*command, "-"]).output
    assert CliRunner().invoke(app, [*command, str(tmp_path / "diff.md")]).exit_code == 0
    assert (tmp_path / "diff.md").read_text("utf-8") == printed
    lines = printed.splitlines()
    assert lines[:2] == ["| setting | dcgan | stylegan2 | why it matters |", "| --- | --- | --- | --- |"]
    assert len(lines) == 2 + len(diff_recipes(load_recipe("dcgan"), load_recipe("stylegan2")))
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in lines)  # |J^T y| is escaped


def test_every_setting_is_explained() -> None:
    for model in MODELS:
        for objective in OBJECTIVES:
            for optimizer in ("adam", "rmsprop"):
                named = {"model": {"name": model}, "objective": {"name": objective}, "optimizer": {"name": optimizer}}
                for key in known_keys(named):
                    section, _, setting = key.partition(".")
                    kind = kind_of(section, named.get(section, {}).get("name"))
                    assert kind.model_fields[setting].description, key
    for first in recipe_names():
        for second in recipe_names():
            assert all(row.why for row in diff_recipes(load_recipe(first), load_recipe(second)))
