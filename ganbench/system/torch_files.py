"""The two forms of PyTorch files, the zip archive and the older sequence of pickles: what they describe, without torch.

Nothing here runs code of a file, takes memory by what it says, or reads the numbers of its tensors.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ganbench.errors import GanbenchError

_MOST_PICKLE = 16 << 20  # bytes that describe the tensors; a network of 1,000 tensors has 100 kB
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# Opcodes that make objects of classes, or take memory by what they say before they read it.
_REFUSED = (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4,
            pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX)  # fmt: skip


class TensorFileError(GanbenchError):
    """A file holds no tensors that can be read. The message is a reason, without the file's name."""


class HoldsCode(TensorFileError):
    """A file holds objects of classes, which only running code could make."""


@dataclass(frozen=True)
class Kind:
    """What the numbers of a storage are: torch's name for it, and bytes of one number."""

    name: str
    size: int


_KINDS = {
    "FloatStorage": Kind("float32", 4), "DoubleStorage": Kind("float64", 8), "HalfStorage": Kind("float16", 2),
    "BFloat16Storage": Kind("bfloat16", 2), "LongStorage": Kind("int64", 8), "IntStorage": Kind("int32", 4),
    "ShortStorage": Kind("int16", 2), "CharStorage": Kind("int8", 1), "ByteStorage": Kind("uint8", 1),
    "BoolStorage": Kind("bool", 1), "ComplexFloatStorage": Kind("complex64", 8),
    "ComplexDoubleStorage": Kind("complex128", 16),
}  # fmt: skip


class Storage:
    """The numbers that tensors are views of; read when they are first asked for."""

    def __init__(self, kind: Kind, count: int, read: Callable[[], bytearray] | None = None) -> None:
        """Describe a storage.

        Args:
            kind: what its numbers are.
            count: how many there are.
            read: returns their bytes; None: not known yet.
        """
        self.kind = kind
        self.count = count
        self.read = read
        self._data: bytearray | None = None

    def data(self) -> bytearray:
        """Return their bytes; the file must be open.

        Raises:
            Exception: whatever reading a damaged file raises.
        """
        if self._data is None:
            assert self.read is not None  # whoever opened the file has seen to it
            self._data = self.read()
        return self._data


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor in a file: what it will be, found to lie within the bytes that are there. Its numbers are not read yet.

    Attributes:
        shape: its shape.
        stride: numbers from one element to the next, along each axis.
        offset: of its first number in the storage.
        storage: where its numbers are.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    storage: Storage

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> str:
        """Return torch's name for what its numbers are, such as ``float32``."""
        return self.storage.kind.name


class _Bounded:
    """A file whose reads take no more memory than it has bytes left."""

    def __init__(self, file: Any, size: int) -> None:
        self._file, self._size = file, size

    def read(self, count: int) -> bytes:
        data: bytes = self._file.read(max(0, min(count, self._size - self._file.tell())))
        return data

    def readline(self) -> bytes:
        line: bytes = self._file.readline(_MOST_PICKLE)
        return line


class _Unpickler(pickle._Unpickler):  # in Python: the one in C sizes its memo by what the file says
    """Reads the pickles of ``torch.save``; calls nothing but what is listed here."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        code: load for code, load in pickle._Unpickler.dispatch.items() if code not in {op[0] for op in _REFUSED}
    }

    def __init__(self, file: Any, storage: Callable[[Kind, str, int], Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage
        self._known: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        if (module, name) == ("torch", "Size"):
            return tuple
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if (module, name) == ("_codecs", "encode"):
            return _bytes
        raise HoldsCode(f"holds {module}.{name}, and not tensors alone")

    def persistent_load(self, pid: Any) -> Storage:
        what, kind, key, _, count, *view = pid
        if what != "storage" or not isinstance(kind, Kind) or type(count) is not int or any(view):
            raise ValueError("a storage of unknown form")
        if key not in self._known:
            self._known[key] = self._storage(kind, str(key), count)
        found = self._known[key]
        if found.kind != kind or found.count != count:
            raise ValueError("a storage of two forms")
        return found

    def load_build(self) -> None:
        self.stack: list[Any]
        self.stack.pop()  # what a state dict says of its modules' versions
        if not isinstance(self.stack[-1], collections.OrderedDict):
            raise ValueError("a state of something else than a dict")

    dispatch[pickle.BUILD[0]] = load_build


def _tensor(storage: Storage, offset: int, size: Any, stride: Any, *rest: object) -> StoredTensor:
    """Stand for ``torch._utils._rebuild_tensor_v2``: a view of a storage that lies within it."""
    del rest  # whether it wants a gradient, and hooks
    size, stride = tuple(size), tuple(stride)
    numbers = (offset, *size, *stride)
    if not all(type(n) is int and n >= 0 for n in numbers) or len(size) != len(stride) or len(size) > 16:
        raise ValueError("a tensor of impossible shape")
    count, held = math.prod(size), storage.count
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if count > held or (count and last >= held):
        raise ValueError(f"a tensor of {count:,} numbers, of which {held:,} are there")
    return StoredTensor(size, stride, offset if count else 0, storage)


def _bytes(text: str, encoding: str) -> bytes:
    """Stand for ``_codecs.encode``: bytes as older pickles write them."""
    if encoding != "latin1":
        raise ValueError("bytes of unknown form")
    return text.encode("latin-1")


def _parameter(data: StoredTensor, *rest: object) -> StoredTensor:
    del rest
    return data


def read_zip(file: Any, path: Path) -> Any:
    """Return what an open zip archive describes, each tensor as a ``StoredTensor``; raises whatever a parser may."""
    size = path.stat().st_size
    archive = zipfile.ZipFile(file)
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) < len(archive.infolist()):
        raise ValueError("two entries of one name")
    (described,) = (name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1)
    folder = described.removesuffix("data.pkl")
    if f"{folder}constants.pkl" in entries:
        raise HoldsCode("holds a TorchScript program, and not tensors alone")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise ValueError("compressed, which torch.save never does")
    if sum(entry.file_size for entry in entries.values()) > size:
        raise ValueError("its entries are larger than the file")
    if f"{folder}byteorder" in entries and archive.read(f"{folder}byteorder") != b"little":
        raise ValueError("written on a machine of another byte order")
    if entries[described].file_size > _MOST_PICKLE:
        raise ValueError(f"its description has more than {_MOST_PICKLE >> 20} MiB")

    def read(entry: zipfile.ZipInfo) -> bytearray:
        data = bytearray(entry.file_size)
        with archive.open(entry) as record:
            if record.readinto(data) != len(data):  # type: ignore[attr-defined]  # it is a BufferedIOBase
                raise EOFError("cut short")
            record.read()  # checks the checksum
        return data

    def storage(kind: Kind, key: str, count: int) -> Storage:
        entry = entries[f"{folder}data/{key}"]
        if entry.file_size != count * kind.size:
            raise ValueError(f"{count:,} numbers of {kind.size} bytes in {entry.file_size:,} bytes")
        return Storage(kind, count, partial(read, entry))

    return _Unpickler(io.BytesIO(archive.read(described)), storage).load()


def read_sequence(file: Any, path: Path) -> Any:
    """Return what an open sequence of pickles describes, as ``read_zip`` does."""
    size = path.stat().st_size
    bounded = _Bounded(file, size)
    taken = 0

    def storage(kind: Kind, key: str, count: int) -> Storage:
        nonlocal taken
        del key
        taken += count * kind.size
        if count < 0 or taken > size:
            raise ValueError("its storages are larger than the file")
        return Storage(kind, count)  # its bytes come last

    def read(start: int, length: int) -> bytearray:
        data = bytearray(length)
        file.seek(start)
        if file.readinto(data) != length:
            raise EOFError("cut short")
        return data

    if _Unpickler(bounded, storage).load() != _MAGIC or _Unpickler(bounded, storage).load() != _PROTOCOL:
        raise ValueError("it begins otherwise")
    system = _Unpickler(bounded, storage).load()
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise ValueError("written on a machine of another byte order")
    objects = _Unpickler(bounded, storage)
    content = objects.load()
    for key in _Unpickler(bounded, storage).load():
        found = objects._known[key]
        length = found.count * found.kind.size
        if int.from_bytes(bounded.read(8), "little") != found.count or file.tell() + length > size:
            raise EOFError("cut short")
        found.read = partial(read, file.tell(), length)
        file.seek(length, io.SEEK_CUR)
    if any(found.read is None for found in objects._known.values()):
        raise EOFError("a storage without bytes")
    return content
