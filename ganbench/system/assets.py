"""Assets: files that ganbench uses and cannot ship, each pinned by its SHA-256.

A user supplies one once, from a path (``ganbench assets add``) or from its public address (``ganbench assets fetch``).
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ganbench.errors import AssetError, AssetMissing
from ganbench.registry import Registry
from ganbench.system.download import download
from ganbench.system.storage import atomic_write, data_dir, data_dirs, sha256_file

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asset:
    """One pinned file.

    Attributes:
        name: what commands call it.
        filename: its name in the assets folder.
        sha256: hash of its content, 64 hex digits.
        licence: licence and holder.
        what: what it is for.
        urls: public addresses, tried in turn.
        also_at: other names under which torch's download folder may hold the same bytes already.
    """

    name: str
    filename: str
    sha256: str
    licence: str
    what: str
    urls: tuple[str, ...]
    also_at: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the file is kept once it was added or fetched.

        Raises:
            CannotWrite: the user has no home.
        """
        return data_dir() / "assets" / self.filename

    def places(self) -> list[Path]:
        """Return every place where the file may be, in order of preference."""
        own = [folder / "assets" / self.filename for folder in data_dirs()]
        try:
            cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
            torch_home = Path(os.environ.get("TORCH_HOME", cache / "torch")).expanduser()
        except RuntimeError:
            return own  # a user without a home has no downloads of torch there
        return [*own, *(torch_home / "hub" / "checkpoints" / name for name in self.also_at)]


ASSETS: Registry[Asset] = Registry("asset")
ASSETS.add(
    "lbpcascade_animeface",
    Asset(
        "lbpcascade_animeface",
        "lbpcascade_animeface.xml",
        "9376d30ac38db6bda2a68b88b3b76bbd7e6aa33af47f7f5c76bc88ca75f1ce30",
        "MIT, (C) 2011 nagadomi",
        "OpenCV cascade behind afd[opencv-cascade]",
        ("https://raw.githubusercontent.com/nagadomi/lbpcascade_animeface/master/lbpcascade_animeface.xml",),
    ),
)
ASSETS.add(
    "inception",
    Asset(
        "inception",
        "pt_inception-2015-12-05-6726825d.pth",
        # The files of pytorch-fid and torch-fidelity are the same bytes under two names. The full hash stands in the
        # source of several public projects that pin it, under either name; it starts with the digits in the name.
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "Apache-2.0, TensorFlow models authors",
        "Inception-v3 weights behind fid[inception]",
        (
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        ),
        ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth"),
    ),
)


@lru_cache(maxsize=64)
def _hash_of(path: Path, size: int, modified_ns: int) -> str:
    """Return a file's hash, computed once while its size and time stay as they are."""
    del size, modified_ns
    found = sha256_file(path)
    _LOG.info("%s has SHA-256 %s", path, found)
    return found


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, remembered for as long as the file is not touched."""
    status = path.stat()
    return _hash_of(path, status.st_size, status.st_mtime_ns)


def find(name: str) -> Path | None:
    """Return the verified file of an asset, or None if it is nowhere on this machine.

    Raises:
        UnknownName: no such asset.
        AssetError: the file in the assets folder is damaged. Damaged files in other places count as absent.
    """
    asset = ASSETS[name]
    for place in asset.places():
        if not place.is_file():
            _LOG.debug("%s is not at %s", name, place)
            continue
        if file_hash(place) == asset.sha256:
            _LOG.info("%s is %s, SHA-256 as pinned", name, place)
            return place
        if place.parent.parent in data_dirs():
            raise AssetError(f"{place}: {_mismatch(asset, place)} Run: ganbench assets fetch {name}")
        _LOG.info("passed over %s: %s", place, _mismatch(asset, place))
    return None


def require(name: str) -> Path:
    """Return the verified file of an asset.

    Raises:
        AssetMissing: it is not there; the message holds the commands that supply it.
    """
    path = find(name)
    if path is None:
        raise AssetMissing(
            f"{name} is not installed. Run: ganbench assets fetch {name}, or with a copy at hand: "
            f"ganbench assets add {name} PATH"
        )
    return path


def add(name: str, path: Path) -> Path:
    """Check a file and copy it to the assets folder; returns where it is now.

    Raises:
        AssetError: no such file, or not the pinned one.
    """
    asset, path = ASSETS[name], Path(path)
    if not path.is_file():
        raise AssetError(f"{path}: no such file")
    if sha256_file(path) != asset.sha256:
        raise AssetError(f"{path}: {_mismatch(asset, path)} Get it from {asset.urls[0]}")
    with path.open("rb") as source, atomic_write(asset.path) as target:
        shutil.copyfileobj(source, target)
    return asset.path


def fetch(name: str) -> Path:
    """Download an asset unless it is there already; a download that was cut off goes on where it stopped.

    Raises:
        AssetError: no address answers with the pinned bytes.
    """
    asset = ASSETS[name]
    if asset.path.is_file() and file_hash(asset.path) == asset.sha256:
        return asset.path
    failures = []
    for url in asset.urls:
        try:
            download(url, asset.path, asset.sha256, what=name)
            return asset.path
        except AssetError as e:
            failures.append(str(e))
    raise AssetError(
        f"{name} could not be fetched: {'; '.join(failures)}. "
        f"With a copy from elsewhere: ganbench assets add {name} PATH"
    )


def _mismatch(asset: Asset, path: Path) -> str:
    return f"not {asset.name} (SHA-256 {file_hash(path)[:12]}…, expected {asset.sha256[:12]}…)."
