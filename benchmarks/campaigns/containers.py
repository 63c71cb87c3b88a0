"""Mutated archives and array files: no image may get lost, or become another one, without a word."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from campaigns.base import Sweep, guard
from campaigns.images import encode, smooth
from campaigns.mutate import damage
from ganbench.images.sources import open_source

COUNT = 6  # images in every container
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": lambda raw: gzip.compress(raw, 6, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
}
# Every extension of a tar that the package opens, with what it is packed in.
TARS = {".tar": "", ".tgz": "gz", ".tar.gz": "gz", ".tar.bz2": "bz2", ".tbz2": "bz2", ".tar.xz": "xz", ".txz": "xz"}
_TAR_FIELDS = {"name": (0, 100), "mode": (100, 108), "size": (124, 136), "mtime": (136, 148), "type": (156, 157)}
_TAR_FIELDS |= {"link": (157, 257), "magic": (257, 265), "prefix": (345, 500)}
_SIZES: tuple[bytes, ...] = (
    b"\x80" + b"\xff" * 11,
    b"\xff" * 12,
    b"77777777777\0",
    b"-0000000001\0",
    b"00000000000\0",
    b"zzzz\0",
)
_SIZES += tuple(b"\xff" * 4 + struct.pack(">q", n) for n in (-512, -1024))
_SIZES += tuple(b"\x80" + bytes(3) + struct.pack(">Q", n) for n in (1 << 62, 1 << 63, 1 << 40))
_TYPES = (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"L", b"K", b"S", b"x", b"g", b"D", b"V", b"Z", b"\0")
_NAMES: tuple[bytes, ...] = (
    b"../x.png",
    b"/etc/x.png",
    b"a/../../x.png",
    b"\x1b[31m.png",
    b"\xff\xfe.png",
    b".",
    b"",
    b"0.png",
)
_NAMES += (b"x" * 100, b"1.png\n2.png", b"C:\\x.png", b"./0.png", b"0.png/", b"0.pn\0g")
_SHAPES: tuple[str, ...] = (
    "(6, 16, 16, 3)",
    "(5, 16, 16, 3)",
    "(10**3, 64, 64, 3)",
    "(10**12, 64, 64, 3)",
    "(-1, 16, 16, 3)",
    "()",
)
_SHAPES += ("(9223372036854775807, 2, 2, 3)", "(0, 16, 16, 3)", "(6.0, 16, 16, 3)", "(True, 16, 16, 3)", "('a',)")
_SHAPES += ("(6, 16, 16, 3", "(18446744073709551617, 1, 1, 3)", "(2147483647, 2147483647, 2147483647, 3)", "[6]")
_DTYPES = ("'|u1'", "'<f4'", "'>f8'", "'|O'", "'|S5'", "'<U3'", "[('a', '|u1')]", "'|V10'", "'|b1'", "None", "'zzz'")


def members() -> list[tuple[str, bytes]]:
    """Return six images, as (name, file)."""
    rng = np.random.default_rng(3)
    kinds = [("JPEG", "jpg"), ("PNG", "png")]
    return [(f"{i}.{kinds[i % 2][1]}", encode(smooth(rng, 16), kinds[i % 2][0])) for i in range(COUNT)]


def tar_of(files: list[tuple[str, bytes]], form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a plain tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def seeds() -> dict[str, list[bytes]]:
    """Return whole containers of every extension."""
    files = members()
    long = [(("deep" * 30 + "/" if i == 3 else "") + name, data) for i, (name, data) in enumerate(files)]
    plain = [tar_of(files, tarfile.USTAR_FORMAT), tar_of(long), tar_of(long, tarfile.PAX_FORMAT)]
    pixels = np.random.default_rng(4).integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)
    found = {extension: [PACK[how](raw) for raw in plain] for extension, how in TARS.items()}
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    found[".zip"] = [zip_of(files, method) for method in methods]
    found[".npy"] = [_saved(np.save, pixels), _saved(np.save, np.asfortranarray(pixels))]
    found[".npz"] = [
        _saved(np.savez, images=pixels),
        _saved(np.savez_compressed, images=pixels),
        _saved(np.savez, pixels),
    ]
    return found


def _saved(save: Callable[..., None], *arrays: np.ndarray, **named: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


class Containers(Sweep):
    """Every mutant is opened and read to its end: twice, with damaged images forbidden and allowed."""

    name = "containers"
    count = 1500

    def __init__(self, folder: Path) -> None:
        """Read the whole containers, to know their images."""
        super().__init__(folder)
        self._seeds = seeds()
        self._known: set[str] = set()
        for extension, wholes in self._seeds.items():
            for whole in wholes:
                path = folder / f"whole{extension}"
                path.write_bytes(whole)
                self._known |= {one for batch in open_source(path).batches(8) for one in batch.digests}

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant."""
        extension = rng.choice(list(self._seeds))
        whole = rng.choice(self._seeds[extension])
        forged = rng.random() < 0.35
        how, data = forge(extension, whole, rng) if forged else damage(whole, rng)
        path = self.folder / f"mutant{extension}"
        path.write_bytes(data)
        faults = []
        for allowed in (0, COUNT):
            label = f"{extension} {how}, skip_bad {allowed}"
            wanted = 0 if "type" in how else COUNT  # a member of another type is no image any more
            checked = not forged and extension not in (".tar", ".npy")
            faults += self._read(path, label, allowed, wanted=wanted, checked=checked)
        path.unlink()
        return faults

    def _read(self, path: Path, label: str, allowed: int, *, wanted: int, checked: bool) -> list[str]:
        """Read a mutant; ``checked``: its format has checksums, so that damage to an image must be noticed."""
        source, faults = guard(label, lambda: open_source(path, skip_bad=allowed))
        if source is None:
            return faults
        seen, more = guard(label, lambda: [one for batch in source.batches(4) for one in batch.digests])
        faults += more + guard(f"{label}, digest", source.digest)[1]
        if seen is None:
            return faults
        told = len(seen) + len(source.bad) + len(source.ignored) + len(getattr(source, "folders", []))
        told += sum(note.count(", '") + 1 for note in source.notes if note.startswith("in the archive more than once"))
        if told < wanted:
            faults.append(f"{label}: {wanted - told} of {wanted} images lost without a word")
        if checked and (strange := [one for one in seen if one not in self._known]):
            faults.append(f"{label}: {len(strange)} images changed without a word")
        return faults


def forge(extension: str, whole: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return what was forged, and a container with headers that lie, whole otherwise."""
    if extension in TARS:
        how, raw = forge_tar(_UNPACK[TARS[extension]](whole), rng)
        return f"forged {how}", PACK[TARS[extension]](raw)
    if extension == ".npy":
        return "forged header", forge_npy(whole, rng)
    return "forged records", forge_zip(whole, rng)


def forge_tar(raw: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Change one or two fields of headers, or wipe a header out; the checksums of those that are there are right."""
    out = bytearray(raw)
    heads = [i for i in range(0, len(out), 512) if out[i + 257 : i + 262] == b"ustar"]
    done = []
    for _ in range(rng.randint(1, 2)):
        at, name = rng.choice(heads), rng.choice([*_TAR_FIELDS, "wipe"])
        done.append(name)
        if name == "wipe":
            out[at : at + 512] = bytes(512)
            continue
        begin, stop = _TAR_FIELDS[name]
        chosen = {"size": _SIZES, "mtime": _SIZES, "type": _TYPES, "name": _NAMES}.get(name)
        value = rng.choice(chosen) if chosen else rng.randbytes(stop - begin)
        out[at + begin : at + stop] = value.ljust(stop - begin, b"\0")[: stop - begin]
        out[at + 148 : at + 156] = b" " * 8
        out[at + 148 : at + 156] = b"%06o\0 " % sum(out[at : at + 512])
    return " and ".join(done), bytes(out)


def forge_zip(raw: bytes, rng: random.Random) -> bytes:
    """Change one to three fields of a zip's records."""
    out = bytearray(raw)
    sizes = {b"PK\x01\x02": 46, b"PK\x03\x04": 30, b"PK\x05\x06": 22}
    spots = [(i, sizes[raw[i : i + 4]]) for i in range(len(raw) - 3) if raw[i : i + 4] in sizes]
    for _ in range(rng.randint(1, 3)):
        at, size = rng.choice(spots)
        value = rng.choice([b"\xff\xff", b"\xff" * 4, b"\0\0", bytes(4), b"\x7f", b"\x01\0", b"\x08\0", b"\x63\0"])
        begin = at + rng.randrange(4, size - len(value))
        out[begin : begin + len(value)] = value
    return bytes(out)


def forge_npy(raw: bytes, rng: random.Random) -> bytes:
    """Give an array another header."""
    body = raw[10 + struct.unpack("<H", raw[8:10])[0] :]
    form = rng.choice(
        [
            "{'descr': %s, 'fortran_order': %s, 'shape': %s, }",
            "{'descr': %s, 'fortran_order': %s, 'shape': %s",
            "{'descr': %s, 'fortran_order': %s, 'shape': %s, 'x': 1}",
            "(((((%s, %s, %s",
            "{[]: %s, 'f': %s, 's': %s}",
        ]
    )
    text = form % (rng.choice(_DTYPES), rng.choice(["False", "True", "5"]), rng.choice(_SHAPES))
    text = rng.choice([text] * 18 + ["(" * 5000, "-" * 9000 + "1"])
    header = text.encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    version = rng.choice([1, 1, 1, 2, 3, 4])
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + body
