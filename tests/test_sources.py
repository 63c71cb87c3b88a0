"""Sources: folders, archives, arrays and tensors give the same images in the same order."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from PIL import Image
from pixels import pixels_of

from ganbench.errors import SourceError
from ganbench.images.names import ending_of, is_hidden
from ganbench.images.resize import Resize
from ganbench.images.sources import open_source


def test_folder_in_natural_order_whatever_the_case(image_folder: Path) -> None:
    (image_folder / "3.jpg").rename(image_folder / "3.JPG")
    (image_folder / "notes.txt").write_text("x")
    (image_folder / ".hidden.png").write_bytes(b"x")
    source = open_source(image_folder)
    assert source.names == ["1.jpg", "2.jpg", "3.JPG", *(f"{i}.jpg" for i in range(4, 13))]
    assert source.ignored == [".hidden.png", "notes.txt"]
    assert source.image_size() == (64, 64)
    batches = list(source.batches(5))
    assert [len(b.names) for b in batches] == [5, 5, 2]
    assert batches[1].indices.tolist() == [5, 6, 7, 8, 9]


def test_subfolders_only_when_asked(image_folder: Path) -> None:
    parent = image_folder.parent
    with pytest.raises(SourceError, match="add --recursive"):
        open_source(parent)
    assert open_source(parent, recursive=True).names[0] == "generated/1.jpg"


def test_digest_follows_content_and_resize(image_folder: Path) -> None:
    before = open_source(image_folder).digest()
    assert open_source(image_folder).digest() == before
    assert open_source(image_folder, resize="32").digest() != before
    shutil.copy(image_folder / "1.jpg", image_folder / "2.jpg")
    assert open_source(image_folder).digest() != before


def test_equal_pixels_have_equal_digests(image_folder: Path) -> None:
    shutil.copy(image_folder / "1.jpg", image_folder / "2.jpg")
    (batch,) = open_source(image_folder).batches(12)
    assert batch.digests[0] == batch.digests[1]
    assert len(set(batch.digests)) == 11


def test_mixed_sizes_need_a_stated_rule(image_folder: Path) -> None:
    Image.new("RGB", (80, 70)).save(image_folder / "5.jpg")
    with pytest.raises(SourceError, match=r"1\.jpg is 64x64 pixels, 5\.jpg is 70x80.*--resize 64x64"):
        pixels_of(open_source(image_folder))
    assert pixels_of(open_source(image_folder, resize="64")).shape == (12, 64, 64, 3)


def test_resize_rules_are_pillows() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 80, 3), dtype=np.uint8)
    rule = Resize.parse("64x48:lanczos")
    expected = np.asarray(Image.fromarray(pixels).resize((48, 64), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(rule(pixels), expected)
    assert str(rule) == "pillow-lanczos-64x48"
    assert Resize.parse(str(rule)) == rule
    assert Resize.parse("64") == Resize(64, 64, "bicubic")
    assert rule(expected) is expected
    for wrong in ("64:bicubik", "x64", "64x", "0", "-3"):
        with pytest.raises(SourceError, match="resize rule"):
            Resize.parse(wrong)


def test_arrays_and_tensors(tmp_path: Path, rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, (7, 16, 12, 3), dtype=np.uint8)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", images=array, other=np.zeros(3))
    tensor = torch.from_numpy(array).permute(0, 3, 1, 2)
    for source in (array, tmp_path / "a.npy", tmp_path / "a.npz", tensor):
        np.testing.assert_array_equal(pixels_of(open_source(source)), array)
    floats = tensor.float() / 127.5 - 1
    np.testing.assert_array_equal(pixels_of(open_source(floats, value_range=(-1, 1))), array)
    halves = (tensor.double() / 255).numpy()
    np.testing.assert_array_equal(pixels_of(open_source(halves, value_range=(0, 1))), array)


def test_float_range_is_never_guessed(rng: np.random.Generator) -> None:
    floats = rng.random((3, 8, 8, 3), dtype=np.float32)
    with pytest.raises(SourceError, match="never guessed"):
        open_source(floats)
    with pytest.raises(SourceError, match=r"image 0 has values from .* outside the stated range 0 to 1"):
        pixels_of(open_source(floats * 2, value_range=(0, 1)))
    floats[1, 2, 3, 0] = np.nan
    with pytest.raises(SourceError, match="image 1 holds NaN"):
        pixels_of(open_source(floats, value_range=(0, 1)))
    with pytest.raises(SourceError, match="take no value_range"):
        open_source(np.zeros((2, 8, 8, 3), np.uint8), value_range=(0, 255))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 8, 8), np.uint8), "expected images of shape"),
        (np.zeros((4, 3, 8, 3), np.uint8), "either axis"),
        (np.zeros((4, 8, 8, 4), np.uint8), "no axis of three"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no image in it"),
        (np.zeros((4, 8, 8, 3), np.int32), "pixels are int32"),
    ],
)
def test_arrays_that_are_no_images(array: np.ndarray, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(array)


def test_array_files_with_pickles_or_without_a_name(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(SourceError, match="holds Python objects"):
        open_source(tmp_path / "p.npy")
    np.savez(tmp_path / "two.npz", a=np.zeros(1), b=np.zeros(1))
    with pytest.raises(SourceError, match="several arrays"):
        open_source(tmp_path / "two.npz")


def test_missing_empty_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        open_source(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no image in it"):
        open_source(tmp_path / "empty")
    (tmp_path / "x.doc").write_text("x")
    with pytest.raises(SourceError, match="not a source of images"):
        open_source(tmp_path / "x.doc")
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    with pytest.raises(SourceError, match="single image"):
        open_source(tmp_path / "one.png")


def test_unreadable_folder(image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: object) -> None:
        raise PermissionError(13, "Permission denied", str(image_folder))

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        open_source(image_folder)


def break_image(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def test_bad_images_are_named_counted_and_skipped_only_on_request(image_folder: Path) -> None:
    break_image(image_folder / "4.jpg")
    (image_folder / "7.jpg").write_text("not a picture")
    (image_folder / "9.jpg").write_bytes(b"")
    with pytest.raises(
        SourceError, match=r"3 of 12 images cannot be read: 4\.jpg.*7\.jpg.*9\.jpg.*leave them out: --skip-bad 3$"
    ):
        pixels_of(open_source(image_folder))
    with pytest.raises(SourceError, match="3 of 12 images"):
        pixels_of(open_source(image_folder, skip_bad=2))
    source = open_source(image_folder, skip_bad=3)
    batches = list(source.batches(4))
    assert sum(len(b.names) for b in batches) == 9
    assert [bad.name for bad in source.bad] == ["4.jpg", "7.jpg", "9.jpg"]
    assert np.concatenate([b.indices for b in batches]).tolist() == [0, 1, 2, 4, 5, 7, 9, 10, 11]


def test_a_source_of_bad_images_only(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_text("x")
    with pytest.raises(SourceError, match="1 of 1 images cannot be read"):
        pixels_of(open_source(tmp_path, skip_bad=5))


def test_the_first_images_are_a_source_too(image_folder: Path) -> None:
    whole = open_source(image_folder)
    part = whole.first(5)
    np.testing.assert_array_equal(pixels_of(part), pixels_of(whole)[:5])
    assert part.digest() != whole.digest()
    with pytest.raises(SourceError, match="13 images asked for, 12 found"):
        whole.first(13)


def test_reading_stops_cleanly_when_the_reader_does(image_folder: Path) -> None:
    stream = open_source(image_folder).batches(2)
    first = next(stream)
    stream.close()
    assert len(first.names) == 2


def test_endings_and_hidden_names_are_those_of_pathlib() -> None:
    for length in range(1, 6):
        for signs in product("aB./ ", repeat=length):
            name = "".join(signs)
            assert ending_of(name) == PurePosixPath(name).suffix.lower(), name
            assert is_hidden(name) == any(part.startswith(".") for part in PurePosixPath(name).parts), name
