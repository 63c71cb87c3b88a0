"""Sources: anything that holds images, seen as an ordered list that streams uint8 RGB batches."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.decode import WHITE
from ganbench.images.limits import DEFAULT, ArchiveLimits
from ganbench.images.names import is_image_name
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.system.location import Location, told_as
from ganbench.system.urls import is_url, lost_slash

if TYPE_CHECKING:
    import torch

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARRAYS = (".npy", ".npz")
_ONLY_FLOATS = "value_range is for float arrays and tensors; image files say what they mean"
_ADVICE = {
    (".pt", ".pth"): "a tensor that torch saved: load it, and give ganbench.score the tensor, or save it as .npy",
    (".h5", ".hdf5", ".lmdb", ".mdb", ".arrow", ".tfrecord", ".mat", ".pkl", ".pickle"): (
        "a data set: write its images as files, or as one uint8 .npy of shape (N, H, W, 3)"
    ),
}


def open_source(
    what: str | Path | Sequence[str | Path] | np.ndarray | torch.Tensor | Source,
    *,
    recursive: bool = False,
    grid: tuple[int, int] | str | None = None,
    pad: int | None = None,
    resize: Resize | str | None = None,
    value_range: tuple[float, float] | None = None,
    skip_bad: int = 0,
    background: tuple[int, int, int] = WHITE,
    limits: ArchiveLimits = DEFAULT,
) -> Source:
    """Open anything that holds images.

    Args:
        what: a folder; a .zip or .tar archive, compressed or not; shards (tars in webdataset's form) by a pattern such
            as ``faces-{000000..000019}.tar`` or ``faces-*.tar``, by a list or their folder; Parquet files with a column
            of images, likewise; an .npy or .npz of images; one image file that is a sheet of tiles (with ``grid``);
            each as a path or, in a text, a URL (``s3://``, ``https://``); a NumPy array (N, H, W, 3); a torch tensor
            (N, 3, H, W); an opened source. Where there are several images in a sample or several such columns,
            ``#NAME`` after the text says which is meant.
        recursive: look into the subfolders of a folder too (archives are always read whole).
        grid: (rows, columns) of a sheet, or ``guess``.
        pad: pixels between the tiles of a sheet; None finds it.
        resize: rule such as ``64`` or ``64x64:lanczos``; without it, images of different sizes are an error.
        value_range: (low, high) of float pixels; required for them, refused for anything else.
        skip_bad: how many unreadable images may be left out.
        background: RGB under transparent pixels.
        limits: what an archive may hold before it is refused.

    Raises:
        SourceError: nothing there, nothing in it, of a form that is not supported, or an option that does not apply.
        RemoteError: what is at a URL cannot be read.
    """
    from ganbench.images.squashed import squashed

    rule = Resize.parse(resize)
    if isinstance(what, Source):
        if rule not in (None, what.resize) or (grid, pad, value_range) != (None, None, None):
            raise SourceError(f"{what.label} is already open; give resize, grid, pad and value_range when opening it")
        return what
    given = {"resize": rule, "skip_bad": skip_bad, "background": background}
    source = _open(what, grid, pad, value_range, limits, recursive, given)
    source.notes += squashed(source)
    return source


def _open(
    what: str | Path | Sequence[str | Path] | np.ndarray | torch.Tensor,
    grid: tuple[int, int] | str | None,
    pad: int | None,
    value_range: tuple[float, float] | None,
    limits: ArchiveLimits,
    recursive: bool,
    given: dict[str, Any],
) -> Source:
    """Open what is not open yet, as what it is."""
    from ganbench.images.arrays import ArraySource
    from ganbench.images.several import find_several

    if isinstance(what, str | Path | list | tuple) and (several := find_several(what)) is not None:
        _check_sheet_options(several.label, "files", grid, pad)
        if value_range is not None:
            raise SourceError(f"{several.label}: {_ONLY_FLOATS}")
        return several.open(limits=limits, **given)
    if not isinstance(what, str | Path):
        if isinstance(what, Sequence):
            raise SourceError(f"cannot read images from {type(what).__name__}; expected a path, an array or a tensor")
        _check_sheet_options("array", "array", grid, pad)
        return ArraySource.of("array", what, value_range=value_range, resize=given["resize"])
    if isinstance(what, str) and is_url(what):
        return _open_remote(what, grid, pad, value_range, limits, recursive, given)
    return _open_path(what if isinstance(what, Path) else Path(what), grid, pad, value_range, limits, recursive, given)


def _open_path(
    path: Path,
    grid: tuple[int, int] | str | None,
    pad: int | None,
    value_range: tuple[float, float] | None,
    limits: ArchiveLimits,
    recursive: bool,
    given: dict[str, Any],
) -> Source:
    """Open a folder or one file here, which was perhaps fetched from a URL."""
    from ganbench.images.archives import open_archive
    from ganbench.images.array_files import load_array
    from ganbench.images.arrays import ArraySource
    from ganbench.images.folder import open_folder
    from ganbench.images.sheets import SheetSource

    kind = _kind(path)
    _check_sheet_options(str(path), kind, grid, pad)
    if kind == "array":
        rows, notes = load_array(path, limits)
        source = ArraySource.of(str(path), rows, value_range=value_range, resize=given["resize"])
        source.notes += notes
        return source
    if value_range is not None:
        raise SourceError(f"{path}: {_ONLY_FLOATS}")
    if kind == "folder":
        return open_folder(path, recursive=recursive, limits=limits, **given)
    if kind == "archive":
        return open_archive(path, limits=limits, **given)
    if grid is None:
        raise SourceError(f"{path} is a single image. If it is a sheet of tiles, say so: --grid ROWSxCOLUMNS or guess")
    return SheetSource(path, grid=grid, pad=pad, resize=given["resize"], background=given["background"])


def _open_remote(
    url: str,
    grid: tuple[int, int] | str | None,
    pad: int | None,
    value_range: tuple[float, float] | None,
    limits: ArchiveLimits,
    recursive: bool,
    given: dict[str, Any],
) -> Source:
    """Open images at a URL: a file is fetched and opened as what it is, of a folder every image when it is wanted."""
    from ganbench.images.remote import open_remote_folder
    from ganbench.system.remote import fetch_file, is_folder

    location = Location(url)
    if is_folder(url):
        _check_sheet_options(str(location), "folder", grid, pad)
        if value_range is not None:
            raise SourceError(f"{location}: {_ONLY_FLOATS}")
        return open_remote_folder(url, recursive=recursive, limits=limits, **given)
    notes: list[str] = []
    path = fetch_file(url, notes.append)
    with told_as(location, path):
        source = _open_path(path, grid, pad, value_range, limits, recursive, given)
    source.label = str(location)
    source.notes += notes
    return source


def _check_sheet_options(label: str, kind: str, grid: tuple[int, int] | str | None, pad: int | None) -> None:
    if kind != "sheet" and (grid is not None or pad is not None):
        raise SourceError(
            f"{label}: --grid and --pad are for one image file that is a sheet. "
            "To cut a folder of sheets: ganbench data slice FOLDER OUT"
        )


def _kind(path: Path) -> str:
    from ganbench.images.archives import kind_of_archive

    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "folder"
        name = path.name.lower()
        if not stat.S_ISREG(mode):
            raise SourceError(f"{path}: neither a file nor a folder, but a pipe or a device")
        if name.endswith(ARRAYS):
            return "array"
        if is_image_name(path.name):
            return "sheet"
        saved = any(name.endswith(endings) for endings in _ADVICE)  # torch's files are zips
        if name.endswith(ARCHIVES) or (
            not saved and kind_of_archive(path)
        ):  # also those of a format that is not read: it says so
            return "archive"
    except FileNotFoundError as e:
        raise SourceError(f"{path}: no such file or folder{lost_slash(path)}") from e
    except (OSError, ValueError) as e:
        raise SourceError(f"{path}: cannot be read: {getattr(e, 'strerror', None) or e}") from e
    return _refuse(path)


def _refuse(path: Path) -> NoReturn:
    advice = next((text for endings, text in _ADVICE.items() if path.name.lower().endswith(endings)), "")
    known = f"Known: a folder, {', '.join(ARCHIVES + ARRAYS)}, .parquet, shards, or a sheet with --grid"
    raise SourceError(f"{path}: not a source of images{f', but {advice}' if advice else ''}. {known}")
