"""Whole runs: killed and resumed, made longer, shared by two processes, scored while they go on."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from training_processes import SMALL, noise_images, one_of_several, run, run_as_one_of_two
from waiting import wait_for_end

from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.training import loop
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.start import train

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

KILLS = int(os.environ.get("GANBENCH_KILLS", "1"))  # per variant; 5 makes the twenty of the documentation


def _recipe(variant: str, steps: int, *overrides: str) -> Recipe:
    return load_recipe(variant, "smoke", [*SMALL, f"training.steps={steps}", *overrides])


def _source() -> ArraySource:
    return ArraySource.of("noise", noise_images(), value_range=None, resize=None)


def _same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "overrides"),
    [
        ("dcgan-clipnorm", ["training.average=0.9", "data.flip=true"]),
        ("wgan", []),
        ("wgan-gp", ["training.precision=bf16"]),
        ("stylegan2", ["training.batch=8"]),
    ],
)
def test_killed_runs_resume_to_the_same_bits(
    variant: str,
    overrides: list[str],
    tmp_path: Path,
    ganbench_home: Path,
    forkserver: ForkServerContext,
    rng: np.random.Generator,
) -> None:
    steps = 30
    arguments = (str(ganbench_home), variant, steps, overrides)
    whole = forkserver.Process(target=run, args=(tmp_path / "whole", *arguments))
    whole.start()
    wait_for_end(whole)
    killed = loop.RunFolder(tmp_path / "killed")
    for target in sorted(rng.integers(0, steps - 15, KILLS)):
        child = forkserver.Process(target=run, args=(killed.path, *arguments))
        child.start()
        # By what it has logged, not by the clock: the second of two equal runs may take twice as long. A run that
        # stands behind the target already is killed while it starts.
        while len(killed.read_metrics()) < target and child.exitcode is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.03))  # into a step, a sheet, or a save, which follows each step
        os.kill(child.pid, signal.SIGKILL)
        wait_for_end(child)
        assert child.exitcode == -signal.SIGKILL
        if killed.checkpoint.exists():
            load_checkpoint(killed.checkpoint)  # never unreadable
    child = forkserver.Process(target=run, args=(tmp_path / "killed", *arguments))
    child.start()
    wait_for_end(child)
    assert child.exitcode == whole.exitcode == 0
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("whole", "killed"))
    assert a["step"] == b["step"] == steps
    assert _same(a, b)
    logs = [_without_timing(tmp_path / name) for name in ("whole", "killed")]
    assert logs[0] == logs[1]
    assert [line["step"] for line in logs[0]] == list(range(1, steps + 1))
    sheets = [sorted((tmp_path / name / "samples").iterdir()) for name in ("whole", "killed")]
    assert [p.name for p in sheets[0]] == [p.name for p in sheets[1]]
    assert all(p.read_bytes() == q.read_bytes() for p, q in zip(*sheets, strict=True))
    assert not list((tmp_path / "killed").rglob("*.tmp"))


def _without_timing(folder: Path) -> list[dict[str, float]]:
    lines = loop.RunFolder(folder).read_metrics()
    return [{key: value for key, value in line.items() if key != "images_per_second"} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "overrides"),
    [
        ("dcgan", ["training.average=0.9", "data.flip=true"]),
        ("wgan", ["training.n_critic=2"]),
        ("wgan-gp", []),
        ("stylegan2", ["objective.r1_every=2", "objective.path_every=2"]),
    ],
)
def test_two_processes_train_as_one_with_the_doubled_batch(
    variant: str, overrides: list[str], tmp_path: Path, forkserver: ForkServerContext
) -> None:
    port = _free_port()
    overrides = [*overrides, "training.batch=16"]
    runs = [(0, 1, port, variant, overrides, tmp_path / "one.pt")]
    runs += [(rank, 2, port, variant, overrides, tmp_path / "two.pt") for rank in range(2)]
    children = [forkserver.Process(target=one_of_several, args=arguments) for arguments in runs]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=120)
        assert child.exitcode == 0
    one, two = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("one", "two"))
    for a, b in zip(one["losses"], two["losses"], strict=True):
        assert a.keys() == b.keys()
        assert b == pytest.approx(a, rel=2e-3, abs=2e-4)
    # Rounding differs in its order; Adam's first steps are nearly signs, so that it can turn a few tiny gradients.
    changed = total = 0
    for name, value in one["generator"].items():
        changed += int((~torch.isclose(value, two["generator"][name], rtol=1e-2, atol=2e-4)).sum())
        total += value.numel()
    assert changed < 0.01 * total


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.slow
def test_two_processes_stop_together_and_resume_to_the_same_bits(
    tmp_path: Path, ganbench_home: Path, forkserver: ForkServerContext
) -> None:
    def together(name: str, signal_at: int | None) -> list[int | None]:
        port = _free_port()
        children = [
            forkserver.Process(
                target=run_as_one_of_two, args=(rank, port, tmp_path / name, str(ganbench_home), signal_at)
            )
            for rank in range(2)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(timeout=300)
        return [child.exitcode for child in children]

    assert together("whole", None) == [0, 0]
    assert together("stopped", 3) == [130, 130]
    assert load_checkpoint(tmp_path / "stopped" / "checkpoint.pt")["step"] == 6  # the vote after the signal
    assert together("stopped", None) == [0, 0]
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("whole", "stopped"))
    assert a["step"] == 9
    assert _same(a, b)
    logs = [_without_timing(tmp_path / name) for name in ("whole", "stopped")]
    assert logs[0] == logs[1]
    assert [line["step"] for line in logs[0]] == [3, 5, 6, 9]  # once, by the first process
    assert sorted(path.name for path in (tmp_path / "stopped" / "samples").iterdir()) == [
        "0000004.png",
        "0000008.png",
        "0000009.png",
    ]


@pytest.mark.slow
def test_more_steps_on_resume_equal_one_long_run(tmp_path: Path) -> None:
    options = LoopOptions(log_every=1, sheet_every=None)
    train(_recipe("dcgan", 6), _source(), tmp_path / "long", options=options)
    train(_recipe("dcgan", 3), _source(), tmp_path / "short", options=options)
    with pytest.raises(GanbenchError, match="holds a run already"):
        train(_recipe("dcgan", 6), _source(), tmp_path / "short", options=options)
    train(_recipe("dcgan", 6), _source(), tmp_path / "short", options=options, resume=True)
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("long", "short"))
    assert _same(a, b)


@pytest.mark.slow
def test_resume_refuses_other_settings_and_other_images(tmp_path: Path) -> None:
    train(_recipe("dcgan", 2), _source(), tmp_path, options=LoopOptions(sheet_every=None))
    with pytest.raises(GanbenchError, match=r"optimizer\.lr was 0\.0001, now 0\.5"):
        train(_recipe("dcgan", 2, "optimizer.lr=0.5"), _source(), tmp_path, resume=True)
    other = ArraySource.of("other", noise_images()[::-1].copy(), value_range=None, resize=None)
    with pytest.raises(GanbenchError, match="other images"):
        train(_recipe("dcgan", 4), other, tmp_path, resume=True)


@pytest.mark.slow
def test_score_every_writes_the_scorecard_into_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SCORED", 30)
    recipe = load_recipe("dcgan", "smoke", ["training.steps=2", "training.batch=8"])
    images = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    source = ArraySource.of("noise", images, value_range=None, resize=None)
    train(recipe, source, tmp_path, options=LoopOptions(sheet_every=None, score_every=2))
    line = loop.RunFolder(tmp_path).read_metrics()[-1]
    assert line["step"] == 2
    assert line["fd[lite0]"] > 100
    assert 0 <= line["recall[lite0]"] <= 1
