"""Mutated image files, alone, among good ones in a folder, and as sheets: none may end a run, and none may get lost."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from campaigns.base import Sweep, guard
from campaigns.mutate import damage
from ganbench.images.decode import decode
from ganbench.images.sources import open_source

_SIZES = (
    *((0, 0), (0, 64), (1, 1), (1, 2**24), (2**16 - 1, 2**16 - 1), (2**31 - 1, 2**31 - 1), (16383, 16383)),
    *((8000, 8000), (8001, 8001), (100_000, 600), (20_000, 3_200), (64, 65)),
)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file of a format that Pillow names ``kind``."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def smooth(rng: np.random.Generator, side: int = 64) -> Image.Image:
    """Return an image of soft colours, as a face is to a compressor."""
    coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def seeds() -> dict[str, list[bytes]]:
    """Return whole files of every format that is decoded, in the variants that decoders treat differently."""
    rng = np.random.default_rng(1)
    image = smooth(rng)
    layered = Image.fromarray(rng.integers(0, 256, (64, 64, 4), dtype=np.uint8), "RGBA")
    deep = Image.fromarray(rng.integers(0, 65536, (64, 64)).astype(np.uint16))
    indexed, bits, grey = image.convert("P"), image.convert("1"), image.convert("L")
    turned = Image.Exif()
    turned[0x0112], turned[0x010E] = 6, "a drawing"
    frames = [smooth(rng) for _ in range(3)]
    film = {"save_all": True, "append_images": frames}
    return {
        "JPEG": [
            *(encode(one, "JPEG", quality=80) for one in (image, grey, image.convert("CMYK"))),
            *(encode(image, "JPEG", progressive=True), encode(image, "JPEG", exif=turned, quality=40)),
        ],
        "PNG": [
            *(encode(one, "PNG") for one in (image, layered, deep, bits, grey, indexed)),
            *(encode(indexed, "PNG", transparency=3), encode(image, "PNG", exif=turned), encode(image, "PNG", **film)),
        ],
        "WEBP": [
            *(encode(image, "WEBP"), encode(layered, "WEBP", lossless=True), encode(image, "WEBP", **film)),
            encode(image, "WEBP", exif=turned.tobytes()),
        ],
        "BMP": [encode(one, "BMP") for one in (image, indexed, bits, layered, grey)],
        "GIF": [encode(indexed, "GIF"), encode(indexed, "GIF", **film, transparency=0)],
        "TIFF": [
            *(encode(one, "TIFF") for one in (image, deep, bits)),
            *(encode(image, "TIFF", compression=how) for how in ("tiff_lzw", "jpeg", "tiff_deflate", "packbits")),
        ],
    }


EXTENSION_OF = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "GIF": ".gif", "TIFF": ".tif"}


def claim_size(data: bytes, kind: str, rng: random.Random) -> bytes:
    """Return a file that claims another width and height than it has."""
    width, height = rng.choice(_SIZES)
    out = bytearray(data)
    if kind == "PNG":
        out[16:24] = struct.pack(">II", width, height)
        out[29:33] = struct.pack(">I", zlib.crc32(bytes(out[12:29])))  # so that it is believed
    elif kind == "JPEG":
        at = next((i for i in range(2, len(out) - 9) if out[i] == 0xFF and out[i + 1] in (0xC0, 0xC1, 0xC2)), None)
        if at is not None:
            out[at + 5 : at + 9] = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
    elif kind == "GIF":
        out[6:10] = struct.pack("<HH", width & 0xFFFF, height & 0xFFFF)
        at = bytes(out).find(b"\x2c", 13)
        if at > 0 and rng.random() < 0.5:
            out[at + 5 : at + 9] = out[6:10]
    elif kind == "BMP":
        out[18:26] = struct.pack("<ii", width, rng.choice([1, -1]) * height)
    elif kind == "WEBP" and bytes(out[12:16]) == b"VP8X":
        out[24:30] = struct.pack("<I", width & 0xFFFFFF)[:3] + struct.pack("<I", height & 0xFFFFFF)[:3]
    else:
        at = rng.randrange(4, len(out) - 4)
        out[at : at + 4] = struct.pack("<I", width)
    return bytes(out)


class Images(Sweep):
    """Every mutant is decoded alone, then streamed from a folder among whole images, then cut up as a sheet."""

    name = "images"
    count = 1500

    def __init__(self, folder: Path) -> None:
        """Write the whole images."""
        super().__init__(folder)
        self._seeds = seeds()
        self._class = folder / "class"
        self._class.mkdir(exist_ok=True)
        good = self._seeds["PNG"][0]
        for name in ("1.png", "3.png"):
            (self._class / name).write_bytes(good)

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant."""
        kind = rng.choice(list(self._seeds))
        whole = rng.choice(self._seeds[kind])
        how, data = ("size", claim_size(whole, kind, rng)) if rng.random() < 0.25 else damage(whole, rng)
        label = f"{kind} {how}"
        pixels, faults = guard(label, lambda: decode(data, "mutant"))
        if pixels is not None and not (pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3):
            faults.append(f"{label}: decodes to {pixels.dtype} {pixels.shape}")
        name = f"2{EXTENSION_OF[kind]}"
        path = self._class / name
        path.write_bytes(data)
        faults += self._stream(label, name)
        if number % 10 == 0:
            faults += guard(f"{label}, sheet", lambda: _read(path, grid=rng.choice(["guess", (2, 2)])))[1]
        path.unlink()
        return faults

    def _stream(self, label: str, name: str) -> list[str]:
        """Stream the folder: the good images come, and the mutant comes or is named as bad."""
        opened, faults = guard(f"{label}, folder", lambda: open_source(self._class, resize="64", skip_bad=1))
        if opened is None:
            return faults or [f"{label}: one bad image ends the folder, although it may be skipped"]
        seen, more = guard(f"{label}, folder", lambda: [one for b in opened.batches(8) for one in b.names])
        if seen is None:
            return [*faults, *more] or [f"{label}: one bad image ends the folder, although it may be skipped"]
        bad = [one.name for one in opened.bad]
        if sorted(seen + bad) != sorted(["1.png", "3.png", name]) or bad not in ([], [name]):
            faults.append(f"{label}: images lost: {seen} seen, {bad} bad")
        return faults + guard(f"{label}, digest", opened.digest)[1]


def _read(path: Path, grid: Any) -> int:
    source = open_source(path, grid=grid, resize="64")
    return sum(len(batch.names) for batch in source.batches(8))
