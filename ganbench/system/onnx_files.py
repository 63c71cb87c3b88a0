"""ONNX files: which bytes make one up, those of its external data included, and one hash over all of them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from ganbench.errors import GanbenchError
from ganbench.system.assets import file_hash
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import onnx

LARGEST = (1 << 31) - 1  # bytes: what the format itself can hold; larger networks keep their weights in other files

_LOG = logging.getLogger(__name__)


def onnx_hash(path: Path) -> str:
    """Return the hash of a network: of its file, and of every file that its weights lie in.

    Args:
        path: the ``.onnx`` file.

    Returns:
        64 hex digits. The SHA-256 of the file itself where no weights lie outside of it.

    Raises:
        GanbenchError: not an ONNX file, or its external data is missing, cut short, or not in the file's own folder.
    """
    if path.stat().st_size > LARGEST:
        raise GanbenchError(f"{path}: {path.stat().st_size:,} bytes; an ONNX file has {LARGEST:,} at most")
    beside = external_files(path)
    if not beside:
        return file_hash(path)
    digest = hashlib.sha256(file_hash(path).encode())
    for location, file in sorted(beside.items()):
        _LOG.info("%s keeps weights in %s", path, file)
        digest.update(f"\n{location}\n{file_hash(file)}".encode())
    return digest.hexdigest()


def external_files(path: Path) -> dict[str, Path]:
    """Return the files that hold weights of a network, by the names that its file gives them.

    Raises:
        GanbenchError: not an ONNX file, or what it names is missing, cut short, or not in its own folder.
    """
    import onnx

    found: dict[str, Path] = {}
    with wall(lambda why: GanbenchError(f"{path}: not an ONNX file that can be read ({why}). Export it again.")):
        model = onnx.load_model(str(path), load_external_data=False)
        for tensor in _tensors(model):
            if tensor.data_location != onnx.TensorProto.EXTERNAL:
                continue
            entries = {entry.key: entry.value for entry in tensor.external_data}
            location = entries.get("location", "")
            file = found[location] = found.get(location) or _place(path, location)
            end = int(entries.get("offset", 0)) + int(entries.get("length", 0))
            if end > file.stat().st_size:
                raise GanbenchError(
                    f"{file}: {file.stat().st_size:,} bytes, and {path.name} reads it up to {end:,}: it is cut short. "
                    "Copy both files again."
                )
    return found


def _place(path: Path, location: str) -> Path:
    """Return where external data is.

    Raises:
        GanbenchError: nowhere, or not in the folder of the file: that would read any file of this machine.
    """
    parts = PurePosixPath(location).parts + PureWindowsPath(location).parts
    rooted = PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor
    file = path.parent / location
    if not location or rooted or ".." in parts:
        inside = False
    else:  # a link may lead to where the file itself is linked to, as download folders do
        homes = (path.parent.resolve(), path.resolve().parent)
        inside = any(file.resolve().is_relative_to(home) for home in homes)
    if not inside:
        raise GanbenchError(
            f"{path}: its weights are said to lie in {location[:200]!r}, which is not in its own folder. "
            "Export it again, into one folder, or into a single file."
        )
    if not file.is_file():
        raise GanbenchError(f"{path}: its weights lie in {location}, which is not there. Copy that file beside it.")
    return file


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor that a model holds: in its graph, in the graphs of its nodes, and in its functions."""
    graphs, nodes = [model.graph], [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes += graph.node
        else:
            for attribute in nodes.pop().attribute:
                yield from (attribute.t, *attribute.tensors)
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)
                graphs += [attribute.g, *attribute.graphs]
