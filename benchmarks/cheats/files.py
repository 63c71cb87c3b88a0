"""How a submission is written: the assignment's archive, or files that keep every pixel."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

LIMIT_BYTES = 2_000_000
Encode = Callable[[np.ndarray], bytes]


@dataclass(frozen=True)
class Packed:
    """A submission: files by name, in an archive or a folder."""

    files: Sequence[tuple[str, bytes]]
    archive: bool = True

    def write(self, folder: Path, name: str) -> Path:
        """Write it into a folder, as ``NAME.tgz`` or as a folder of that name; returns where it is."""
        if not self.archive:
            path = folder / name
            path.mkdir(parents=True, exist_ok=True)
            for file, content in self.files:
                (path / file).write_bytes(content)
            return path
        path = folder / f"{name}.tgz"
        path.write_bytes(tgz(self.files))
        return path


def tgz(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Return an archive of files, without folders; images hardly shrink, so that it is packed fast and not small."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """Return an image as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def png(image: np.ndarray) -> bytes:
    """Return an image as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decoded(content: bytes) -> np.ndarray:
    """Return the pixels of a file, uint8 (H, W, 3)."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def numbered(contents: Sequence[bytes], ending: str = "jpg") -> list[tuple[str, bytes]]:
    """Return files named 1.jpg, 2.jpg, ..."""
    return [(f"{number}.{ending}", content) for number, content in enumerate(contents, 1)]


def valid(images: np.ndarray, qualities: Sequence[int] = (92, 88, 84, 78, 70, 60, 45, 30)) -> Packed:
    """Return what the assignment asks for: an archive under 2 MB of JPEGs, of the best quality that fits."""
    for quality in qualities:
        files = numbered([jpeg(image, quality) for image in images])
        if sum(len(content) + 600 for _, content in files) < LIMIT_BYTES or len(tgz(files)) < LIMIT_BYTES:
            break
    return Packed(files)


def lossless(images: np.ndarray) -> Packed:
    """Return a folder of PNGs: what was made, to the last bit."""
    return Packed(numbered([png(image) for image in images], "png"), archive=False)
