"""Importing torch takes 600 MB and a second or two: commands that compute nothing with it do not, nor do refusals."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.errors import SourceError
from ganbench.features import export
from ganbench.features.extractor import Extractor
from ganbench.models.dcgan import Generator
from ganbench.references.reference import Reference
from ganbench.scoring.score import score
from ganbench.training.checkpoint import save_checkpoint
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder

# Runs one command after the other as the command line would, and says of each how it ended and whether torch is in.
RUNNER = """
import sys
from ganbench.cli.app import main
ends = []
for command in sys.argv[1].split(";"):
    sys.argv = ["ganbench", *command.split()]
    try:
        main()
        code = 0
    except SystemExit as e:
        code = int(e.code or 0)
    ends.append(f"{command} -> {code}, torch: {'torch' in sys.modules}")
print("ENDS", *ends, sep="\\n")
"""


def ends(commands: str, folder: Path) -> list[str]:
    """Return how commands of one process ended."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, commands], cwd=folder, capture_output=True, text=True, check=True, env=os.environ
    )
    return done.stdout.partition("ENDS\n")[2].splitlines()


def without_torch(commands: str, code: int) -> list[str]:
    """Return what ``ends`` is to be."""
    return [f"{command} -> {code}, torch: False" for command in commands.split(";")]


@pytest.fixture
def place(tmp_path: Path, image_folder: Path, lite0: Extractor) -> Path:
    """Return a folder with images, an archive of them, and a run; lite0 has been exported."""
    shutil.make_archive(str(tmp_path / "images"), "zip", image_folder)
    shutil.make_archive(str(tmp_path / "images"), "gztar", image_folder)
    Reference.build(image_folder, lite0).save(tmp_path / "real.npz")
    recipe = load_recipe("dcgan", "smoke")
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.start(recipe, {})
    save_checkpoint(run.checkpoint, {"step": 5, "generator": Generator(32, 8, 4).state_dict()})
    score(image_folder, tmp_path / "real.npz").write(json_file=run.scorecard)
    shutil.copy(run.scorecard, tmp_path / "card.json")
    return tmp_path


COMMANDS = [
    "score generated --reference real.npz --quiet",
    "score images.zip --reference real.npz --quiet --html page.html --json card2.json --per-image table.csv",
    "leaderboard generated images.zip images.tar.gz card.json run --reference real.npz --keep-flagged --quiet",
    "overlap generated images.zip --html shared.html --quiet",
    "compare generated images.zip --reference real.npz --quiet --latex table.tex;compare card.json card.json",
    "reference build generated -o built.npz;reference show real.npz;reference list",
    "detect generated;reference export real.npz stats.npz;assets list",
    "score generated --reference images.zip --metric fwd --quiet;score generated --reference real.npz --metric fwd",
    "recipes list;recipes show wgan-gp;recipes show stylegan2;recipes diff dcgan wgan",
    "data toyfaces toys --count 3",
]


# What a score of a few images does without, once its reference was read before: each is slow to import.
UNUSED = ("torch", "scipy", "pandas", "matplotlib", "onnx", "openvino", "rich.progress", "ganbench.toyfaces")
UNUSED += ("ganbench.references.stored", "ganbench.detectors.evidence", "ganbench.report", "ganbench.training")
UNUSED += ("ganbench.loggers", "tensorboard", "wandb", "mlflow")
FEW = f"""
import sys
from ganbench.cli.app import main
sys.argv = ["ganbench", "score", "few", "--no-cache", "--quiet"]
try:
    main()
except SystemExit as e:
    print("END", e.code or 0, [name for name in {UNUSED} if name in sys.modules])
"""


def test_a_small_score_imports_what_it_uses(place: Path) -> None:
    (place / "few").mkdir()
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        shutil.copy(place / "generated" / name, place / "few")
    first, second = (
        subprocess.run([sys.executable, "-c", FEW], cwd=place, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert second.endswith("END 0 []\n")
    assert first.partition("END")[0] == second.partition("END")[0]  # what is kept changes no number


@pytest.mark.parametrize("commands", COMMANDS, ids=lambda text: text.split(" -")[0])
def test_commands_that_compute_nothing_with_torch_do_not_import_it(place: Path, commands: str) -> None:
    assert ends(commands, place) == without_torch(commands, 0)


def test_a_submission_is_checked_without_torch(place: Path) -> None:
    assert ends("data check generated", place) == without_torch("data check generated", 1)


def saved(content: object, path: Path, *, packed: bool = False, cut: int = 0) -> None:
    """Save a PyTorch file; compressed, which unpacks to more than it has; or cut short."""
    torch.save(content, path)
    if packed:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    if cut:
        path.write_bytes(path.read_bytes()[:-cut])


HOSTILE = [
    "sample packed.pth --out o;sample strided.pth --out o;sample cut.pth --out o;sample damaged.pth --out o;"
    "sample levels.pth --out o;sample whole.pth --out o;sample rundown --out o",
    "score generated --features inception --weights packed.pth --reference real.npz;"
    "score generated --features vgg16 --weights strided.pth --reference real.npz;"
    "reference build generated --features clip-vit-b-32 --weights cut.pth -o x.npz",
    "recipes show deep.toml;recipes diff dcgan deep.toml;train --variant deep.toml --data generated --run r;"
    "train --variant dcgan --data mixed --run r;train --variant dcgan --data broken --run r;"
    "train --variant dcgan --preset smoke --data generated --run rundown --resume",
]


@pytest.fixture
def hostile(place: Path) -> Path:
    """Return that folder with files in it that are to be refused."""
    state = Generator(32, 8, 4).state_dict()
    saved(state, place / "packed.pth", packed=True)
    saved({"0.weight": torch.zeros(1, 1).expand(10**5, 10**5)}, place / "strided.pth")
    saved(state, place / "cut.pth", cut=500)
    saved({f"{i}.weight": torch.zeros(1, 1) for i in range(64)}, place / "levels.pth")
    saved(Generator(32, 8, 4), place / "whole.pth")
    saved(state, place / "damaged.pth")
    damaged = bytearray((place / "damaged.pth").read_bytes())
    damaged[len(damaged) // 2] ^= 1  # among the numbers
    (place / "damaged.pth").write_bytes(damaged)
    shutil.copytree(place / "run", place / "rundown")
    shutil.copy(place / "packed.pth", place / "rundown" / "checkpoint.pt")
    (place / "deep.toml").write_text("a = " + "[" * 50_000 + "]" * 50_000 + "\n", "utf-8")
    for name, size in (("mixed", 65), ("broken", 0)):
        shutil.copytree(place / "generated", place / name)
        with (place / name / "9.jpg").open("wb") as f:
            if size:
                Image.fromarray(np.zeros((size, size, 3), np.uint8)).save(f, "JPEG")
    return place


@pytest.mark.parametrize("commands", HOSTILE, ids=lambda text: text.split()[0])
def test_what_is_refused_is_refused_before_torch_is_imported(hostile: Path, commands: str) -> None:
    assert ends(commands, hostile) == without_torch(commands, 2)


def test_images_are_looked_at_before_a_network_is_exported(
    image_folder: Path, place: Path, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ganbench_home / "cache" / "onnx").unlink()  # nothing is exported yet
    monkeypatch.setattr(export, "_export_apart", lambda spec, build: pytest.fail("exports"))
    broken = place / "broken"
    shutil.copytree(image_folder, broken)
    (broken / "12.jpg").write_bytes(b"")
    for attempt in (
        lambda: score(broken, place / "real.npz"),
        lambda: score(broken, image_folder),
        lambda: score(image_folder, broken),
        lambda: Reference.build(broken),
    ):
        with pytest.raises(SourceError, match=r"1 of 12 images cannot be read: 12\.jpg"):
            attempt()
    command = "reference build broken -o x.npz"
    assert ends(command, place) == without_torch(command, 2)
