"""What the self-test is held against: pictures, and the values that they must have. They ship with ganbench."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.errors import AssetError
from ganbench.system.storage import sha256_file, shipped_dir
from ganbench.system.wall import wall

PICTURES, ARRAYS, CARD = "pictures.zip", "expected.npz", "card.json"


@dataclass(frozen=True, eq=False)
class Expected:
    """What ships.

    Attributes:
        pictures: encoded files by their names.
        arrays: what must come out, by name.
        metrics: of each metric by its name: ``version``, ``value``, ``low``, ``high``.
        score: of each result of the pictures by its id, likewise.
        reference: identity of the shipped reference.
        digest: of all of it, 64 hex digits.
        archive: where the pictures lie.
    """

    pictures: dict[str, bytes]
    arrays: dict[str, np.ndarray]
    metrics: dict[str, dict[str, Any]]
    score: dict[str, dict[str, Any]]
    reference: str
    digest: str
    archive: Path


def expected() -> Expected:
    """Return what ships, after checking it against its card.

    Raises:
        AssetError: it is not there, or is not what its card names.
    """
    folder = shipped_dir("selftest")
    with wall(
        lambda why: AssetError(f"{folder}: the values of the self-test cannot be read: {why}. Reinstall ganbench")
    ):
        card = json.loads((folder / CARD).read_text("utf-8"))
        for name in (PICTURES, ARRAYS):
            if sha256_file(folder / name) != card["sha256"][name]:
                raise AssetError(f"{folder / name}: not the file of its card (SHA-256 differs). Reinstall ganbench")
        with zipfile.ZipFile(folder / PICTURES) as archive:
            pictures = {name: archive.read(name) for name in archive.namelist()}
        with np.load(io.BytesIO((folder / ARRAYS).read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        digest = sha256_file(folder / CARD)  # which names the two others by their hashes
        return Expected(pictures, arrays, card["metrics"], card["score"], card["reference"], digest, folder / PICTURES)
