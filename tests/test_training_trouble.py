"""What goes wrong while a run goes on: signals, a full disk, NaN, leftovers of a kill, wrong or unreadable images."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from training_processes import SMALL, noise_images

from ganbench.errors import GanbenchError, SourceError
from ganbench.images.arrays import ArraySource
from ganbench.images.sources import open_source
from ganbench.training import loop
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.data import decode_source
from ganbench.training.health import Diverged
from ganbench.training.hold import FolderHold
from ganbench.training.loop import Stopped
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train
from ganbench.training.trainer import Observer

EVERY_STEP = LoopOptions(log_every=1, sheet_every=None, save_every=1)


def _recipe(variant: str, steps: int, *overrides: str) -> Recipe:
    return load_recipe(variant, "smoke", [*SMALL, f"training.steps={steps}", *overrides])


def _source() -> ArraySource:
    return ArraySource.of("noise", noise_images(), value_range=None, resize=None)


def _at(when: int, action) -> Observer:
    """Return an observer that acts in the middle of one step."""
    return lambda step, real, fake: action() if step == when else None


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_save_and_stop(number: int, tmp_path: Path) -> None:
    rare = LoopOptions(sheet_every=None, save_every=10**9)
    before = signal.getsignal(number)  # a shell may have started the tests with SIGINT ignored
    with pytest.raises(Stopped, match="stopped at step 4 of 100000 and saved"):
        train(
            _recipe("dcgan", 100_000), _source(), tmp_path, options=rare,
            observers=[_at(3, lambda: os.kill(os.getpid(), number))],
        )  # fmt: skip
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 4
    assert signal.getsignal(number) == before
    train(_recipe("dcgan", 5), _source(), tmp_path, resume=True, options=rare)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 5


@pytest.mark.slow
def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(_recipe("dcgan", 9), _source(), tmp_path, options=EVERY_STEP, observers=[_at(3, twice)])
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 3


@pytest.mark.slow
def test_a_full_disk_keeps_the_old_checkpoint_and_the_run_goes_on(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told: list[str] = []
    steps_on_disk = []

    def look() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        steps_on_disk.append(load_checkpoint(tmp_path / "checkpoint.pt")["step"])

    fill = _at(1, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1])))
    try:
        train(
            _recipe("dcgan", 4), _source(), tmp_path, options=EVERY_STEP, warn=told.append,
            observers=[fill, _at(2, look)],
        )  # fmt: skip
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(told) == 1
    assert told[0].startswith(f"step 2: cannot write {tmp_path / 'checkpoint.pt'}: File too large")
    assert steps_on_disk == [1]
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 4
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_the_last_checkpoint_must_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: dict) -> None:
        raise GanbenchError(f"cannot write {path}: No space left on device.")

    monkeypatch.setattr(loop, "save_checkpoint", full)
    told: list[str] = []
    with pytest.raises(GanbenchError, match="No space left"):
        train(_recipe("dcgan", 4), _source(), tmp_path, options=LoopOptions(save_every=2), warn=told.append)
    assert [text.partition(":")[0] for text in told] == ["step 2"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is a thing of Linux")
def test_metrics_that_cannot_be_written_cost_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunFolder, "metrics", Path("/dev/full"))
    told: list[str] = []
    train(_recipe("dcgan", 2), _source(), tmp_path, options=EVERY_STEP, warn=told.append)
    assert told == [f"step {step}: metrics.jsonl could not be written: No space left on device" for step in (1, 2)]
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 2


def test_lines_that_were_cut_short_do_not_hide_the_others(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.metrics.write_text('{"step": 1}\n{"step": 2, "gen{"step": 3}\n{"step": 4}\n{"st')
    assert [line["step"] for line in run.read_metrics()] == [1, 4]


@pytest.mark.slow
def test_a_diverged_loss_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="step 3: discriminator_loss, .*is not finite"):
        train(_recipe("wgan", 9, "optimizer.lr=1e30"), _source(), tmp_path, options=EVERY_STEP)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 2


@pytest.mark.slow
def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of the step that breaks the weights is still that of the good ones."""

    class Poisoned(loop.Loop):
        def train(self) -> None:
            weight = next(self.trainer.discriminator.parameters())
            self.trainer.observers.append(_at(2, lambda: weight.grad.fill_(torch.nan)))
            super().train()

    monkeypatch.setattr("ganbench.training.start.Loop", Poisoned)
    with pytest.raises(Diverged, match="step 3: a weight of the discriminator is not finite"):
        train(_recipe("wgan", 9), _source(), tmp_path, options=EVERY_STEP)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 2


@pytest.mark.slow
def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    train(_recipe("dcgan", 2), _source(), tmp_path, options=LoopOptions(sheet_every=1))
    # Written by a process that is gone.
    code = "import sys; from pathlib import Path; from ganbench.system.leftovers import temporary_path as t\n"
    code += "for name in sys.argv[1:]: path = t(Path(name)); path.write_bytes(b'half'); print(path)"
    names = [str(tmp_path / "checkpoint.pt"), str(tmp_path / "samples" / "0000001.png")]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    leftovers = [Path(line) for line in done.stdout.splitlines()]
    assert len(leftovers) == 2
    assert all(path.exists() for path in leftovers)
    train(_recipe("dcgan", 3), _source(), tmp_path, resume=True)
    assert not any(path.exists() for path in leftovers)
    assert (tmp_path / "samples" / "0000001.png").is_file()


@pytest.mark.slow
def test_a_run_that_was_killed_before_its_first_checkpoint_logs_afresh(tmp_path: Path) -> None:
    train(_recipe("dcgan", 3), _source(), tmp_path, options=EVERY_STEP)
    (tmp_path / "checkpoint.pt").unlink()
    train(_recipe("dcgan", 3), _source(), tmp_path, options=EVERY_STEP, resume=True)
    assert [line["step"] for line in RunFolder(tmp_path).read_metrics()] == [1, 2, 3]


def test_resume_says_when_the_bits_will_differ_and_refuses_fewer_steps(tmp_path: Path) -> None:
    train(_recipe("dcgan", 2), _source(), tmp_path, options=EVERY_STEP)
    with pytest.raises(GanbenchError, match="has 2 steps done, more than the 1 asked for"):
        train(_recipe("dcgan", 1), _source(), tmp_path, resume=True)
    state = load_checkpoint(tmp_path / "checkpoint.pt")
    torch.save(state | {"threads": 77}, tmp_path / "checkpoint.pt")
    told: list[str] = []
    train(_recipe("dcgan", 3), _source(), tmp_path, resume=True, options=EVERY_STEP, warn=told.append)
    assert len(told) == 1
    assert "set OMP_NUM_THREADS=77" in told[0]


@pytest.mark.slow
def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    hold = FolderHold.take(RunFolder(tmp_path))
    with pytest.raises(GanbenchError, match="another process"):
        train(_recipe("dcgan", 2), _source(), tmp_path)
    hold.release()
    train(_recipe("dcgan", 2), _source(), tmp_path, options=LoopOptions(sheet_every=None))


def test_wrong_sizes_and_too_few_images(tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="images are 32x32, the recipe trains on 64x64"):
        train(load_recipe("dcgan", "smoke"), _source(), tmp_path / "a")
    few = ArraySource.of("few", noise_images()[:5], value_range=None, resize=None)
    with pytest.raises(GanbenchError, match="5 training images do not fill a batch of 8"):
        train(_recipe("dcgan", 2), few, tmp_path / "b")


@pytest.mark.slow
def test_unreadable_images_are_left_out_on_request_and_named(image_folder: Path, tmp_path: Path) -> None:
    (image_folder / "5.jpg").write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(SourceError, match="1 of 12 images cannot be read"):
        decode_source(open_source(image_folder))
    source = open_source(image_folder, skip_bad=1)
    pixels = decode_source(source)
    assert np.array_equal(pixels, np.stack([source.load(i) for i in range(12) if i != 4]))
    told: list[str] = []
    recipe = load_recipe("dcgan", "smoke", ["training.batch=11", "training.epochs=2"])
    train(recipe, source, tmp_path / "run", options=EVERY_STEP, warn=told.append)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 2
    assert told == ["1 of 12 images could not be read and are left out; 5.jpg: " + source.bad[0].why]


def test_tf32_on_the_cpu_is_said_to_be_float32(tmp_path: Path) -> None:
    told: list[str] = []
    train(_recipe("dcgan", 1, "training.precision=tf32"), _source(), tmp_path / "tf32", warn=told.append)
    assert told == ["TF32 is arithmetic of NVIDIA GPUs; on the CPU this run is float32"]
    assert torch.backends.cuda.matmul.allow_tf32
    train(_recipe("dcgan", 1), _source(), tmp_path / "fp32", warn=told.append)
    assert len(told) == 1
    assert not torch.backends.cuda.matmul.allow_tf32
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt")["generator"] for name in ("tf32", "fp32"))
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
def test_a_score_that_breaks_costs_a_warning_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise FileNotFoundError("card.json")

    monkeypatch.setattr(loop, "score_source", broken)
    told: list[str] = []
    options = LoopOptions(log_every=1, sheet_every=None, score_every=2)
    train(_recipe("dcgan", 3), _source(), tmp_path, options=options, warn=told.append)
    assert told == [
        "step 2: not scored: FileNotFoundError: card.json",
        "step 3: not scored: FileNotFoundError: card.json",
    ]
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 3


def test_checkpoints_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(GanbenchError, match="no checkpoint there"):
        load_checkpoint(path)
    path.write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(GanbenchError, match="not a readable checkpoint"):
        load_checkpoint(path)
    torch.save({"format": 99}, path)
    with pytest.raises(GanbenchError, match="format 1"):
        load_checkpoint(path)
