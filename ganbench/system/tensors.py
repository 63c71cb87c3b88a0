"""PyTorch files of unknown origin: tensors, plain containers, numbers and texts, and nothing else.

``torch.load`` with ``weights_only`` runs no code, but believes sizes: a storage that is said to be larger than its
bytes is read past its end, a few bytes with strides of 0 make a matrix of any size, and compressed entries unpack to
any number of gigabytes. Here every size is held against the file before memory is taken, so that no more is ever in
memory than the file has bytes. Both forms are read: the zip archive, and the older sequence of pickles.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch

from ganbench.errors import GanbenchError
from ganbench.system.wall import wall

_MOST_PICKLE = 16 << 20  # bytes that describe the tensors; a network of 1,000 tensors has 100 kB
_MOST_NESTED = 32
_PICKLE = b"\x80"  # how files of before PyTorch 1.6 begin
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128,
}  # fmt: skip
# Opcodes that make objects of classes, or take memory by what they say before they read it.
_REFUSED = (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4,
            pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX)  # fmt: skip


class TensorFileError(GanbenchError):
    """A file holds no tensors that can be read. The message is a reason, without the file's name."""


class HoldsCode(TensorFileError):
    """A file holds objects of classes, which only running code could make."""


def read_tensors(path: Path, device: torch.device | str = "cpu") -> Any:
    """Return what ``torch.save`` wrote: tensors in dicts, lists and tuples, with numbers and texts.

    Args:
        path: the file.
        device: where the tensors go.

    Raises:
        FileNotFoundError: there is no such file.
        HoldsCode: it holds other objects.
        TensorFileError: it is damaged, no PyTorch file, or sizes in it do not fit its bytes.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    with wall(lambda why: TensorFileError(f"damaged, cut short or no PyTorch file ({why})")), path.open("rb") as f:
        start = f.read(9)
        zipped = start.startswith(b"PK\x03\x04")
        if not zipped and not start.startswith(_PICKLE):
            what = "a safetensors file, which is not read" if start[8:] == b"{" else "it does not begin like one"
            raise TensorFileError(f"{what}. Save the weights with torch.save, or copy the file again")
        f.seek(0)
        content = _read_zip(f, path) if zipped else _read_sequence(f, path)
        return _Plain(device).of(content)


class _Storage:
    """The bytes of a storage as a flat tensor."""

    def __init__(self, dtype: torch.dtype, data: bytearray) -> None:
        self.data = data
        self.flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)


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

    def __init__(self, file: Any, storage: Callable[[torch.dtype, str, int], _Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage
        self._known: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) == ("torch", "Size"):
            return tuple
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if (module, name) == ("_codecs", "encode"):
            return _bytes
        raise HoldsCode(f"holds {module}.{name}, and not tensors alone")

    def persistent_load(self, pid: Any) -> _Storage:
        what, dtype, key, _, numel, *view = pid
        if what != "storage" or not isinstance(dtype, torch.dtype) or type(numel) is not int or any(view):
            raise ValueError("a storage of unknown form")
        if key not in self._known:
            self._known[key] = self._storage(dtype, str(key), numel)
        found = self._known[key]
        if found.flat.dtype != dtype or len(found.flat) != numel:
            raise ValueError("a storage of two forms")
        return found

    def load_build(self) -> None:
        self.stack: list[Any]
        self.stack.pop()  # what a state dict says of its modules' versions
        if not isinstance(self.stack[-1], collections.OrderedDict):
            raise ValueError("a state of something else than a dict")

    dispatch[pickle.BUILD[0]] = load_build


def _tensor(storage: _Storage, offset: int, size: Any, stride: Any, *rest: object) -> torch.Tensor:
    """Stand for ``torch._utils._rebuild_tensor_v2``: a view of a storage that lies within it."""
    del rest  # whether it wants a gradient, and hooks
    size, stride = tuple(size), tuple(stride)
    numbers = (offset, *size, *stride)
    if not all(type(n) is int and n >= 0 for n in numbers) or len(size) != len(stride) or len(size) > 16:
        raise ValueError("a tensor of impossible shape")
    count, held = math.prod(size), len(storage.flat)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if count > held or (count and last >= held):
        raise ValueError(f"a tensor of {count:,} numbers, of which {held:,} are there")
    return storage.flat.as_strided(size, stride, offset if count else 0)


def _bytes(text: str, encoding: str) -> bytes:
    """Stand for ``_codecs.encode``: bytes as older pickles write them."""
    if encoding != "latin1":
        raise ValueError("bytes of unknown form")
    return text.encode("latin-1")


def _parameter(data: torch.Tensor, *rest: object) -> torch.Tensor:
    del rest
    return data


def _read_zip(file: Any, path: Path) -> Any:
    size = path.stat().st_size
    with zipfile.ZipFile(file) as archive:
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

        def storage(dtype: torch.dtype, key: str, numel: int) -> _Storage:
            entry = entries[f"{folder}data/{key}"]
            if entry.file_size != numel * dtype.itemsize:
                raise ValueError(f"{numel:,} numbers of {dtype.itemsize} bytes in {entry.file_size:,} bytes")
            data = bytearray(entry.file_size)
            with archive.open(entry) as record:
                if record.readinto(data) != len(data):  # type: ignore[attr-defined]  # it is a BufferedIOBase
                    raise EOFError("cut short")
                record.read()  # checks the checksum
            return _Storage(dtype, data)

        return _Unpickler(io.BytesIO(archive.read(described)), storage).load()


def _read_sequence(file: Any, path: Path) -> Any:
    size = path.stat().st_size
    bounded = _Bounded(file, size)
    taken = 0

    def storage(dtype: torch.dtype, key: str, numel: int) -> _Storage:
        nonlocal taken
        del key
        taken += numel * dtype.itemsize
        if numel < 0 or taken > size:
            raise ValueError("its storages are larger than the file")
        return _Storage(dtype, bytearray(numel * dtype.itemsize))  # filled below: their bytes come last

    if _Unpickler(bounded, storage).load() != _MAGIC or _Unpickler(bounded, storage).load() != _PROTOCOL:
        raise ValueError("it begins otherwise")
    system = _Unpickler(bounded, storage).load()
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise ValueError("written on a machine of another byte order")
    objects = _Unpickler(bounded, storage)
    content = objects.load()
    for key in _Unpickler(bounded, storage).load():
        found = objects._known[key]
        if int.from_bytes(bounded.read(8), "little") != len(found.flat) or file.readinto(found.data) != len(found.data):
            raise EOFError("cut short")
    return content


class _Plain:
    """Copies containers into plain ones and tensors to a device; shared ones stay shared."""

    def __init__(self, device: torch.device | str) -> None:
        self._device = device
        self._made: dict[int, Any] = {}

    def of(self, value: Any, depth: int = 0) -> Any:
        if depth > _MOST_NESTED:
            raise ValueError(f"nested more than {_MOST_NESTED} levels deep")
        if id(value) not in self._made:
            self._made[id(value)] = self._copy(value, depth + 1)
        return self._made[id(value)]

    def _copy(self, value: Any, depth: int) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(self._device)
        if isinstance(value, dict):
            return {self._key(key): self.of(part, depth) for key, part in dict.items(value)}
        if isinstance(value, list | tuple | set | frozenset):
            return type(value)(self.of(part, depth) for part in value)
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return value
        raise HoldsCode(f"holds {type(value).__name__}, and not tensors alone")

    @staticmethod
    def _key(key: Any) -> Any:
        if isinstance(key, str | int | float | bytes | bool) or key is None:
            return key
        raise ValueError("a key that is neither a text nor a number")
