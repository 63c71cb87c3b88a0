"""Parquet files with images, as Hugging Face's ``datasets`` writes them, and hostile ones."""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ganbench.errors import SourceError
from ganbench.images import parquet_pages
from ganbench.images.limits import ArchiveLimits
from ganbench.images.sources import open_source
from ganbench.testing import check_source

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
Row = dict[str, object] | None


def _png(number: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _rows(count: int, first: int = 0) -> list[Row]:
    return [{"bytes": _png(first + i), "path": f"{first + i}.png"} for i in range(count)]


def _table(rows: Sequence[Row], *, metadata: bool = True, **others: pa.Array) -> pa.Table:
    """Return what ``datasets.Dataset.to_parquet`` writes: the features stand in the schema's metadata."""
    table = pa.table({"image": pa.array(rows, IMAGE), "label": pa.array(range(len(rows))), **others})
    features = {"image": {"_type": "Image"}, "label": {"dtype": "int64", "_type": "Value"}}
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    return table.replace_schema_metadata(told) if metadata else table


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """Three files of seven rows each; one row of the second holds nothing."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(3):
        rows = _rows(7, 7 * number)
        if number == 1:
            rows[3] = None
        pq.write_table(_table(rows), folder / f"train-{number:05d}-of-00003.parquet", row_group_size=3)
    return folder


def test_what_datasets_writes(splits: Path) -> None:
    source = open_source(splits, skip_bad=1)
    assert [source.names[0], source.names[20]] == ["train-00000-of-00003/0", "train-00002-of-00003/6"]
    assert [bytes(source.content(i)) for i in (0, 2, 3, 6, 7, 20, 4)] == [_png(i) for i in (0, 2, 3, 6, 7, 20, 4)]
    check_source(source)
    assert [(bad.name, bad.why) for bad in source.bad] == [("train-00001-of-00003/3", "its row holds no image")]
    for way in (f"{splits}/*.parquet", f"{splits}/train-*", sorted(splits.iterdir())):
        assert open_source(way, skip_bad=1).digest() == source.digest()
    assert len(open_source(splits / "train-00000-of-00003.parquet")) == 7


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_compressions_and_pages(tmp_path: Path, compression: str, version: str) -> None:
    rows = _rows(150)
    rows += rows[:10]  # a dictionary has them once
    path = tmp_path / "a.parquet"
    options = {"compression": compression, "data_page_version": version, "data_page_size": 4000}
    pq.write_table(_table(rows, metadata=False), path, row_group_size=80, write_page_index=True, **options)
    source = open_source(path)
    assert [bytes(source.content(i)) for i in range(160)] == [row["bytes"] for row in rows if row]
    assert len(open_source(path).part(75, 10)) == 10
    assert bytes(pickle.loads(pickle.dumps(open_source(path).part(75, 10))).content(9)) == _png(84)


def test_plain_bytes_and_large_ones(tmp_path: Path) -> None:
    for name, kind in (("small", pa.binary()), ("large", pa.large_binary())):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"picture": pa.array([_png(0), _png(1)], kind), "id": [1, 2]}), path)
        check_source(open_source(path))


def test_images_that_are_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "links.parquet"
    pq.write_table(_table([{"bytes": None, "path": "/home/me/faces/1.png"}, *_rows(2)]), path)
    with pytest.raises(SourceError, match=r"0 \(its row holds only that it is in the file '/home/me/faces/1\.png'"):
        list(open_source(path).batches(4))
    assert sum(len(batch.names) for batch in open_source(path, skip_bad=1).batches(4)) == 2


def test_which_column(tmp_path: Path) -> None:
    path = tmp_path / "two.parquet"
    mask = pa.array([{"bytes": _png(9), "path": None}] * 2, IMAGE)
    pq.write_table(_table(_rows(2), metadata=False, mask=mask), path)
    with pytest.raises(SourceError, match=r"several columns hold images: 'image', 'mask'\. Say which: add #image"):
        open_source(path)
    assert bytes(open_source(f"{path}#mask").content(1)) == _png(9)
    with pytest.raises(SourceError, match=r"no column 'masks'\. Did you mean 'mask'"):
        open_source(f"{path}#masks")
    with pytest.raises(SourceError, match="the column 'label' is int64, not images"):
        open_source(f"{path}#label")
    pq.write_table(_table(_rows(2), mask=mask), path)  # now the metadata says which
    assert bytes(open_source(path).content(1)) == _png(1)
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), path)
    with pytest.raises(SourceError, match=r"no column of images, .* It has: 'text' \(string\), 'n' \(int64\)"):
        open_source(path)


def test_folders_that_leave_a_choice(splits: Path) -> None:
    pq.write_table(_table(_rows(2)), splits / "test-00000-of-00001.parquet")
    with pytest.raises(SourceError, match=r"4 Parquet files of 2 sets \(test-\*, train-\*\)\. Say which: '.*/test-\*'"):
        open_source(splits)
    assert len(open_source(f"{splits}/test-*")) == 2
    (splits / "test-00000-of-00001.parquet").unlink()
    (splits / "train-00001-of-00003.parquet").unlink()
    with pytest.raises(SourceError, match=r"2 Parquet files, and no 'train-00001-of-00003\.parquet'"):
        open_source(splits)
    source = open_source(f"{splits}/*.parquet")
    assert source.notes == ["shards may be missing: there is no train-00001-of-00003.parquet"]
    (splits / "train-00000-of-00003.parquet").rename(splits / "other.parquet")
    with pytest.raises(SourceError, match="that are not numbered. If they are one source, say so"):
        open_source(splits)


def test_a_damaged_row_group_spares_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(_table(_rows(30)), path, row_group_size=10, compression="none", use_dictionary=False)
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    source = open_source(path, skip_bad=10)
    assert sum(len(batch.names) for batch in source.batches(4)) == 20
    assert [bad.name for bad in source.bad] == [str(i) for i in range(10, 20)]
    assert all("cannot be read from its Parquet file" in bad.why for bad in source.bad)


def test_damaged_files_are_named(splits: Path) -> None:
    damaged = splits / "train-00001-of-00003.parquet"
    whole = damaged.read_bytes()
    for data in (whole[:-100], whole[:20], b"", b"PAR1" + b"\xff" * 4 + b"PAR1", whole[:-8] + b"\xff\xff\xff\x7fPAR1"):
        damaged.write_bytes(data)
        with pytest.raises(SourceError, match=r"file 2 of 3: .*train-00001-of-00003\.parquet: (not|refused)"):
            open_source(splits)


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.parquet"
    zeros = [{"bytes": bytes(1 << 20), "path": ""}] * 40
    pq.write_table(_table(zeros), path, compression="zstd", use_dictionary=False)
    with pytest.raises(SourceError, match=r"refused as a decompression bomb: [\d,]+ bytes of row group 0 unpack to"):
        open_source(path, limits=ArchiveLimits(ratio_floor=1 << 20)).content(0)
    pq.write_table(_table([{"bytes": _png(0), "path": ""}] * 100_000), path, compression="zstd")
    with pytest.raises(SourceError, match="100,000 rows in"):
        open_source(path)
    monkeypatch.setenv("GANBENCH_MEMORY", "64M")
    pq.write_table(_table([{"bytes": bytes(40 << 20), "path": ""}]), path, compression="none")
    with pytest.raises(SourceError, match=r"a page of 4[\d,]+ bytes is more than the memory budget allows"):
        open_source(path).content(0)


@pytest.mark.slow
def test_a_value_that_a_dictionary_repeats_is_unpacked_a_few_times_only(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    value = {"bytes": np.random.default_rng(0).bytes(8 << 20), "path": ""}
    options = {"compression": "none", "dictionary_pagesize_limit": 64 << 20}
    pq.write_table(_table([value] * 150), path, row_group_size=150, **options)
    assert path.stat().st_size < 9 << 20
    source = open_source(path)
    held = pa.total_allocated_bytes()
    assert len(source.content(75)) == 8 << 20
    assert pa.total_allocated_bytes() - held < 600 << 20  # of 1.2 GB


def test_page_headers_that_make_no_sense() -> None:
    for data in (b"", b"\x15", b"\xff" * 30, b"\x1c" * 50, b"\x00", b"\x15\x00\x15\x01\x15\x02\x00"):
        with pytest.raises(ValueError, match="page"):
            list(parquet_pages.pages(io.BytesIO(data), 0, max(1, len(data))))


def test_without_pyarrow(splits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SourceError, match=r"Parquet files take pyarrow: pip install 'ganbench\[parquet\]'"):
        open_source(splits)
