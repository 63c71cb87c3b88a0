"""Pieces of sources: what they pickle as, and that another process reads the same from them."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.errors import SourceError
from ganbench.images.sheets import write_sheet
from ganbench.images.source import Source
from ganbench.images.sources import open_source

ELSEWHERE = """
import hashlib, json, pickle, sys
from pathlib import Path

told = []
for file in sys.argv[1:]:
    source = pickle.loads(Path(file).read_bytes()).open()
    digests = [digest for batch in source.batches(3) for digest in batch.digests]
    told.append([list(source.names), digests, bytes(source.hashes()).hex(), [bad.name for bad in source.bad]])
print(json.dumps(told))
"""


def _kinds(folder: Path, image_folder: Path, pixels: np.ndarray) -> list[Source]:
    """Return one small source of each kind that lies in a file."""
    (image_folder / "3.jpg").write_bytes(b"\xff\xd8 cut short")
    opened: list[Source] = [open_source(image_folder, skip_bad=1)]
    for kind in ("zip", "tar", "gztar", "xztar"):
        opened.append(open_source(shutil.make_archive(str(folder / kind), kind, image_folder), skip_bad=1))
    with zipfile.ZipFile(folder / "deflated.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in image_folder.iterdir():
            archive.write(path, f"faces/{path.name}")
    opened.append(open_source(folder / "deflated.zip", skip_bad=1, resize="8"))
    np.save(folder / "first.npy", pixels.transpose(0, 3, 1, 2))
    np.save(folder / "fortran.npy", np.asfortranarray(pixels))
    np.savez_compressed(folder / "c.npz", images=pixels, labels=np.zeros(3))
    np.savez(folder / "f.npz", images=np.asfortranarray(pixels))
    opened += [open_source(folder / name, resize="8") for name in ("first.npy", "fortran.npy", "c.npz", "f.npz")]
    write_sheet(folder / "sheet.png", pixels, columns=4)
    opened.append(open_source(folder / "sheet.png", grid=(3, 4)))
    opened.append(open_source(pixels))
    opened.append(open_source(pixels / np.float32(255), value_range=(0, 1)))
    return opened


def test_another_process_in_another_folder_reads_the_same(
    tmp_path: Path, image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 20, 3), dtype=np.uint8)
    monkeypatch.chdir(tmp_path)
    sources = _kinds(Path(), image_folder.relative_to(tmp_path), pixels)
    pieces = [(source, piece) for source in sources for piece in source.pieces(5)]
    for number, (_, piece) in enumerate(pieces):
        (tmp_path / f"{number}.pickle").write_bytes(pickle.dumps(piece))
    (elsewhere := tmp_path / "elsewhere").mkdir()
    command = [sys.executable, "-c", ELSEWHERE, *(str(tmp_path / f"{number}.pickle") for number in range(len(pieces)))]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=elsewhere)
    told = {id(source): [[], [], "", []] for source in sources}
    for (source, _), answers in zip(pieces, json.loads(ran.stdout), strict=True):
        told[id(source)] = [a + b for a, b in zip(told[id(source)], answers, strict=True)]
    for source in sources:
        digests = [digest for batch in source.batches(12) for digest in batch.digests]
        here = [list(source.names), digests, bytes(source.hashes()).hex(), [bad.name for bad in source.bad]]
        assert told[id(source)] == here, (type(source).__name__, source.label)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "npy", "npz"])
def test_a_piece_is_small(tmp_path: Path, kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 3), dtype=np.uint8)
    what = tmp_path / f"a.{kind}"
    if kind in ("npy", "npz"):
        np.save(what, pixels) if kind == "npy" else np.savez(what, pixels)
    else:
        folder = tmp_path / "images"
        folder.mkdir()
        for number, image in enumerate(pixels):
            Image.fromarray(image).save(folder / f"{number}.png")
        what = folder if kind == "folder" else shutil.make_archive(str(tmp_path / "a"), kind, folder)
    sizes = [len(pickle.dumps(piece)) for piece in open_source(what).pieces(10)]
    assert max(sizes) < 2500


def test_sizes_are_held_to_the_first_image_wherever_it_is(image_folder: Path) -> None:
    Image.new("RGB", (48, 48)).save(image_folder / "11.jpg")
    source = open_source(image_folder)
    with pytest.raises(SourceError) as whole:
        list(source.batches(4))
    with pytest.raises(SourceError) as piece:
        list(pickle.loads(pickle.dumps(source.pieces(5)[2])).open().batches(4))
    assert str(piece.value) == str(whole.value)
    assert "1.jpg is 64x64 pixels, 11.jpg is 48x48" in str(piece.value)


def test_the_whole_decides_how_many_may_be_unreadable(image_folder: Path) -> None:
    for name in ("2.jpg", "3.jpg", "12.jpg"):
        (image_folder / name).write_bytes(b"nothing")
    source = open_source(image_folder, skip_bad=2)
    bad = []
    for piece in source.pieces(2):
        opened = piece.open()
        list(opened.batches(2))
        bad += opened.bad
    with pytest.raises(SourceError, match=r"3 of 12 images cannot be read: 2\.jpg .*; 3\.jpg .*; 12\.jpg .*bad 3"):
        source.settle(bad)


@pytest.mark.parametrize("kind", ["zip", "gztar", "npy", "npz", "sheet"])
def test_what_changed_in_between_is_told(tmp_path: Path, image_folder: Path, kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    if kind == "sheet":
        what = tmp_path / "sheet.png"
        write_sheet(what, pixels, columns=2)
        source = open_source(what, grid=(2, 2))
    elif kind in ("npy", "npz"):
        what = tmp_path / f"a.{kind}"
        np.save(what, pixels) if kind == "npy" else np.savez(what, pixels)
        source = open_source(what)
    else:
        what = Path(shutil.make_archive(str(tmp_path / "a"), kind, image_folder))
        source = open_source(what)
    piece = pickle.dumps(source.pieces(3)[1])
    with what.open("ab") as file:
        file.write(b"more")
    with pytest.raises(SourceError, match="it changed while it was read"):
        list(pickle.loads(piece).open().batches(4))
