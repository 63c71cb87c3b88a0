"""Runs in an object store: they are those of a folder, wherever the store or the process breaks off."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import torch
from training_processes import noise_images
from typer.testing import CliRunner
from waiting import wait_for

from ganbench.cli.app import app
from ganbench.errors import CannotWrite, GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.system import remote
from ganbench.system.lease import Claims
from ganbench.training import mirror, stored
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.hold import Held, Lost
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train
from ganbench.training.stored import Sight, copy_of, take

pytestmark = pytest.mark.slow

EVERY_STEP = LoopOptions(log_every=1, sheet_every=2, save_every=1)


def _train(place: Path | str, steps: int, **more: object) -> RunFolder:
    recipe = load_recipe("dcgan", "smoke", ["model.size=32", "training.batch=8", f"training.steps={steps}"])
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    return train(recipe, source, place, device="cpu", resume=True, options=EVERY_STEP, **more)


@pytest.fixture
def place(s3) -> str:
    """Return a URL in the bucket of the test."""
    return f"{s3.url}/runs/a"


def _same(a: Path, b: Path) -> None:
    one, two = load_checkpoint(a / "checkpoint.pt"), load_checkpoint(b / "checkpoint.pt")
    assert one["step"] == two["step"]
    for name in ("generator", "discriminator", "average"):
        assert (one[name] is None) == (two[name] is None)
        for key in one[name] or {}:
            assert torch.equal(one[name][key], two[name][key])
    assert torch.equal(one["stream"], two["stream"])

    def log(folder: Path) -> list[dict]:
        return [
            {k: v for k, v in line.items() if k != "images_per_second"} for line in RunFolder(folder).read_metrics()
        ]

    assert log(a) == log(b)
    sheets = {path.name: path.read_bytes() for path in (a / "samples").iterdir()}
    assert sheets == {path.name: path.read_bytes() for path in (b / "samples").iterdir()}


def test_a_run_in_a_store_is_the_run_of_a_folder(s3, place: str, tmp_path: Path) -> None:
    for steps in (3, 6):
        _train(tmp_path / "here", steps)
    _train(place, 3)
    shutil.rmtree(copy_of(place))  # another machine goes on
    assert "runs/a/step.json" in s3.names()
    finished = _train(place, 6)
    assert finished.path == copy_of(place)
    _same(tmp_path / "here", s3.download("runs/a", tmp_path / "there"))
    assert b'"step": 6' in s3.get("runs/a/step.json")
    assert [key for key in s3.names() if ".tmp" in key or ".seen" in key] == []
    with pytest.raises(GanbenchError, match="a resumed run keeps its settings"):
        recipe = load_recipe("dcgan", "smoke", ["model.size=32", "training.batch=4", "training.steps=6"])
        source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
        train(recipe, source, place, device="cpu", resume=True)


def test_wherever_a_push_breaks_off_the_next_one_comes_to_the_same_bits(
    s3, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after any number of objects; another machine goes on from what arrived."""
    _train(tmp_path / "here", 6)
    real, count, broken = remote.put_file, [0], []
    for objects in (1, 2, 4, 5, 8, 11):
        count[0] = 0

        def put(local: Path, url: str, last: int = objects) -> None:
            count[0] += 1
            if count[0] > last:
                raise CannotWrite(f"cannot write {url}: the machine is gone.")
            real(local, url)

        monkeypatch.setattr(mirror, "put_file", put)
        said: list[str] = []
        try:
            _train(place, 6)
        except CannotWrite as e:
            said.append(str(e))
        if said:
            broken.append(objects)
            assert re.search("is kept in .* on .*; the same command on this machine goes on from it", said[0])
        assert copy_of(place).is_dir()
        shutil.rmtree(copy_of(place))
    assert broken[:4] == [1, 2, 4, 5]  # how many there are in all depends on how fast the store is
    monkeypatch.setattr(mirror, "put_file", real)
    _train(place, 6)
    _same(tmp_path / "here", s3.download("runs/a", tmp_path / "there"))


def test_what_a_store_did_not_take_is_kept_and_goes_on_from_there(
    s3, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _train(place, 2)
    real = remote.put_file

    def refuse(local: Path, url: str) -> None:
        raise CannotWrite(f"cannot write {url}: no permission.")

    monkeypatch.setattr(mirror, "put_file", refuse)
    told: list[str] = []
    with pytest.raises(CannotWrite, match="no permission"):
        _train(place, 4, warn=told.append)
    assert any("It is kept on this machine until the store takes it" in text for text in told)
    assert b'"step": 2' in s3.get("runs/a/step.json")
    monkeypatch.setattr(mirror, "put_file", real)
    steps: list[int] = []
    _train(place, 6, observers=[lambda step, real, fake: steps.append(step)])
    assert steps == [4, 5]  # of what was trained while the store was away, nothing is done again
    _train(tmp_path / "here", 6)
    _same(tmp_path / "here", s3.download("runs/a", tmp_path / "there"))


def test_a_copy_from_which_the_store_has_moved_on_is_not_believed(s3, place: str, tmp_path: Path) -> None:
    _train(place, 2)
    old = tmp_path / "old"
    shutil.copytree(copy_of(place), old)
    _train(place, 4)
    shutil.rmtree(copy_of(place))
    shutil.copytree(old, copy_of(place))
    steps: list[int] = []
    _train(place, 5, observers=[lambda step, real, fake: steps.append(step)])
    assert steps == [4]


def test_a_run_whose_lease_was_taken_writes_nothing_more(
    s3, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A process that was stopped for long wakes up: another one has gone on in the meantime."""
    claims = Claims(place)

    def steal(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        if step == 2:
            hold = [t for t in threading.enumerate() if t.name == "ganbench store"]
            assert hold
            # What is on its way arrives whoever holds the run: steal it when nothing is.
            wait_for(lambda: "runs/a/step.json" in s3.names() and b'"step": 2' in s3.get("runs/a/step.json"))
            claims.create(2, "other-0 elsewhere-1-1 the other one\n")
            s3.put("runs/a/checkpoint.pt", b"the other's")

    with pytest.raises(Lost, match="taken over by the other one"):
        _train(place, 200, observers=[steal])
    assert s3.get("runs/a/checkpoint.pt") == b"the other's"
    assert not Sight(place).is_free()


def test_a_second_process_is_kept_out_of_a_store(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = take(place, lambda text: None)
    with pytest.raises(Held):
        take(place, lambda text: None)
    monkeypatch.setattr(stored, "copy_of", lambda url: copy_of(url + "another machine"))
    with pytest.raises(Held, match="process .* on "):
        take(place, lambda text: None)
    hold.release()
    take(place, lambda text: None, keep=False).release()


def test_a_slow_store_does_not_hold_the_training_up(
    s3, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one state is brought, at most one waits, and the training goes on; the last one arrives."""
    real, gate, pushed = remote.put_file, threading.Event(), []

    def slow(local: Path, url: str) -> None:
        assert gate.wait(120)
        if url.endswith("checkpoint.pt"):
            pushed.append(load_checkpoint(local)["step"])
        real(local, url)

    def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        if step == 7:  # eight saves were asked for, and none has arrived
            waiting = [path for path in copy_of(place).iterdir() if path.name.startswith("..push.")]
            assert len(waiting) <= 2
            gate.set()

    monkeypatch.setattr(mirror, "put_file", slow)
    _train(place, 8, observers=[observe])
    assert pushed[-1] == 8
    assert len(pushed) <= 4
    assert b'"step": 8' in s3.get("runs/a/step.json")


@pytest.mark.slow
def test_the_command_trains_into_a_store(
    s3, warm: list[str], place: str, image_folder: Path, ganbench_home: Path
) -> None:
    words = [
        "train", "--variant", "dcgan", "--preset", "smoke", "--steps", "3", "--data", image_folder, "--resize", "32",
        "--set", "training.batch=8", "--set", "model.size=32", "--run", place, "--quiet",
    ]  # fmt: skip
    done = subprocess.run([*warm, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"trained {place}" in done.stdout
    assert b'"step": 3' in s3.get("runs/a/step.json")
    again = CliRunner().invoke(app, [str(word) for word in words]).exception
    assert isinstance(again, GanbenchError)
    assert again.exit_code == 2
    assert "holds a run already" in str(again)
