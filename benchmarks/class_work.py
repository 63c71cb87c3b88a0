"""What people hand in: ways to cheat with images, and ways to break an archive."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageEnhance

QUALITY = 75
Pixels = np.ndarray


def _each(change: Callable[[Image.Image], Image.Image]) -> Callable[[Pixels], Pixels]:
    return lambda images: np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def _recompressed(quality: int) -> Callable[[Image.Image], Image.Image]:
    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return change


def _cropped(image: Image.Image) -> Image.Image:
    w, h = image.size
    edge = round(0.1 * w / 2)
    return image.crop((edge, edge, w - edge, h - edge)).resize((w, h), Image.Resampling.BICUBIC)


def _hue(image: Image.Image) -> Image.Image:
    hsv = np.array(image.convert("HSV"))
    hsv[..., 0] += 12
    return Image.fromarray(hsv, "HSV").convert("RGB")


def _noisy(images: Pixels) -> Pixels:
    noise = np.random.default_rng(1).normal(0, 8, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def _shifted(images: Pixels, by: int = 2) -> Pixels:
    return np.pad(images, ((0, 0), (by, 0), (by, 0), (0, 0)), mode="edge")[:, : images.shape[1], : images.shape[2]]


def _repeated(images: Pixels) -> Pixels:
    few = images[: max(2, len(images) * 3 // 10)]
    return few[np.arange(len(images)) % len(few)]


def _repeated_shifted(images: Pixels) -> Pixels:
    found = _repeated(images)
    return np.stack([np.roll(image, (n // 7 % 3 - 1, n // 5 % 3 - 1), (0, 1)) for n, image in enumerate(found)])


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "copied as they are": lambda images: images,
    "copied, mirrored": lambda images: images[:, :, ::-1],
    "copied, JPEG 50": _each(_recompressed(50)),
    "copied, shifted": _shifted,
    "copied, cropped": _each(_cropped),
    "copied, brighter": _each(lambda image: ImageEnhance.Brightness(image).enhance(1.15)),
    "copied, another hue": _each(_hue),
    "copied, noise": _noisy,
}
REPEATS = {"repeated": _repeated, "repeated, shifted": _repeated_shifted}
SHARES: dict[str, Callable[[Pixels], Pixels]] = {
    "a classmate's": lambda images: images,
    "a classmate's, mirrored": lambda images: _each(_recompressed(60))(images[:, :, ::-1]),
}
WAYS = [*COPIES, *REPEATS, *SHARES]
FLAG = dict.fromkeys(COPIES, "copied") | dict.fromkeys(REPEATS, "repeated") | dict.fromkeys(SHARES, "shared")


def encoded(images: Pixels) -> list[bytes]:
    """Return images as JPEG files."""
    found = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY)
        found.append(buffer.getvalue())
    return found


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a .tgz of files."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=1) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def numbered(files: Sequence[bytes], first: int = 1, pattern: str = "{}.jpg") -> list[tuple[str, bytes]]:
    """Return files with their names."""
    return [(pattern.format(number), data) for number, data in enumerate(files, first)]


def _bomb(files: list[bytes]) -> bytes:
    del files
    huge = io.BytesIO()
    Image.new("L", (20_000, 20_000)).save(huge, "PNG")
    return packed(numbered([huge.getvalue()] * 40))


def _larger(files: list[bytes]) -> bytes:
    images = np.stack([np.asarray(Image.open(io.BytesIO(data)).resize((66, 66))) for data in files])
    return packed(numbered(encoded(images)))


BROKEN: dict[str, Callable[[list[bytes]], bytes]] = {
    "cut short": lambda files: packed(numbered(files))[:-2000],
    "empty": lambda files: b"",
    "a bomb": _bomb,
    "numbered from 0": lambda files: packed(numbered(files, 0)),
    "one too few": lambda files: packed(numbered(files[:-1])),
    "of another size": _larger,
    "in a folder": lambda files: packed(numbered(files, pattern="output/{}.jpg")),
    "a text": lambda files: b"my images are on the server\n",
    "one image cut short": lambda files: packed(numbered([*files[:-1], files[-1][: len(files[-1]) // 2]])),
    "Chinese names inside": lambda files: packed(numbered(files, pattern="圖{}.jpg")),
}
