"""What clumsy users type: every mistake ends in one clear line and exit code 2, never in a traceback."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.errors import GanbenchError

# Typed in a folder that holds: good/ (12 images of 64x64), mixed/ (several sizes), one/ (a single image), broken/,
# empty/, texts/, full/, sheet.png, floats.npy, images.npz, and damaged files of every kind (bad.*).
MISTAKES = {
    "score nowhere": "nowhere: no such file or folder",
    "score empty": "empty: no image in it",
    "score texts": "no image in it .1 other files, such as 'a.txt'",
    "score one": "at least 2 images, found 1",
    "score broken": "2 of 2 images cannot be read: 1.jpg .*; 2.jpg",
    "score mixed": "--resize 64x64",
    "score bad.zip": "not a readable archive",
    "score bad.tgz": "not a readable archive",
    "score bad.npz": "not a readable array file",
    "score bad.npy": "not a readable array file",
    "score bad.pth": "not a source of images",
    "score floats.npy": "float pixels need their range",
    "score sheet.png": "--grid ROWSxCOLUMNS",
    "score sheet.png --grid 3x3": "do not divide into 3x3 tiles",
    "score sheet.png --grid axb": "expected ROWSxCOLUMNS",
    "score good --grid 2x2": "for one image file that is a sheet",
    "score good --features lite00": "Did you mean 'lite0'",
    "score good --features nomodule:thing": "no extractor or module is called 'nomodule'",
    "score good --features os:nothing": "module os has no 'nothing'",
    "score good --metric fdd": "Did you mean 'fd'",
    "score good --reference nowhere.npz": "and no such file",
    "score good --reference bad.npz": "not a readable reference",
    "score good --detector yol-nano": "Did you mean 'yolo-nano'",
    "score good --detector yolo:bad.onnx": "not an ONNX file",
    "score good --reference good --detector yolo:nowhere.onnx": "nowhere.onnx: no such file",
    "score good --detector none --conf 0.5": "--conf is a setting of a detector, and there is none",
    "score good --detector yolo-nano --conf 2": "--conf 2: expected a number between 0 and 1",
    "score good --detector yolo-nano --iou -1": "--iou -1: expected a number between 0 and 1",
    "score good --detector yolo-nano --imgsz -32": "--imgsz -32: expected a multiple of 32",
    "score good --json full": "cannot write full: it is a folder",
    "score good --csv bad.zip/rows.csv": "cannot write bad.zip/rows.csv: bad.zip is a file, not a folder",
    "score good --per-image full": "cannot write full: it is a folder",
    "score good --weights nowhere.pth": "not the lite0 weights",
    "score good --precision fp16": "Known: fp32, bf16",
    "score good --device tpu": "Known: auto, cpu, cuda",
    "score good --resize big": "expected SIZE or HxW",
    "score good --resize 0": "sizes from 1 to 4096 pixels",
    "reference build nowhere -o r.npz": "nowhere: no such file or folder",
    "reference build one -o r.npz": "at least 2 images, found 1",
    "reference build good --size foo -o r.npz": "expected SIZE or HxW",
    "reference build mixed -o r.npz": "images of different sizes: 1.png is 65x64 pixels, 2.png is 66x64",
    "reference show images.npz": "not a reference: it holds images",
    "reference verify anime-faces-64 --source nowhere": "nowhere: no such file or folder",
    "reference export anime-faces-64 out.npz --format foo": "Known: pytorch-fid, clean-fid",
    "data check nowhere": "nowhere: no such file or folder",
    "data pack good out.zip": "a submission is a .tgz",
    "data pack good out.tgz": "1,000 images, found 12",
    "data slice empty out": "no sheet there",
    "data slice sheet.png full --grid 2x2": "not empty",
    "data toyfaces full": "not empty",
    "data toyfaces out --count 0": "a count of at least 1",
    "data toyfaces bad.pth": "is a file; name a folder",
    "detect good --detector opencv-cascade": "ganbench assets fetch lbpcascade_animeface",
    "detect good --detector yolo:nowhere.onnx": "no such file",
    "afd calibrate --real good --fake good --detector foo": "unknown detector 'foo'",
    "train --variant foo --data good --run r": "unknown variant 'foo'",
    "train --variant nowhere.toml --data good --run r": "No such file",
    "train --variant bad.toml --data good --run r": "not a TOML recipe",
    "train --variant dcgan --data empty --run r": "no image in it",
    "train --variant dcgan --data good --run bad.pth --preset smoke": "cannot make the run folder",
    "train --variant dcgan --data good --run r --preset smok": "Did you mean 'smoke'",
    "train --variant dcgan --data good --run r --set lr=1": "expected section.key=value",
    "train --variant dcgan --data good --run r --set optimizer.lr=fast": "unable to parse string as a number",
    "train --variant dcgan --data good --run r --seed -1": "greater than or equal to 0",
    "train --variant dcgan --data good --run r --set model.size=32": "add --resize 32, or --set model.size=64$",
    "train --variant dcgan --data sizes.npz --run r": "images are 48x40, the recipe trains on 64x64: add --resize 64$",
    "train --variant dcgan --data good --run r --preset smoke": "do not fill a batch of 16",
    "sample nowhere --out o": "no such run or file",
    "sample good --out o": "not a training run",
    "sample bad.pth --out o": "not safe|not a readable",
    "sample bad.pth --out full": "not empty",
    "sample bad.pth --out o.tgz --count 5": "1,000 images, not 5",
    "gradnorm --data good --out g": "give --variant wgan, or --run RUN",
    "gradnorm --run nowhere --data good --out g": "not a training run",
    "gradnorm --variant wgan --data good --steps 5 --skip 5 --out g": "--skip 5 leaves nothing of --steps 5",
    "bench --data good --out b --variants foo": "unknown variant 'foo'",
    "bench nowhere.toml --data good --out b": "cannot read the grid",
    "bench bad.toml --data good --out b": "is not TOML",
    "bench --data nowhere --out b --variants dcgan --preset smoke --detector none": "no such file or folder",
    "leaderboard good --detector yolo:nowhere.onnx": "nowhere.onnx: no such file",
    "bench --data good --out b --detector yolo:nowhere.onnx": "nowhere.onnx: no such file",
    "leaderboard good --sort foo": "no result is called 'foo'. Known: fd, kd, .*, afd",
    "leaderboard good --sort foo[bar]": "Known: fd.lite0., kd.lite0., .*, afd.yolo-nano.",
    "leaderboard good --sort afdd": "Did you mean 'afd'",
    "leaderboard good --columns kd,recal": "no result is called 'recal'. Did you mean 'recall'",
    "leaderboard good --detector none --sort afd[yolo-nano]": "no result is called 'afd.yolo-nano.'",
    "bench --data good --out b --sort foo": "no result is called 'foo'. Known: fd, .*, afd",
    "bench --data good --out b --sort fd[lite]": "Did you mean 'fd.lite0.'",
    "leaderboard good --html full": "cannot write full: it is a folder",
    "detect good --draw bad.zip": "cannot write bad.zip: bad.zip is a file, not a folder",
    "detect good --csv full": "cannot write full: it is a folder",
    "afd calibrate --real good --fake good --plot full": "full: figures are written as .png, .svg, .pdf",
    "reference build good -o full": "cannot write full: it is a folder",
    "data pack good bad.zip/o.tgz": "bad.zip is a file, not a folder",
    "sample bad.pth --out bad.zip/o.tgz": "bad.zip is a file, not a folder",
    "gradnorm --variant wgan --data good --out bad.zip": "cannot write bad.zip: bad.zip is a file",
    "bench --data good --out bad.zip": "cannot write bad.zip: bad.zip is a file",
    "leaderboard good --detector foo": "unknown detector 'foo'",
    "leaderboard good --reference nowhere --detector none": "no reference named 'nowhere'",
    "recipes show foo": "unknown variant 'foo'",
    "recipes diff dcgan foo": "unknown variant 'foo'",
    "assets fetch foo": "unknown asset 'foo'",
    "assets add inception nowhere": "no such file",
    "assets add inception bad.pth": "not inception .SHA-256",
}
# Mistakes that the option parser finds; it shows the command's usage with them.
MISTYPED = (
    "score", "score good good", "score good --jsn -", "score good --seed x", "score good --seed -1",
    "score good --skip-bad -1", "reference build good", "reference build good --sample 1 -o r.npz", "reference lst",
    "afd calibrate --real good", "afd calibrate --real good --fake good --fpr 2", "train --data good --run r",
    "train --variant dcgan --data good --run r --steps 0", "sample bad.pth --out o --truncation 3",
    "gradnorm --variant wgan --clip -1 --data good --out g", "bench --data good --out b --seeds 0", "leaderboard",
    "leaderboard good --jobs 0", "recipes diff dcgan", "assets add inception", "scor good",
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, image_folder: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Path:
    image_folder.rename(tmp_path / "good")
    for name in ("mixed", "one", "broken", "empty", "texts", "full"):
        (tmp_path / name).mkdir()
    for i in range(1, 5):
        Image.fromarray(np.zeros((64 + i, 64, 3), np.uint8)).save(tmp_path / "mixed" / f"{i}.png")
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "one" / "1.png")
    Image.fromarray(rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)).save(tmp_path / "sheet.png")
    for name in ("broken/1.jpg", "texts/a.txt", "full/x.txt", "bad.zip", "bad.tgz", "bad.npz", "bad.onnx", "bad.pth"):
        (tmp_path / name).write_bytes(b"xx")
    for name in ("broken/2.jpg", "bad.npy"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "bad.toml").write_text("variants = [\n")
    np.save(tmp_path / "floats.npy", rng.random((4, 64, 64, 3)))
    np.savez(tmp_path / "sizes.npz", images=rng.integers(0, 256, (12, 48, 40, 3), dtype=np.uint8))
    np.savez(tmp_path / "images.npz", images=rng.integers(0, 256, (12, 64, 64, 3), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_explained_in_one_line(typed: str, here: Path) -> None:
    extra = ["--detector", "none"] if typed.startswith("score") and "--detector" not in typed else []
    before = set(here.iterdir())
    result = CliRunner().invoke(app, [*typed.split(), *extra])
    assert isinstance(result.exception, GanbenchError), result.exception
    assert result.exception.exit_code == 2
    with pytest.raises(GanbenchError, match=MISTAKES[typed]):
        raise result.exception
    assert "\n" not in str(result.exception)
    assert {path.name for path in set(here.iterdir()) - before} <= {"b", "r"}  # the folders of a bench and a run


@pytest.mark.parametrize("typed", MISTYPED)
def test_what_cannot_be_parsed_shows_the_usage(typed: str, here: Path) -> None:
    result = CliRunner().invoke(app, typed.split())
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert "usage:" in result.stderr.lower()
