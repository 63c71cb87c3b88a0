"""The student's notebook, cell by cell, from a ``G.pth``, a run and a folder to a valid submission."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from random_inception import random_images

from ganbench.diagnostics import experiment
from ganbench.models.dcgan import Generator
from ganbench.toyfaces import toyfaces

ROOT = Path(__file__).parent.parent
CELLS = json.loads((ROOT / "examples" / "hw6.ipynb").read_text("utf-8"))["cells"]


@pytest.fixture(scope="module")
def drawn() -> list[Any]:
    """Return the toy faces that every run of the notebook draws."""
    return list(toyfaces(400))


@pytest.fixture(autouse=True)
def drawn_once(drawn: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.toyfaces.toyfaces", lambda count: drawn[:count])


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, until: str = "", **parameters: object) -> dict[str, Any]:
    """Run the code cells with other parameters, down to the one that defines a name, and return what they defined."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for cell in CELLS:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code":
            continue
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        if "parameters" in tags:
            assert set(parameters) <= set(names)
            names |= parameters
        if until in names:
            break
    return names


QUICK: dict[str, object] = {"COUNT": 40, "PRESET": "smoke", "STEPS": 2}


def check_submission(path: Path) -> None:
    """Check what is handed in without ganbench."""
    assert path.stat().st_size < 2_000_000
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == [f"{number}.jpg" for number in range(1, 1001)]
        for member in (members[0], members[-1]):
            content = archive.extractfile(member)
            assert content is not None
            with Image.open(content) as image:
                assert (image.format, image.size, image.mode) == ("JPEG", (64, 64), "RGB")


@pytest.mark.slow
def test_without_a_generator_it_trains_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):  # the second time it goes on from what is there
        names = run(tmp_path, monkeypatch, until="scored", **QUICK)
        assert (len(names["images"]), len(names["scored"])) == (1000, 40)
    assert (tmp_path / "hw6" / "run" / "checkpoint.pt").is_file()


@pytest.mark.slow
def test_from_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    torch.manual_seed(0)
    torch.save(Generator(64, 100, 4).state_dict(), tmp_path / "G.pth")
    names = run(tmp_path, monkeypatch, SOURCE="G.pth", **QUICK)
    told = capsys.readouterr().out
    table = names["table"]
    assert {"fd[lite0]", "afd[yolo-nano]"} <= set(table.index)
    assert set(table["n"].dropna()) == {40}
    assert names["card"].reference["lite0"]["name"] == "anime-faces-64"
    assert str(names["card"].tier) in told
    assert "set REAL" in told
    assert any("no Sigmoid" in text for text in names["answer"]["WGAN"])
    assert set(names["frames"]) == {curve.name for curve in names["curves"]}
    assert all(frame["layer"].nunique() == 5 for frame in names["frames"].values())
    assert len(names["frames"]) == 3
    assert names["checks"]
    check_submission(tmp_path / "hw6" / "submission.tgz")
    assert (tmp_path / "hw6" / "gradnorm" / "gradnorm.png").is_file()


@pytest.mark.slow
def test_from_a_folder_against_real_images_with_fid(
    inception_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(experiment, "write_figures", lambda *_, **__: [])  # see above
    rng = np.random.default_rng(0)
    (tmp_path / "mine").mkdir()
    for number in range(1, 1001):
        pixels = np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mine" / f"{number}.png")
    np.save(tmp_path / "real.npy", random_images(24, 1))
    own = {"SOURCE": "mine", "REAL": "real.npy", "INCEPTION": inception_weights, "COUNT": 24}
    names = run(tmp_path, monkeypatch, **QUICK | own)
    assert names["card"].reference["lite0"]["data"]["count"] == 24
    assert names["fid"]["fid"].value > 0
    assert "fid[inception]" in capsys.readouterr().out
    check_submission(tmp_path / "hw6" / "submission.tgz")
