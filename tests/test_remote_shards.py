"""Shards and Parquet files in an object store, and pieces that are opened on a machine with a cache of its own."""

from __future__ import annotations

import io
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image
from s3_server import S3

from ganbench.errors import RemoteError, SourceError
from ganbench.images.sources import open_source
from ganbench.testing import check_source

pytestmark = pytest.mark.slow


def _png(number: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    folder.mkdir()
    with webdataset.ShardWriter(str(folder / "faces-%06d.tar"), maxcount=4, verbose=0) as writer:
        for number in range(10):
            writer.write({"__key__": f"{number:03d}", "png": _png(number), "cls": 1})
    return folder


def test_shards_in_a_bucket(s3: S3, shards: Path) -> None:
    url = s3.put_folder(shards, "sets/faces")
    here = open_source(shards)
    for way in (f"{url}/faces-{{000000..000002}}.tar", f"{url}/faces-*.tar", f"{url}/"):
        source = open_source(way)
        assert (source.label, source.notes) == (way, here.notes)
        assert source.digest() == here.digest()
        assert list(source.names) == list(here.names)
    check_source(source)
    with pytest.raises(RemoteError, match=r"faces-000003\.tar"):
        open_source(f"{url}/faces-{{000000..000003}}.tar")
    with pytest.raises(SourceError, match="no such file"):
        open_source(f"{url}/other-*.tar")
    with pytest.raises(SourceError, match="only the last part may hold wildcards"):
        open_source(f"{s3.url}/*/faces-000000.tar")


def test_what_lies_beside_shards_in_a_bucket_is_told(s3: S3, shards: Path) -> None:
    (shards / "more").mkdir()
    for name in ("more/a.png", "README.md"):
        (shards / name).write_bytes(_png(0))
    url = s3.put_folder(shards, "set#1")
    for recursive in (False, True):
        source = open_source(f"{url}/", recursive=recursive)
        assert len(source) == 10
        assert source.notes[1:] == [
            "in the folder, passed over: 1 .md",
            "subfolders are not read beside shards or Parquet files: 1 passed over ('more')",
        ]
    assert len(open_source(f"{url}/faces-*.tar")) == 10


def test_a_damaged_shard_is_named_by_its_url(s3: S3, shards: Path) -> None:
    damaged = shards / "faces-000001.tar"
    damaged.write_bytes(damaged.read_bytes()[:3000])
    url = s3.put_folder(shards, "damaged")
    with pytest.raises(SourceError, match=f"shard 2 of 3: {url}/faces-000001.tar: damaged or cut short"):
        open_source(f"{url}/faces-*.tar")


def test_pieces_are_opened_where_nothing_was_fetched(
    s3: S3, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of file: another machine has another cache, with nothing in it."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    files = tmp_path / "files"
    files.mkdir()
    with webdataset.TarWriter(str(files / "a.tgz")) as writer:
        for number in range(5):
            writer.write({"__key__": str(number), "png": _png(number)})
    np.save(files / "a.npy", pixels)
    np.savez(files / "a.npz", pixels)
    rows = [{"bytes": _png(number), "path": None} for number in range(5)]
    pq.write_table(pa.table({"image": rows}), files / "a.parquet")
    url = s3.put_folder(files, "files")
    s3.put_folder(shards, "shards")
    given = [f"{url}/a.{ending}" for ending in ("tgz", "npy", "npz", "parquet")] + [f"{s3.url}/shards/"]
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "first"))
    sources = [open_source(one) for one in given]
    sent = [[pickle.dumps(piece) for piece in source.pieces(3)] for source in sources]
    digests = [source.digest() for source in sources]
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "second"))
    shutil.rmtree(tmp_path / "first")
    for source, pieces, digest in zip(sources, sent, digests, strict=True):
        for number, piece in enumerate(pieces):
            source.learn(3 * number, bytes(pickle.loads(piece).open().hashes()))
        assert source.digest() == digest
    s3.put("files/a.tgz", (files / "a.tgz").read_bytes() + bytes(1000))
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "third"))
    with pytest.raises(RemoteError, match=r"s3://.*/files/a\.tgz: changed while it was read"):
        pickle.loads(sent[0][1]).open().hashes()
