"""Weights files of networks: found, hashed, read without pickles, and checked against the network that they are for."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import AssetError
from ganbench.system.assets import file_hash
from ganbench.system.tensors import StoredTensor, TensorFile, TensorFileError, open_tensors
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import torch
    from torch import nn

_BATCH_COUNT = re.compile(r"(^|\.)num_batches_tracked$")  # a training counter; old files have none


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that exists.

    Attributes:
        path: where it is.
        sha256: its hash, 64 hex digits.
        standard: whether it is the published file.
    """

    path: Path
    sha256: str
    standard: bool

    @property
    def note(self) -> str:
        """Return what the protocol has to say about it; nothing for the published file."""
        return "" if self.standard else "not the published weights"


def named_weights(what: str, path: Path, published: str) -> WeightsFile:
    """Return the weights file that the user named; any file of the right network will do.

    Args:
        what: the network's name, for messages.
        path: the file.
        published: SHA-256 of the published file, or its first digits.

    Raises:
        AssetError: no such file.
    """
    if not path.is_file():
        raise AssetError(f"{path}: no such weights file for {what}. Check --weights.")
    found = file_hash(path)
    return WeightsFile(path, found, found.startswith(published))


def is_program(path: Path) -> bool:
    """Tell whether a file is a TorchScript archive: a program, which opening it might run."""
    try:
        with wall(AssetError), zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except AssetError:
        return False  # no archive, or a damaged one, which reading it will say


def read_state(path: Path, what: str) -> dict[str, torch.Tensor]:
    """Read a state dictionary; nothing but tensors and plain containers is accepted.

    Raises:
        AssetError: the file is cut short, damaged, or holds something else.
    """
    with _opened(path, what) as file:
        state: dict[str, torch.Tensor] = file.load(file.content)
        return state


def refuse_foreign(path: Path, what: str) -> None:
    """Refuse what ``read_state`` would refuse, but for damaged numbers, without torch and its memory.

    Raises:
        AssetError: as ``read_state``.
    """
    with _opened(path, what):
        pass


@contextmanager
def _opened(path: Path, what: str) -> Iterator[TensorFile]:
    if is_program(path):
        raise AssetError(
            f"{path}: a TorchScript program, not a weights file for {what}. "
            "Save its state dictionary with torch.save and give that."
        )
    try:
        with open_tensors(path) as file:
            if not isinstance(file.content, dict) or not all(
                isinstance(name, str) and isinstance(value, StoredTensor) for name, value in file.content.items()
            ):
                raise AssetError(f"{path}: holds no state dictionary of tensors, so it is no weights file for {what}.")
            yield file
    except (FileNotFoundError, TensorFileError) as e:
        raise AssetError(
            f"{path}: not a readable weights file for {what}; it is damaged, cut short or of another format. "
            "Copy or fetch it again."
        ) from e


def load_state(network: nn.Module, state: Mapping[str, torch.Tensor], path: Path, what: str) -> None:
    """Put a state dictionary into a network, in place, after checking every name and shape.

    Raises:
        AssetError: the weights are of another network; the first difference is named.
    """
    own = network.state_dict()
    wanted = {name: value.shape for name, value in own.items() if not _BATCH_COUNT.search(name)}
    given = {name: value.shape for name, value in state.items() if not _BATCH_COUNT.search(name)}
    wrong = [name for name in wanted if wanted[name] != given.get(name)] or [n for n in given if n not in wanted]
    if wrong:
        first = wrong[0]
        expected = tuple(wanted[first]) if first in wanted else "absent"
        found = tuple(given[first]) if first in given else "absent"
        raise AssetError(
            f"{path}: weights of another network, not {what} ({len(wrong)} tensors differ; "
            f"{first}: expected {expected}, found {found})."
        )
    network.load_state_dict({name: state[name] for name in wanted}, strict=False)
