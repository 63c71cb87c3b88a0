"""Cells of a bench from several folders or machines, put together: what belongs together, and what does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bench_contents import CELLS, assert_same, plan_of
from bench_processes import SETTINGS
from typer.testing import CliRunner

from ganbench.bench.grid import cells_of
from ganbench.bench.survey import read_together, survey
from ganbench.bench.written import FILE, Written
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.system import workers

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

    pass


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def _options(bench_faces: tuple[Path, Path]) -> list[object]:
    small = [text for pair in (("--set", text) for text in SETTINGS["overrides"][""]) for text in pair]
    return [
        "--variants", "dcgan,wgan-gp", "--preset", "smoke", *small, "--samples", "30", "--gradnorm-steps", "4",
        "--save-every", "2", "--data", bench_faces[0], "--reference", bench_faces[1], "--detector", "none",
        "--device", "cpu", "--cores", "1", "--quiet",
    ]  # fmt: skip


@pytest.mark.slow
def test_shards_are_collected_from_the_folders_of_several_machines(
    forkserver: ForkServerContext,
    whole_bench: Path,
    bench_faces: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "CONTEXT", forkserver)
    parts = [tmp_path / "part-0", tmp_path / "part-1"]
    for i, part in enumerate(parts):
        done = _invoke("bench", *_options(bench_faces), "--out", part, "--shard", f"{i}/2")
        assert done.exit_code == 0, done.output
        assert sorted(path.name for path in part.iterdir() if path.is_dir()) == [CELLS[i]]
        assert not (part / "leaderboard.csv").exists()
        assert "1 of 2 cells are left to other processes" in done.output
    refused = _invoke("bench", "collect", *parts)
    assert "--out: name the folder" in str(refused.exception)
    half = _invoke("bench", "collect", parts[0])
    assert half.exit_code == 1
    assert "1 of 2 cells are not done" in half.output
    assert f"{CELLS[1]} " in half.output
    assert " new" in half.output
    both = _invoke(
        "bench", "collect", *parts, "--out", tmp_path / "all", "--data", bench_faces[0], "--json", tmp_path / "j"
    )
    assert both.exit_code == 0, both.output
    written = {path.name for path in (tmp_path / "all").iterdir()}
    assert written == {"leaderboard.csv", "leaderboard.md", "leaderboard.json", "leaderboard.tex", "report.html"}
    answer = json.loads((tmp_path / "j").read_text())
    assert [(one["name"], one["state"]) for one in answer["cells"]] == [(name, "done") for name in CELLS]
    copied = tmp_path / "copied"
    for part in parts:
        shutil.copytree(part, copied, dirs_exist_ok=True)
    assert _invoke("bench", "collect", copied).exit_code == 0
    assert_same(whole_bench, copied)
    boards = [json.loads((folder / "leaderboard.json").read_text()) for folder in (tmp_path / "all", copied)]
    assert _rows(boards[0]) == _rows(boards[1])
    again = _invoke("bench", *_options(bench_faces), "--out", copied, "--shard", "0/2")
    assert again.exit_code == 0, again.output
    assert (copied / "report.html").is_file()
    other = _invoke("bench", "collect", copied, "--data", bench_faces[0], "--limit", 20)
    assert "other images than the bench was trained on" in str(other.exception)


def _rows(value: Any) -> Any:
    """Return a board without the folders of its runs."""
    if isinstance(value, dict):
        return {key: _rows(part) for key, part in value.items() if key != "path"}
    return [_rows(part) for part in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_what_does_not_belong_together_is_not_collected(
    whole_bench: Path, bench_faces: tuple[Path, Path], tmp_path: Path
) -> None:
    source = open_source(bench_faces[0])

    def folder(name: str, of: Path | None = None, more: list[str] | None = None, **settings: object) -> Path:
        plan = plan_of(tmp_path, bench_faces, **settings)
        shutil.copytree(of or whole_bench, tmp_path / name)
        Written.of(plan, cells_of(plan.grid, more), source, 24).write(tmp_path / name)
        return tmp_path / name

    same = folder("same")
    assert read_together([whole_bench, same]) == Written.read(whole_bench)
    for other, message in (
        (folder("samples", samples=31), "samples is 30 in .*whole.*, 31 in .*samples"),
        (folder("wider", more=["model.width=8"]), "dcgan-seed0: model.width is 4 in .*, 8 in "),
        (
            folder("longer", overrides={"": [*SETTINGS["overrides"][""][:2], "training.steps=13"]}),
            "cell dcgan-seed0 is dcgan, 12 steps in .*, dcgan, 13 steps in ",
        ),
        (folder("seeds", seeds=[0, 1]), "cell dcgan-seed1 is not set in .*, dcgan, 12 steps in "),
    ):
        with pytest.raises(GanbenchError, match=message):
            read_together([whole_bench, other])
    strange = folder("strange")
    shutil.rmtree(strange / CELLS[0])
    shutil.copytree(whole_bench / CELLS[1], strange / CELLS[0])
    refused = _invoke("bench", "collect", strange)
    assert "cells of another bench: " in str(refused.exception)
    (strange / FILE).unlink()
    assert "no bench.json in it" in str(_invoke("bench", "collect", strange).exception)
    card = json.loads((same / CELLS[0] / "scorecard.json").read_text())
    row = next(row for row in card["results"] if row["value"] is not None)
    row["value"] = row["low"] = row["high"] = 1.0
    (same / CELLS[0] / "scorecard.json").write_text(json.dumps(card))
    with pytest.raises(GanbenchError, match="are both done, with different results"):
        survey(Written.read(same), [whole_bench, same])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": {}}', "\x00", '{"a": ' * 50, "NaN"])
def test_a_damaged_bench_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(GanbenchError, match=r"bench\.json is (damaged|not what this version writes)") as e:
        Written.read(tmp_path)
    assert "\n" not in str(e.value)


def test_names_in_a_bench_file_lead_nowhere_else(tmp_path: Path) -> None:
    cell = {"settings": {}, "variant": "dcgan", "seed": 0, "steps": 1}
    whole = {"samples": 2, "gradnorm_steps": 0, "images": "", "label": "", "key": "", "scoring": {}}
    for name in ("../up", "a/b", "/etc", ".hidden", ".."):
        (tmp_path / FILE).write_text(json.dumps(whole | {"cells": {name: cell}}))
        with pytest.raises(GanbenchError, match="is no name of a cell"):
            Written.read(tmp_path)
