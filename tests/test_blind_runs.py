"""The runs of benchmarks/doctor.py: what breaks a training, what was seen of it when, and how that is counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from ailments.base import HEALTHY, Run
from ailments.catalogue import AILMENTS, BY_NAME, VARIANTS, all_runs, settings_of
from ailments.cuts import cut
from ailments.kinds import ACCEPTED
from ailments.tally import alarms, false_alarms, passed, rate, tally

from ganbench.training.recipe import load_recipe

TINY = ["model.width=4", "training.steps=2"]


def test_half_of_the_runs_are_healthy_and_the_recipes_exist() -> None:
    runs = all_runs(3)
    assert len({run.key for run in runs}) == len(runs) == 60
    healthy = [run for run in runs if run.ailment == HEALTHY]
    assert [sum(run.variant == variant for run in healthy) for variant in VARIANTS] == [6] * 5
    assert {ailment.name for ailment in AILMENTS} == set(ACCEPTED)
    for run in runs:
        assert load_recipe(run.variant, "cpu", settings_of(run)).training.batch == 16


@pytest.mark.slow
@pytest.mark.parametrize("name", [ailment.name for ailment in AILMENTS if ailment.patch])
def test_a_patch_breaks_one_thing_and_is_gone_after_its_block(name: str) -> None:
    import torch

    from ganbench.training.loop import Trainer

    ailment = BY_NAME[name]
    run = Run(name, ailment.variants[0], 0)
    recipe = load_recipe(run.variant, "cpu", [*settings_of(run), *TINY])
    pixels = torch.randint(0, 256, (16, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def stepped() -> Trainer:
        trainer = Trainer(recipe, torch.device("cpu"))
        trainer.train_step(pixels)
        return trainer

    def weights(trainer: Trainer) -> list[torch.Tensor]:
        return [
            p.detach().clone() for network in (trainer.generator, trainer.discriminator) for p in network.parameters()
        ]

    before = weights(stepped())
    assert ailment.patch is not None
    with ailment.patch(recipe):
        broken = weights(stepped())
    after = weights(stepped())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert len(broken) != len(before) or not all(torch.equal(a, b) for a, b in zip(before, broken, strict=True))


def test_a_frozen_generator_does_not_move() -> None:
    import torch

    from ganbench.training.loop import Trainer

    recipe = load_recipe("dcgan", "cpu", [*settings_of(Run("frozen", "dcgan", 0)), *TINY])
    pixels = torch.zeros((16, 32, 32, 3), dtype=torch.uint8)
    ailment = BY_NAME["frozen"]
    assert ailment.patch is not None
    with ailment.patch(recipe):
        trainer = Trainer(recipe, torch.device("cpu"))
        before = [p.detach().clone() for p in trainer.generator.parameters()]
        trainer.train_step(pixels)
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.generator.parameters(), strict=True))


def test_a_cut_knows_nothing_of_what_came_later(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "samples").mkdir(parents=True)
    for name in ("recipe.toml", "environment.json", "checkpoint.pt"):
        (run / name).write_text("{}")
    lines = [json.dumps({"step": step, "discriminator_loss": 1.0}) for step in (10, 20, 30)]
    (run / "metrics.jsonl").write_text("\n".join([*lines, '{"step": 4']))
    (run / "gradnorm.csv").write_text("step,norm\n10,1.0\n30,2.0\n")
    for step in (10, 30):
        (run / "samples" / f"{step:07d}.png").write_bytes(b"")
    seen = cut(run, tmp_path / "cut", 20)
    assert [json.loads(line)["step"] for line in (seen / "metrics.jsonl").read_text().splitlines()] == [10, 20]
    assert (seen / "gradnorm.csv").read_text().split() == ["step,norm", "10,1.0"]
    assert [path.name for path in (seen / "samples").iterdir()] == ["0000010.png"]
    assert not (seen / "checkpoint.pt").exists()


def test_the_count() -> None:
    runs = [Run("sign", "dcgan", 0), Run("sign", "wgan-gp", 1), Run(HEALTHY, "wgan", 0)]
    right = next(iter(ACCEPTED["sign"]))
    looks: list[list[dict[str, Any]]] = [
        [{"step": 50, "kinds": ["other"]}, {"step": 100, "kinds": [right, "other"]}, {"step": 120, "kinds": [right]}],
        [{"step": 50, "kinds": ["other"]}],
        [{"step": 50, "kinds": []}, {"step": 1000, "kinds": ["other"]}],
    ]
    judged = {run.key: {"looks": one} for run, one in zip(runs, looks, strict=True)}
    assert alarms(looks[0]) == {"other": 50, right: 100}
    sign, healthy = tally(runs, judged, ACCEPTED)
    assert (sign.found, sign.told, sign.runs, sign.steps) == (1, 2, 2, [100])
    assert healthy.told == 1
    false = false_alarms(runs, {run.key: {"steps": 1000} for run in runs}, judged)
    assert false == (1, 1000)
    assert rate(false) == 10
    assert not passed([sign, healthy], false)
    sign.found = 2
    assert passed([sign, healthy], (0, 1000))
