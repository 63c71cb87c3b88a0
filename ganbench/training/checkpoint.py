"""The checkpoint: one file that holds everything a run needs to go on to the same bits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import GanbenchError
from ganbench.system.storage import atomic_write
from ganbench.system.tensors import TensorFile, TensorFileError, open_tensors

if TYPE_CHECKING:
    import torch

FORMAT = 2
_FORMATS = (1, 2)  # in the recipe of the first, the model has the settings of all models


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint atomically: a reader finds the old one or the new one, whole.

    Raises:
        GanbenchError: the disk is full or the folder cannot be written; the old checkpoint is untouched.
    """
    import torch

    # Through memory, because torch turns a full disk into an error of its own while it writes to a file.
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **content}, buffer)
    with atomic_write(path) as f:
        f.write(buffer.getbuffer())


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint without executing anything in it.

    Raises:
        GanbenchError: absent, damaged, or of another format.
    """
    with _opened(path) as file:
        content: dict[str, Any] = file.load(file.content, device)
        return content


def look_into_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a checkpoint holds without the numbers of its tensors, and without torch.

    Raises:
        GanbenchError: as ``load_checkpoint``, but damaged tensors are not noticed.
    """
    with _opened(path) as file:
        content: dict[str, Any] = file.content
        return content


@contextmanager
def _opened(path: Path) -> Iterator[TensorFile]:
    try:
        with open_tensors(path) as file:
            if not isinstance(file.content, dict) or file.content.get("format") not in _FORMATS:
                raise GanbenchError(f"{path}: not a ganbench checkpoint of format {' or '.join(map(str, _FORMATS))}")
            yield file
    except FileNotFoundError as e:
        raise GanbenchError(f"{path}: no checkpoint there. Was the run started, and long enough to save one?") from e
    except TensorFileError as e:
        raise GanbenchError(f"{path}: not a readable checkpoint: {e}") from e
