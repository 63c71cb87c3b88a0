"""Webdataset shards as one source, written by the package that gave them their form."""

from __future__ import annotations

import gzip
import io
import pickle
import shutil
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image

from ganbench.errors import SourceError
from ganbench.images.joint import JointNames, Numbers, PackedNames
from ganbench.images.limits import ArchiveLimits
from ganbench.images.shards import ShardSource
from ganbench.images.sources import open_source
from ganbench.testing import check_source

SAMPLES = 23


def _png(number: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _write(pattern: Path, **members: bytes) -> None:
    """Write samples in no natural order of their keys: eight a shard."""
    with webdataset.ShardWriter(str(pattern), maxcount=8, verbose=0) as writer:
        for number in range(SAMPLES):
            key = f"{(number * 7) % SAMPLES:03d}"
            writer.write({"__key__": key, "png": _png(number), "json": {"number": number}, "cls": 1, **members})


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    folder.mkdir()
    _write(folder / "faces-%06d.tar")
    return folder


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz"])
def test_what_webdataset_writes_is_read_in_its_order(tmp_path: Path, ending: str) -> None:
    _write(tmp_path / f"faces-%06d.{ending}")
    source = open_source(f"{tmp_path}/faces-{{000000..000002}}.{ending}")
    paths = [str(tmp_path / f"faces-{number:06d}.{ending}") for number in range(3)]
    theirs = list(webdataset.WebDataset(paths, shardshuffle=False))
    assert [bytes(source.content(i)) for i in range(len(source))] == [sample["png"] for sample in theirs]
    assert list(source.names) == [
        f"{Path(sample['__url__']).name.split('.')[0]}/{sample['__key__']}.png" for sample in theirs
    ]
    assert source.notes == [f"passed over: {SAMPLES} .cls, {SAMPLES} .json"]
    check_source(source)


def test_the_ways_to_name_shards(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shards.parent)
    listed = [shards / f"faces-{number:06d}.tar" for number in range(3)]
    ways = ["shards/faces-{000000..000002}.tar", "shards/faces-*.tar", "shards", listed, [str(path) for path in listed]]
    opened = [open_source(way) for way in ways]
    assert len({source.digest() for source in opened}) == 1
    assert len({tuple(source.names) for source in opened}) == 1
    assert all(isinstance(source, ShardSource) and len(source) == SAMPLES for source in opened)
    swapped = open_source(listed[::-1])
    assert list(swapped.names)[:7] == list(opened[0].names)[16:]
    assert swapped.digest() != opened[0].digest()


def test_shards_of_two_folders_with_the_same_names(shards: Path, tmp_path: Path) -> None:
    shutil.copytree(shards, tmp_path / "more")
    source = open_source(f"{tmp_path}/{{shards,more}}/faces-000000.tar")
    assert [source.names[0], source.names[8]] == ["shards/faces-000000/000.png", "more/faces-000000/000.png"]
    check_source(source)
    with pytest.raises(SourceError, match="it is given twice; its images would be counted twice"):
        open_source([shards / "faces-000000.tar"] * 2)


def test_a_missing_shard_is_told(shards: Path) -> None:
    (shards / "faces-000001.tar").unlink()
    assert open_source(f"{shards}/*.tar").notes[-1] == "shards may be missing: there is no faces-000001.tar"
    with pytest.raises(SourceError, match=r"shard 2 of 3: .*faces-000001\.tar: no such file"):
        open_source(f"{shards}/faces-{{000000..000002}}.tar")
    with pytest.raises(SourceError, match=r"say so: '.*/\*\.tar'"):  # nobody said that they belong together
        open_source(shards)
    with pytest.raises(SourceError, match="no such file"):
        open_source(f"{shards}/other-*.tar")


def test_a_folder_of_submissions_is_no_data_set(shards: Path) -> None:
    for number in range(3):
        (shards / f"faces-{number:06d}.tar").rename(shards / f"b1090{number + 3}.tar")
    with pytest.raises(SourceError, match="no image in it"):
        open_source(shards)


@pytest.mark.parametrize("recursive", [False, True])
def test_what_lies_beside_shards_is_told(shards: Path, recursive: bool) -> None:
    (shards / "more").mkdir()
    (shards / "more" / "a.png").write_bytes(_png(0))
    (shards / "extra.zip").write_bytes(b"PK")
    (shards / "index.json").write_bytes(b"{}")
    source = open_source(shards, recursive=recursive)
    assert len(source) == SAMPLES
    assert source.notes[1:] == [
        "in the folder, passed over: 1 .zip, 1 .json, of them archives: 'extra.zip'",
        "subfolders are not read beside shards or Parquet files: 1 passed over ('more')",
    ]


def test_tars_and_parquet_files_in_one_folder_are_no_guess(shards: Path) -> None:
    """Programs that load images from the web write both: the Parquet files are about what the tars hold."""
    for number in range(3):
        (shards / f"faces-{number:06d}.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"3 shards and 3 Parquet files\. Say which .*/\*\.tar' or '.*/\*\.parquet'"):
        open_source(shards)
    assert len(open_source(f"{shards}/*.tar")) == SAMPLES


@pytest.mark.parametrize("place", ["set #1/{}", "{}", "#/{}"])
@pytest.mark.parametrize("pattern", ["a#*.tar", "a#{000000..000002}.tar", "a#*.tar#png"])
def test_a_number_sign_in_the_names_of_shards(tmp_path: Path, place: str, pattern: str) -> None:
    _write(tmp_path / "a#%06d.tar")
    folder = (tmp_path / place.format("x")).parent
    folder.mkdir(exist_ok=True)
    for shard in tmp_path.glob("*.tar"):
        shard.rename(folder / shard.name)
    assert len(open_source(f"{tmp_path}/{place.format(pattern)}")) == SAMPLES


def test_the_damaged_shard_is_named(shards: Path) -> None:
    damaged = shards / "faces-000001.tar"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    with pytest.raises(SourceError, match=r"shard 2 of 3: .*faces-000001\.tar: damaged or cut short"):
        open_source(shards, skip_bad=100)
    damaged.write_bytes(b"nothing of the kind")
    with pytest.raises(SourceError, match=r"shard 2 of 3: .*faces-000001\.tar: "):
        open_source(f"{shards}/*.tar")


def test_an_unreadable_image_counts_for_the_whole(shards: Path) -> None:
    with webdataset.TarWriter(str(shards / "faces-000003.tar")) as writer:
        writer.write({"__key__": "a", "jpg": b"\xff\xd8 cut short"})
        writer.write({"__key__": "b", "jpg": b""})
    with pytest.raises(SourceError, match=r"2 of 25 images cannot be read: faces-000003/a\.jpg .*skip-bad 2"):
        list(open_source(shards).batches(8))
    source = open_source(shards, skip_bad=2)
    check_source(source)
    assert [bad.name for bad in source.bad] == ["faces-000003/a.jpg", "faces-000003/b.jpg"]


def test_several_images_in_a_sample(tmp_path: Path) -> None:
    _write(tmp_path / "pairs-%06d.tar", **{"mask.png": _png(99)})
    what = f"{tmp_path}/pairs-*.tar"
    with pytest.raises(SourceError, match=r"several images each: mask\.png, png\. Say which is meant: add #mask\.png"):
        open_source(what)
    source = open_source(f"{what}#png")
    assert len(source) == SAMPLES
    assert source.notes == [f"passed over: {SAMPLES} .cls, {SAMPLES} .json, {SAMPLES} .png"]
    assert len({bytes(content) for content in map(open_source(f"{what}#mask.png").content, range(SAMPLES))}) == 1
    with pytest.raises(SourceError, match=r"no image of the kind #jpg in 3 shards. There are: #mask\.png, #png$"):
        open_source(f"{what}#jpg")


def test_a_name_twice_in_a_shard(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "twice-0.tar", "w") as archive:
        for name, number in (("a.png", 0), ("b.png", 1), ("a.png", 2)):
            info = tarfile.TarInfo(name)
            info.size = len(_png(number))
            archive.addfile(info, io.BytesIO(_png(number)))
    source = open_source(f"{tmp_path}/*.tar")
    assert list(source.names) == ["twice-0/b.png", "twice-0/a.png"]
    assert bytes(source.content(1)) == _png(2)
    assert source.notes == ["twice-0.tar: in the archive more than once: 'a.png'; the last one counts"]


def test_limits_hold_for_every_shard(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"shard 1 of 3: .*more than 47 members"):
        open_source(shards, limits=ArchiveLimits(members=47))
    assert len(open_source(shards, limits=ArchiveLimits(members=48))) == SAMPLES  # each has 48 with its headers
    bomb = tmp_path / "bomb-000000.tar.gz"
    bomb.write_bytes(gzip.compress((shards / "faces-000000.tar").read_bytes() + bytes(1 << 22)))
    with pytest.raises(SourceError, match=r"bomb-000000\.tar\.gz: refused as a decompression bomb"):
        open_source(f"{tmp_path}/bomb-*.tar.gz", limits=ArchiveLimits(ratio_floor=1 << 20))
    with pytest.raises(SourceError, match="stands for more than 100,000 shards"):
        open_source(f"{shards}/faces-{{0..999999999999}}.tar")
    monkeypatch.setattr("ganbench.images.shards._BYTES_PER_IMAGE", 100 << 20)
    with pytest.raises(SourceError, match="take more than half of the memory budget"):
        open_source(shards)


def test_few_files_are_open_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    image = _png(0)
    for number in range(200):
        with webdataset.TarWriter(str(tmp_path / f"small-{number:06d}.tar")) as writer:
            writer.write({"__key__": "one", "png": image})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        source = open_source(tmp_path)
        kept = [piece.open() for piece in source.pieces(7)]
        assert sum(len(batch.names) for part in kept for batch in part.batches(4)) == 200
        assert sum(len(batch.names) for batch in source.batches(4)) == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_what_an_image_takes_in_memory(tmp_path: Path) -> None:
    """One million images would take less than 100 MB: names, places and hashes."""
    count = 5_000
    rows = b"".join(_header(f"{number:09d}.jpg") for number in range(count)) + bytes(1024)
    for number in range(2):
        (tmp_path / f"faces-{number:06d}.tar").write_bytes(rows)
    open_source(tmp_path)  # whatever is imported on the way
    tracemalloc.start()
    source = open_source(tmp_path)
    source.hashes()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken / len(source) < 80
    pieces = source.pieces(8192) if source.resize else [source.part(0, 8192)]
    assert len(pickle.dumps(pieces[0])) / 8192 < 40


def _header(name: str) -> bytes:
    info = tarfile.TarInfo(name)
    return info.tobuf(tarfile.USTAR_FORMAT)


def test_names_are_a_list_of_names() -> None:
    own = ["a", "b\udcff", "", "日本"]
    names = JointNames([PackedNames.of("x/", own), Numbers("y/", 3), PackedNames.of("z/", [])])
    plain = [f"x/{name}" for name in own] + ["y/0", "y/1", "y/2"]
    assert list(names) == plain == [names[i] for i in range(7)]
    assert names == plain
    assert plain == names
    assert names != plain[:-1]
    assert names[-1] == "y/2"
    assert names[1:6] == plain[1:6]
    assert names[2:6][1:3] == plain[3:5]
    assert names[::-2] == plain[::-2]
    assert names[5:2] == []
    assert pickle.loads(pickle.dumps(names[1:6][1:])) == plain[2:6]
    assert len(pickle.dumps(PackedNames.of("", ["a" * 1000] * 1000)[7:8])) < 1300
    with pytest.raises(IndexError, match="7 of 7 names"):
        names[7]
