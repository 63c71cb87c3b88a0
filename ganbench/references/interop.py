"""Statistics files of other tools: pytorch-fid's ``mu`` and ``sigma``, and clean-fid's pair of files.

``open_reference`` reads any of them, so theirs serve as references directly. clean-fid keeps raw features in a second
file, ``*_kid.npz``, which a reference with a sample can be made from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganbench.errors import ReferenceError
from ganbench.references.kept import was_read
from ganbench.references.reference import Reference
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments
from ganbench.system.storage import atomic_write


def write_pytorch_fid(reference: Reference, path: Path) -> None:
    """Write ``mu`` (D,) and ``sigma`` (D, D), float64, as ``python -m pytorch_fid --save-stats`` does.

    The numbers compare with pytorch-fid's own only if the reference was built with ``inception:pytorch-fid``: the file
    cannot say.
    """
    moments = reference.features.moments
    with atomic_write(Path(path)) as f:
        np.savez_compressed(f, mu=moments.mean, sigma=moments.cov)


def write_clean_fid(reference: Reference, folder: Path, name: str, *, mode: str = "clean") -> tuple[Path, Path]:
    """Write the two files that clean-fid keeps for a custom data set, under the names it looks for.

    Args:
        reference: its sample becomes the features for KID.
        folder: clean-fid's statistics folder, ``cleanfid/stats`` in its installation.
        name: what ``dataset_name`` will be.
        mode: clean-fid's resize mode; ``clean`` fits ``inception:clean``.

    Returns:
        The file with ``mu`` and ``sigma``, and the one with ``feats`` (m, D) float32.

    Raises:
        ReferenceError: the reference has no sample, because it came from a file with ``mu`` and ``sigma`` only.
    """
    if not len(reference.features.sample):
        raise ReferenceError(f"{reference.name}: holds mu and sigma only; clean-fid's KID file needs features.")
    statistics = Path(folder) / f"{name}_{mode}_custom_na.npz".lower()
    features = Path(folder) / f"{name}_{mode}_custom_na_kid.npz".lower()
    write_pytorch_fid(reference, statistics)
    with atomic_write(features) as f:
        np.savez_compressed(f, feats=np.asarray(reference.features.sample, np.float32))
    return statistics, features


def open_reference(path: Path) -> Reference:
    """Read a statistics file of any of the tools: ours, pytorch-fid's, or clean-fid's with the one beside it.

    Raises:
        ReferenceError: absent, damaged, or of another form.
    """
    if was_read(path):  # so it is ours
        return Reference.load(path)
    from ganbench.references.stored import read_headers

    known = read_headers(path)
    if "feats" in known or ("meta" not in known and _kid_beside(path).is_file()):
        return read_clean_fid(path)
    return Reference.load(path)


def read_clean_fid(path: Path) -> Reference:
    """Read clean-fid's statistics: either file alone, or both when they lie side by side.

    Args:
        path: the file with ``mu`` and ``sigma``, or the one with ``feats``; the other one beside it is read too.

    Returns:
        A reference of unknown origin; with the features as its sample, in the file's order, if they are there.

    Raises:
        ReferenceError: absent, damaged, or the two files are not of the same images.
    """
    from ganbench.references.stored import read_features, read_headers

    path = Path(path)
    if not path.is_file():
        raise ReferenceError(f"{path}: no such statistics file")
    if path.stem.endswith("_kid"):
        statistics, kid = path.with_name(f"{path.stem.removesuffix('_kid')}.npz"), path
    elif "feats" in read_headers(path):
        statistics, kid = None, path
    else:
        statistics, kid = path, _kid_beside(path)
    if statistics is not None and not kid.is_file():
        return Reference.load(statistics)
    sample = read_features(kid)
    features = FeatureSet(Moments.of(sample), sample, np.arange(len(sample)), None)
    if statistics is not None and statistics.is_file():
        theirs = Reference.load(statistics).features.moments
        _refuse_two_sets(theirs, features.moments, f"{statistics} and {kid.name}")
        # mu and sigma may rest on more digits than the features hold; they are what clean-fid's FID reads.
        moments = Moments.from_cov(theirs.mean, theirs.cov, len(sample))
        features = FeatureSet(moments, sample, np.arange(len(sample)), None)
    data = {"label": kid.name, "count": len(sample), "digest": None}
    return Reference(features, None, None, None, data, versions={}, name=(statistics or kid).stem)


def _refuse_two_sets(one: Moments, other: Moments, label: str) -> None:
    """Refuse moments of different images, of which each metric would believe one or the other."""
    differ = ""
    if one.mean.shape != other.mean.shape or not np.allclose(one.mean, other.mean, rtol=1e-3, atol=1e-4):
        differ = "means"
    # Some tools divide by n where others divide by n - 1.
    elif np.linalg.norm(one.cov - other.cov) > (1e-3 + 2 / other.n) * np.linalg.norm(other.cov):
        differ = "covariances"
    if differ:
        raise ReferenceError(f"{label} are not of the same images: their {differ} differ. Move one of them elsewhere")


def _kid_beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}_kid.npz")
