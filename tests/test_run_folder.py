"""A run folder follows no link out of itself, and a training that is refused leaves it as it was."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest
from training_processes import SMALL, noise_images
from typer.testing import CliRunner

from ganbench.bench.changes import refuse_changes
from ganbench.bench.grid import Cell
from ganbench.cli.app import app
from ganbench.errors import CannotWrite, GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.leaderboard.entries import collect, known_results
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.system import storage
from ganbench.system.storage import atomic_write
from ganbench.training.loop import Loop
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train

QUICK = LoopOptions(log_every=1, sheet_every=1, save_every=1)
LINKED = [
    "recipe.toml", "checkpoint.pt", "metrics.jsonl", "environment.json", "samples", "samples.npz", "scorecard.json",
    "gradnorm.csv", "probe.csv", "status.json", "logs", ".lock", "vitals.jsonl", "good.pt",
]  # fmt: skip


def _recipe(*overrides: str, steps: int = 1) -> Recipe:
    return load_recipe("dcgan", "smoke", [*SMALL, f"training.steps={steps}", *overrides])


def _source(count: int = 32) -> ArraySource:
    return ArraySource.of("noise", noise_images(count), value_range=None, resize=None)


def _plan() -> Plan:
    return Plan.of(ScoreOptions(metrics=("duplicates",), detector=None))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of one step."""
    folder = tmp_path_factory.mktemp("trained")
    train(_recipe(), _source(), folder, options=QUICK)
    return folder


def _copy(run: Path, to: Path) -> Path:
    for path in sorted(run.rglob("*")):
        if path.is_file():
            target = to / path.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return to


def _link_out(run: Path, name: str, outside: Path) -> dict[str, bytes]:
    """Move a part of the run outside and leave a link to it; returns what is outside."""
    outside.mkdir()
    inner = run / name
    if inner.exists():
        inner.rename(outside / name)
    elif name == "logs":
        (outside / name).mkdir()
    elif name != ".lock":
        (outside / name).write_text("{}")
    if (outside / name).is_dir():
        (outside / name / "0000009.png").write_bytes(b"a picture of somebody's")
    inner.symlink_to(outside / name)
    return _files(outside)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", LINKED)
def test_a_link_out_of_a_run_is_refused_and_what_it_leads_to_stays(name: str, trained: Path, tmp_path: Path) -> None:
    run = _copy(trained, tmp_path / "run")
    before = _link_out(run, name, tmp_path / "outside")
    refused = f"{name} is a link that leads out of the run folder"
    with pytest.raises(GanbenchError, match=refused):
        train(_recipe(steps=2), _source(), run, resume=True, options=QUICK)
    with pytest.raises(GanbenchError, match=refused):
        refuse_changes([Cell("run", _recipe(steps=2))], tmp_path, _source())
    with pytest.raises(GanbenchError, match=refused):
        RunFolder.open(run)
    assert _files(tmp_path / "outside") == before
    (entry,) = collect([run], _plan)
    assert entry.card is None
    assert refused in entry.error
    known_results([run], _plan)
    assert _files(tmp_path / "outside") == before


def test_links_inside_a_run_and_to_a_run_are_followed(trained: Path, tmp_path: Path) -> None:
    run = _copy(trained, tmp_path / "run")
    (run / "samples").rename(run / "sheets")
    (run / "samples").symlink_to("sheets")
    (tmp_path / "latest").symlink_to(run)
    train(_recipe(steps=2), _source(), tmp_path / "latest", resume=True, options=QUICK)
    assert (run / "sheets" / "0000002.png").is_file()


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(tmp_path / "samples")
    with pytest.raises(GanbenchError, match="samples is a link"):
        RunFolder(tmp_path).refuse_links()


def test_a_cell_of_a_bench_is_inside_its_folder(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "dcgan-seed0").symlink_to(_copy(trained, tmp_path / "elsewhere"))
    with pytest.raises(GanbenchError, match="dcgan-seed0 is a link that leads out"):
        refuse_changes([Cell("dcgan-seed0", _recipe())], tmp_path / "bench", _source())


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("trouble", ["too few images", "no tensorboard", "networks that cannot be built"])
def test_a_refused_training_leaves_nothing(
    trouble: str, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "deep" / "run"
    if there:
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")
    before = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    options, count = QUICK, 32
    with monkeypatch.context() as patch:
        if trouble == "too few images":
            count = 3
        elif trouble == "no tensorboard":
            patch.setitem(__import__("sys").modules, "tensorboard", None)
            options = LoopOptions(loggers=("tensorboard",))
        else:
            patch.setattr("ganbench.training.start.Trainer", _refuse)
        with pytest.raises(GanbenchError):
            train(_recipe(), _source(count), folder, options=options)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == before
    train(_recipe("training.batch=2"), _source(count), folder, options=QUICK)
    assert (folder / "checkpoint.pt").is_file()


def _refuse(*args: object) -> None:
    raise GanbenchError("no")


def test_a_resume_that_is_refused_changes_nothing(trained: Path, tmp_path: Path) -> None:
    run = _copy(trained, tmp_path / "run")
    before = _files(run)
    with pytest.raises(GanbenchError, match="trained on other images"):
        train(_recipe(steps=5), _source(40), run, resume=True, options=QUICK)
    with pytest.raises(GanbenchError, match="keeps its settings; .* was .*, now .*. Give those that it began with"):
        train(_recipe("optimizer.lr=0.1", steps=5), _source(), run, resume=True, options=QUICK)
    with pytest.raises(GanbenchError, match="holds a run already"):
        train(_recipe(steps=5), _source(), run, options=QUICK)
    assert _files(run) == before


def test_a_resume_of_nothing_is_told(tmp_path: Path) -> None:
    """A folder that was mistyped looks the same as a run that is to start when there is none."""
    told: list[str] = []
    train(_recipe(steps=1), _source(), tmp_path / "rnu", resume=True, options=QUICK, warn=told.append)
    assert told[0].endswith("rnu holds no run to go on with: a new one starts")


def test_a_sampling_that_fails_leaves_no_images(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, mode: str = "wb") -> AbstractContextManager[IO[bytes]]:
        if path.name == "60.png":
            raise CannotWrite("the disk is full")
        return atomic_write(path, mode)

    command = ["sample", str(trained), "--out", str(tmp_path / "samples"), "--count", "70", "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr(storage, "atomic_write", write)
        failed = CliRunner().invoke(app, command)
    assert isinstance(failed.exception, CannotWrite)
    assert list((tmp_path / "samples").iterdir()) == []
    assert CliRunner().invoke(app, command).exit_code == 0
    assert len(list((tmp_path / "samples").iterdir())) == 70


def test_a_run_that_did_nothing_may_be_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost: whoever ran out of memory in the first step takes a smaller batch."""

    def out_of_memory(loop: Loop) -> None:
        raise GanbenchError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "train", out_of_memory)
        with pytest.raises(GanbenchError, match="out of memory"):
            train(_recipe(), _source(), tmp_path / "run", options=QUICK)
    assert (tmp_path / "run" / "recipe.toml").is_file()
    os.utime(tmp_path / "run")
    train(_recipe("training.batch=2"), _source(), tmp_path / "run", options=QUICK)
    assert RunFolder(tmp_path / "run").recipe().training.batch == 2
