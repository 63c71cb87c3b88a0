"""A training that looks after itself: vitals, held-out images, trouble, the way back, and the end of improvement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_processes import SMALL, noise_images

from ganbench.doctor.ours import read_run
from ganbench.doctor.watch import Doctor
from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.data import TrainingImages, held_out_of
from ganbench.training.health import Diverged
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train
from ganbench.training.watch import Sign, Troubled


def _recipe(variant: str, steps: int, *overrides: str) -> Recipe:
    return load_recipe(variant, "smoke", [*SMALL, f"training.steps={steps}", *overrides])


def _source() -> ArraySource:
    return ArraySource.of("noise", noise_images(), value_range=None, resize=None)


class Told:
    """A watch that says something at one step, as long as the learning rate is the first one."""

    def __init__(self, at: int, since: int) -> None:
        self.at, self.since = at, since
        self.times = 0

    def signs(self, run: RunFolder) -> list[Sign]:
        """Return the sign, from its step on."""
        last = run.read_metrics()[-1]["step"]
        if last < self.at or self.times > 1:
            return []
        self.times += 1
        return [Sign("made up", self.since, self.at, "made up: something is wrong", True)]

    def enough(self, run: RunFolder) -> str | None:
        """Never."""
        return None


def _options(watch: object = None, on_trouble: str = "warn", **other: object) -> LoopOptions:
    given = {"log_every": 1, "save_every": 2, "sheet_every": None} | other
    return LoopOptions(watch=watch, on_trouble=on_trouble, **given)  # type: ignore[arg-type] # of literal texts


def test_held_out_images_are_never_trained_on() -> None:
    images = TrainingImages(noise_images(41, 4), "", batch=4, seed=0, held_out=5)
    seen = {int(i) for step in range(27) for i in images.indices(step)}
    assert seen == set(range(41)) - set(images.held_out.tolist())
    assert len(images.held_out) == 5
    assert images.steps_per_epoch == 9
    assert len(TrainingImages(noise_images(5, 4), "", batch=4, seed=0, held_out=5).held_out) == 1
    assert [held_out_of(count) for count in (7, 64, 20_000)] == [0, 8, 64]


def test_vitals_are_recorded_and_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(_recipe("wgan-gp", 4), _source(), tmp_path / "a", options=_options(held_out=8))
    found = read_run(tmp_path / "a")
    assert found.get("held_out_score").steps.tolist() == [1, 2, 3, 4]
    assert found.get("gain").steps.tolist() == [2, 4]  # n_critic is 2
    assert set(found.layers["generator"]["step"]) == {2, 4}
    assert (found.layers["discriminator"]["update"] > 0).all()
    assert not found.layers["discriminator"]["silent"].any()
    monkeypatch.setattr("ganbench.training.vitals.Vitals.begin", lambda self: None)
    train(_recipe("wgan-gp", 4), _source(), tmp_path / "b", options=_options(held_out=8))
    assert not (tmp_path / "b" / "vitals.jsonl").exists()
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in "ab")
    assert all(torch.equal(a["generator"][k], b["generator"][k]) for k in a["generator"])
    assert torch.equal(a["stream"], b["stream"])


def test_what_a_run_holds_out_it_keeps_to(tmp_path: Path) -> None:
    train(_recipe("dcgan", 2), _source(), tmp_path, options=_options(held_out=3))
    assert load_checkpoint(tmp_path / "checkpoint.pt")["held_out"] == 3
    with pytest.raises(GanbenchError, match="the run holds out 3 images"):
        train(_recipe("dcgan", 4), _source(), tmp_path, options=_options(held_out=4), resume=True)
    train(_recipe("dcgan", 4), _source(), tmp_path, options=_options(), resume=True)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["held_out"] == 3


def test_trouble_is_told_or_stops_the_run(tmp_path: Path) -> None:
    said: list[str] = []
    warning = {"step": 10, "warning": "made up: something is wrong"}
    train(_recipe("dcgan", 10), _source(), tmp_path / "a", options=_options(Told(10, 7)), warn=said.append)
    assert said == ["step 10: made up: something is wrong"]
    assert warning in RunFolder(tmp_path / "a").read_metrics()
    with pytest.raises(Troubled, match="step 10: stopped and saved: made up"):
        train(_recipe("dcgan", 20), _source(), tmp_path / "b", options=_options(Told(10, 7), "stop"))
    assert load_checkpoint(tmp_path / "b" / "checkpoint.pt")["step"] == 10
    assert warning in RunFolder(tmp_path / "b").read_metrics()


@pytest.mark.slow
def test_a_run_goes_back_to_before_the_trouble_with_half_the_rate(tmp_path: Path) -> None:
    said: list[str] = []
    options = _options(Told(60, 57), "rollback")
    train(_recipe("dcgan", 64, "optimizer.lr=1e-3"), _source(), tmp_path, options=options, warn=said.append)
    # The checkpoint, of step 58, is from after the trouble began; the state that is kept besides is older.
    assert [text.partition("Went back")[2] for text in said if "Went back" in text] == [
        " to step 52, with half the learning rate: 0.0005", " to step 52, with half the learning rate: 0.00025",
    ]  # fmt: skip
    state = load_checkpoint(tmp_path / "checkpoint.pt")
    assert state["step"] == 64
    assert state["rollbacks"] == 2
    assert {group["lr"] for group in state["generator_optimizer"]["param_groups"]} == {2.5e-4}
    steps = [line["step"] for line in RunFolder(tmp_path).read_metrics() if "warning" not in line]
    assert steps == list(range(1, 65))
    assert [line["step"] for line in RunFolder(tmp_path).read_vitals()] == list(range(1, 65))


@pytest.mark.slow
def test_going_back_has_an_end(tmp_path: Path) -> None:
    recipe = _recipe("wgan", 12, "optimizer.lr=1e30")
    with pytest.raises(Diverged):
        train(recipe, _source(), tmp_path / "a", options=_options())
    last = RunFolder(tmp_path / "a").read_metrics()[-1]
    assert "not finite" in str(last["warning"])
    with pytest.raises(Troubled, match="Going back 6 times"):
        train(recipe, _source(), tmp_path / "b", options=_options(Doctor(), "rollback"))


@pytest.mark.slow
def test_a_rolled_back_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    def go(folder: str, steps: int, watch: Told) -> None:
        options = _options(watch, "rollback")
        train(_recipe("dcgan", steps), _source(), tmp_path / folder, options=options, resume=True)

    go("whole", 20, Told(10, 7))
    go("broken", 13, Told(10, 7))
    go("broken", 20, Told(99, 99))
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("whole", "broken"))
    assert a["rollbacks"] == b["rollbacks"] == 2
    assert all(torch.equal(a["generator"][k], b["generator"][k]) for k in a["generator"])


def test_a_run_stops_when_its_score_stands_still(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    train(_recipe("dcgan", 2), _source(), run.path, options=_options())
    doctor = Doctor(("fd[lite0]", "lower"), 3)
    for look, value in enumerate([300.0, 100.0, 99.0, 101.0, 100.0]):
        assert doctor.enough(run) is None
        run.log_vitals({"step": 10 * (look + 1), "scores": {"fd[lite0]": [value, value - 5, value + 5]}})
    assert "fd[lite0] has not improved beyond its interval at the last 3 looks; at step 20" in str(doctor.enough(run))


def test_a_run_that_has_reached_enough_ends_like_any(tmp_path: Path) -> None:
    class Enough(Told):
        def enough(self, run: RunFolder) -> str | None:
            return "stopped: enough"

    said: list[str] = []
    train(_recipe("dcgan", 30), _source(), tmp_path, options=_options(Enough(99, 99)), warn=said.append)
    assert said == ["step 10: stopped: enough"]
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 10


def test_a_frozen_generator_is_found_while_it_trains(tmp_path: Path) -> None:
    def freeze(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        del step, real, fake
        for group in held.generator_optimizer.param_groups:
            group["lr"] = 0.0

    from ganbench.training import start

    class Seen(start.Trainer):
        def __init__(self, *given: object) -> None:
            nonlocal held
            super().__init__(*given)  # type: ignore[arg-type] # passed on as they come
            held = self

    held: start.Trainer
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "Trainer", Seen)
        train(
            _recipe("dcgan", 10), _source(), tmp_path, options=_options(Doctor()), observers=[freeze], warn=said.append
        )
    (only,) = said
    assert "generator frozen" in only
    assert np.isfinite(read_run(tmp_path).get("gain").values).all()
