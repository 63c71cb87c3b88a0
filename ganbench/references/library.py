"""The library of references: finding them by name, and checking one from end to end."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from ganbench.errors import ReferenceError, UnknownName
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.references.parts import choose
from ganbench.references.reference import Reference
from ganbench.registry import did_you_mean
from ganbench.statistics.index import ImageIndex
from ganbench.system.storage import data_dirs, shipped_dir
from ganbench.system.wall import wall

DEFAULT_NAME = "anime-faces-64"


def holds_statistics(path: Path) -> bool:
    """Tell a reference file from a file of images by its array names, whatever its own name is."""
    if not path.is_file() or not (path.suffix.lower() == ".npz" or zipfile.is_zipfile(path)):
        return False
    try:
        with wall(ReferenceError), zipfile.ZipFile(path) as file:
            names = set(file.namelist())
    except ReferenceError:
        return path.suffix.lower() == ".npz"  # reading it will say what is wrong with it
    return bool(names & {"mu.npy", "sigma.npy", "feats.npy"})


def reference_folders() -> list[Path]:
    """Return the folders that references are found in by name: the user's own first, then the shipped ones."""
    return [*(folder / "references" for folder in data_dirs()), shipped_dir("reference_stats")]


def installed_references() -> list[Path]:
    """Return all reference files in ``reference_folders``, the user's own first."""
    return [path for folder in reference_folders() if folder.is_dir() for path in sorted(folder.glob("*.npz"))]


def find_reference(name: str, extractor: str) -> Path | None:
    """Return the file of a named reference for an extractor, or None if this extractor has none.

    Raises:
        UnknownName: no reference of this name for any extractor.
    """
    known = installed_references()
    wanted = f"{name}.{extractor.replace(':', '-')}.npz"
    for path in known:
        if path.name == wanted or path.stem == name:
            return path
    names = sorted({path.name.split(".")[0] for path in known})
    if name not in names:
        raise UnknownName(f"no reference named {name!r}, and no such file.{did_you_mean(name, names)}")
    return None


def find_by_name(name: str) -> Path:
    """Return the file of a named reference, for whichever extractor comes first: they are of the same images.

    Raises:
        UnknownName: no reference of this name.
    """
    known = [path for path in installed_references() if name in (path.stem, path.name.split(".")[0])]
    if not known:
        find_reference(name, "")  # says what there is
    return known[0]


@dataclass(frozen=True)
class Check:
    """One question about a reference, with its answer."""

    what: str
    ok: bool
    found: str


def check_reference(reference: Reference, source: str | None = None) -> list[Check]:
    """Check a loaded reference (loading has already checked its checksum).

    Args:
        reference: the reference.
        source: images that it should be made of; the content digest of the same choice among them is compared, or of as
            many, from the first, where there was no choice.
    """
    moments, sample = reference.features.moments, reference.features.sample
    mean, cov = moments.mean, moments.cov
    finite = bool(np.isfinite(mean).all() and np.isfinite(cov).all() and np.isfinite(sample).all())
    checks = [Check("all numbers finite", finite, "yes" if finite else "NaN or infinity found")]
    if finite:
        lowest, highest = np.linalg.eigvalsh(cov)[[0, -1]]
        # float32 storage moves eigenvalues by up to its rounding times the largest one.
        checks.append(
            Check(
                "sigma is a covariance",
                bool(lowest >= -1e-5 * abs(highest)),
                f"eigenvalues from {lowest:.2e} to {highest:.2e}",
            )
        )
    if finite and len(sample) > 1:
        # The sample was drawn from the same images: its mean must lie within sampling error of mu. The squared
        # distance has expectation trace(cov) (1/m - 1/n) under drawing without replacement; 3 is far outside it. Where
        # all images are alike nothing but the rounding of the sample to float32 is left.
        rounding = np.finfo(np.float32).eps ** 2 * float((mean**2).sum())
        expected = np.trace(cov) * (1 / len(sample) - 1 / moments.n) + 1e-6 * np.trace(cov) + rounding
        distance = float(((sample.mean(0, dtype=np.float64) - mean) ** 2).sum())
        ratio = distance / expected if expected else np.inf if distance else 0.0
        checks.append(
            Check("sample agrees with mu", bool(ratio < 3), f"squared distance {ratio:.2f} times the expected")
        )
    if reference.index is not None:
        checks.append(_check_index(reference))
    if reference.packets is not None:
        spans = np.linalg.eigvalsh(reference.packets.cov)[:, [0, -1]]
        worst = float((spans[:, 0] / np.maximum(spans[:, 1], 1e-300)).min())
        ok = bool(worst >= -1e-5)  # float32 storage, as above
        checks.append(Check("wavelet packets have covariances", ok, f"lowest eigenvalue {worst:.1e} of the highest"))
    if source is not None:
        opened = open_source(source, resize=reference.image_resize)
        checks.append(_check_digest("made of these images", _images_of(reference, opened), reference.data["digest"]))
        if reference.held_out is not None:
            held_out = _images_of(reference, opened, held_out=True)
            checks.append(_check_digest("held out of these images", held_out, reference.held_out["digest"]))
    return checks


def _check_index(reference: Reference) -> Check:
    """Check that the codes scatter as the covariance says: they are of the same images."""
    index, moments = cast(ImageIndex, reference.index), reference.features.moments
    axes = index.projection.axes.astype(np.float64)
    stated = np.einsum("dk,de,ek->k", axes, moments.cov, axes, optimize=True).sum()
    # Steps add their own variance; values beyond the last step, which are cut off, take some away.
    found = index.codes.var(axis=0, dtype=np.float64).sum() * index.projection.step**2
    ratio = found / stated if stated > 0 else 1.0
    return Check("index agrees with sigma", bool(0.9 < ratio < 1.1), f"variance {ratio:.3f} times the stated")


def _images_of(reference: Reference, opened: Source, *, held_out: bool = False) -> Source | None:
    """Return the images that a reference says it is made of, or were held out; None where there are not as many."""
    choice = reference.data.get("choice")
    count = reference.data["count"] if choice is None else choice["count"]
    if count is None or len(opened) < count:
        return None
    if choice is None:
        return opened.first(count)
    parts = choose(opened.first(count), choice["split"], choice["held_out"], choice["seed"])
    part = next((part for part in parts if part.name == (choice["part"] or "")), None)
    return None if part is None else part.held_out if held_out else part.images


def _check_digest(what: str, source: Source | None, wanted: str | None) -> Check:
    digest = "too few images" if source is None else source.digest()
    return Check(what, digest == wanted, f"digest {digest[:16]}")
