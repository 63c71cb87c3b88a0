"""Mutated shards and Parquet files, one among whole ones: nothing may get lost without a word."""

from __future__ import annotations

import io
import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.base import Sweep, guard
from campaigns.containers import COUNT, PACK, forge_tar, members, tar_of
from campaigns.mutate import damage
from ganbench.images.sources import open_source

_PACKED = {"gz": "tar.gz", "bz2": "tar.bz2", "xz": "tar.xz", "": "tar"}
_FILES = 3
_COUNTED = re.compile(r"[:,] ([\d,]+) [a-z.]")


def parquet_of(files: list[tuple[str, bytes]], **options: object) -> bytes:
    """Return a Parquet file with a column of images, as ``datasets`` writes it."""
    rows = [{"bytes": data, "path": name} for name, data in files]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(rows, kind), "label": list(range(len(rows)))})
    told = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(told), buffer, row_group_size=4, **options)
    return buffer.getvalue()


def seeds() -> dict[str, list[bytes]]:
    """Return whole files by their endings."""
    files = members()
    beside = [*files, *((f"{i}.json", b"{}") for i in range(COUNT))]
    found = {ending: [PACK[how](tar_of(sorted(beside)))] for how, ending in _PACKED.items()}
    found["parquet"] = [
        parquet_of(files, compression=how, data_page_version=version, use_dictionary=dictionary)
        for how in ("none", "snappy", "zstd", "gzip")
        for version in ("1.0", "2.0")
        for dictionary in (True, False)
    ]
    return found


class Shards(Sweep):
    """One of three files is damaged or forged; all are read to their end, in one and in pieces."""

    name = "shards"
    count = 1000

    def __init__(self, folder: Path) -> None:
        """Write the whole files."""
        super().__init__(folder)
        self._seeds = seeds()

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant."""
        ending = rng.choice([*self._seeds, "parquet", "parquet"])
        whole = rng.choice(self._seeds[ending])
        forged = ending == "tar" and rng.random() < 0.5
        how, data = forge_tar(whole, rng) if forged else damage(whole, rng)
        paths = [self.folder / f"faces-{i:05d}.{ending}" for i in range(_FILES)]
        for path in paths:
            path.write_bytes(whole)
        paths[1].write_bytes(data)
        faults = []
        for allowed in (0, _FILES * COUNT):
            faults += self._read(f"{ending} {how}, skip_bad {allowed}", allowed, forged and "type" in how)
        for path in paths:
            path.unlink()
        return faults

    def _read(self, label: str, allowed: int, fewer: bool) -> list[str]:
        source, faults = guard(label, lambda: open_source(self.folder, skip_bad=allowed))
        if source is None:
            return faults
        seen, more = guard(label, lambda: [one for batch in source.batches(4) for one in batch.digests])
        faults += more + guard(f"{label}, digest", source.digest)[1]
        opened, more = guard(f"{label}, pieces", lambda: [piece.open() for piece in source.pieces(5)])
        faults += more
        if seen is None or opened is None:
            return faults
        apart, more = guard(
            label, lambda: [one for part in opened for batch in part.batches(4) for one in batch.digests]
        )
        faults += more
        if apart is not None and apart != seen:
            faults.append(f"{label}: pieces show other images")
        told = len(seen) + len(source.bad) + sum(note.count(", '") + 1 for note in source.notes if "once" in note)
        passed = [note for note in source.notes if note.startswith("passed over")]
        told += sum(int(count.replace(",", "")) for note in passed for count in _COUNTED.findall(note))
        wanted = (_FILES - fewer) * COUNT * (1 if label.startswith("parquet") else 2)  # with what is beside them
        if told < wanted:
            faults.append(f"{label}: {wanted - told} of {wanted} files lost without a word: {source.notes}")
        return faults
