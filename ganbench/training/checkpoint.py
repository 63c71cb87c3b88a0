"""The checkpoint: one file that holds everything a run needs to go on to the same bits."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ganbench.errors import GanbenchError
from ganbench.system.storage import atomic_write
from ganbench.system.tensors import TensorFileError, read_tensors

FORMAT = 2
_FORMATS = (1, 2)  # in the recipe of the first, the model has the settings of all models


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint atomically: a reader finds the old one or the new one, whole.

    Raises:
        GanbenchError: the disk is full or the folder cannot be written; the old checkpoint is untouched.
    """
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
    try:
        content = read_tensors(path, device)
    except FileNotFoundError as e:
        raise GanbenchError(f"{path}: no checkpoint there. Was the run started, and long enough to save one?") from e
    except TensorFileError as e:
        raise GanbenchError(f"{path}: not a readable checkpoint: {e}") from e
    if not isinstance(content, dict) or content.get("format") not in _FORMATS:
        raise GanbenchError(f"{path}: not a ganbench checkpoint of format {' or '.join(map(str, _FORMATS))}")
    return content
