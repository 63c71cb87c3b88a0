"""PyTorch files of unknown origin: tensors, plain containers, numbers and texts, and nothing else.

``torch.load`` with ``weights_only`` runs no code, but believes sizes: a storage that is said to be larger than its
bytes is read past its end, a few bytes with strides of 0 make a matrix of any size, and compressed entries unpack to
any number of gigabytes. Here every size is held against the file before memory is taken, so that no more is ever in
memory than the file has bytes. Both forms are read: the zip archive, and the older sequence of pickles.

All that may be refused is refused before torch is imported, which alone takes 600 MB: it is for making tensors of what
was found to be in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.system.torch_files import HoldsCode, StoredTensor, TensorFileError, read_sequence, read_zip
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import torch

__all__ = ["HoldsCode", "StoredTensor", "TensorFile", "TensorFileError", "open_tensors", "read_tensors"]

_MOST_NESTED = 32
_PICKLE = b"\x80"  # how files of before PyTorch 1.6 begin


class TensorFile:
    """An open file of tensors.

    Attributes:
        content: what ``torch.save`` was given, in plain containers, each tensor as a ``StoredTensor``.
    """

    def __init__(self, content: Any) -> None:
        self.content = _Plain(lambda tensor: tensor).of(content)

    def load(self, part: Any, device: torch.device | str = "cpu") -> Any:
        """Return a part of the content with its tensors.

        Args:
            part: the content, or whatever holds tensors of it.
            device: where the tensors go.

        Raises:
            TensorFileError: the numbers are damaged or cut short.
        """
        with _reasons():
            _Plain(lambda tensor: tensor.storage.data()).of(part)  # damage is found before torch is imported
            return _Plain(lambda tensor: _made(tensor, device)).of(part)


@contextmanager
def open_tensors(path: Path) -> Iterator[TensorFile]:
    """Open what ``torch.save`` wrote: tensors in dicts, lists and tuples, with numbers and texts.

    Raises:
        FileNotFoundError: there is no such file.
        HoldsCode: it holds other objects.
        TensorFileError: it is damaged, no PyTorch file, or sizes in it do not fit its bytes.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    with _reasons():
        file = path.open("rb")
    with file:
        with _reasons():
            start = file.read(9)
            zipped = start.startswith(b"PK\x03\x04")
            if not zipped and not start.startswith(_PICKLE):
                what = "a safetensors file, which is not read" if start[8:] == b"{" else "it does not begin like one"
                raise TensorFileError(f"{what}. Save the weights with torch.save, or copy the file again")
            file.seek(0)
            opened = TensorFile(read_zip(file, path) if zipped else read_sequence(file, path))
        yield opened


def read_tensors(path: Path, device: torch.device | str = "cpu") -> Any:
    """Return all that a file holds, see ``open_tensors``, on a device."""
    with open_tensors(path) as file:
        return file.load(file.content, device)


def _reasons() -> AbstractContextManager[None]:
    return wall(lambda why: TensorFileError(f"damaged, cut short or no PyTorch file ({why})"))


def _made(tensor: StoredTensor, device: torch.device | str) -> torch.Tensor:
    import torch

    data, dtype = tensor.storage.data(), getattr(torch, tensor.dtype)
    flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.as_strided(tensor.shape, tensor.stride, tensor.offset).to(device)


class _Plain:
    """Copies containers into plain ones, and does something with each tensor; shared ones stay shared."""

    def __init__(self, tensor: Callable[[StoredTensor], object]) -> None:
        self._tensor = tensor
        self._made: dict[int, Any] = {}

    def of(self, value: Any, depth: int = 0) -> Any:
        if depth > _MOST_NESTED:
            raise ValueError(f"nested more than {_MOST_NESTED} levels deep")
        if id(value) not in self._made:
            self._made[id(value)] = self._copy(value, depth + 1)
        return self._made[id(value)]

    def _copy(self, value: Any, depth: int) -> Any:
        if isinstance(value, StoredTensor):
            return self._tensor(value)
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
