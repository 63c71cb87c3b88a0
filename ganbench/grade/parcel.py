"""What another machine needs to judge one submission as ``ganbench grade`` does: code, networks, references, the rules.

The networks go as the graphs that they were exported to, so that nothing there imports PyTorch or has to install it.
What is of persons stays here: the roster, ids, and the private board.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

import tomlkit

from ganbench.errors import GanbenchError, ReferenceError
from ganbench.features import lite2
from ganbench.features.export import kept_graph
from ganbench.features.registry import load_extractor, takes_weights
from ganbench.features.spec import BuildOptions
from ganbench.grade.config import BoardSection, ClassConfig
from ganbench.references.library import DEFAULT_NAME, find_reference, holds_statistics
from ganbench.system.outputs import Target, write_file
from ganbench.system.storage import shipped_dir
from ganbench.system.urls import is_url

STUDENT = "student"  # the id of the one person on the parcel's roster
CONFIG, ROSTER, REQUIREMENTS, HOME = "class.toml", "roster.csv", "requirements.txt", "home"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# What training and exporting need and judging does not; the last one comes without a display's libraries elsewhere.
_LEFT_OUT = {"torch", "torchvision", "torch-fidelity"}
_INSTEAD = {"opencv-python": "opencv-python-headless"}
_PACKED = (".npz", ".onnx", ".cache", ".zip", ".png")  # do not get smaller
_DATE = (1980, 1, 1, 0, 0, 0)  # equal content gives equal archives

Files = dict[str, Path | bytes]  # name in the archive -> a file here, or its content


@dataclass(frozen=True)
class Parcel:
    """What goes to another machine.

    Attributes:
        config: what is judged by there.
        program: the code and all that it reads but references, by their names in the program's folder.
        references: their files, by name.
    """

    config: ClassConfig
    program: Files
    references: Files


def pack(config: ClassConfig) -> Parcel:
    """Put together what judges by the public board of a class.

    Args:
        config: what ``load_class`` returned.

    Raises:
        GanbenchError: it needs something that cannot travel: an extractor that runs in PyTorch alone, a detector's
            file, real images as a reference.
    """
    board = config.public
    if board.detector not in ("yolo-nano", "none"):
        raise GanbenchError(f"[public] detector {board.detector}: only yolo-nano, or none, can be taken along")
    program, weights = _code(), None
    for path in sorted(shipped_dir("detectors").glob("yolo-nano/*.*")):
        if path.suffix in (".onnx", ".json"):
            program[f"ganbench/_shipped/detectors/yolo-nano/{path.name}"] = path
    references: Files = {}
    for name in board.features:
        if board.weights is not None and takes_weights(name):
            weights = f"weights{Path(board.weights).suffix}"
            program[weights] = Path(board.weights)
        spec, graph = _graph(name, board)
        program[f"{HOME}/cache/onnx/{graph.name}"] = graph
        for file in _references(board, spec):
            references[free_name(file, references)] = file
    there = board.model_copy(update={"reference": [], "weights": weights})
    judged = ClassConfig(
        roster=ROSTER, title=config.title, export="plain", flagged=config.flagged, keep_flagged=config.keep_flagged,
        secret="nobody has an alias here", seed=config.seed, rules=config.rules, tiers=config.tiers, public=there,
    )  # fmt: skip
    plain = judged.model_dump(mode="json", exclude_none=True, exclude={"late", "private"})
    program[CONFIG] = tomlkit.dumps(plain).encode()
    program[ROSTER] = f"id,name\n{STUDENT},\n".encode()
    program[REQUIREMENTS] = "".join(f"{line}\n" for line in _requirements(board)).encode()
    return Parcel(judged, program, references)


def _code() -> Files:
    root = Path(__file__).parents[1]
    left_out = {"__pycache__", "_shipped"}
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not left_out & set(path.parts)]
    return {f"ganbench/{path.relative_to(root).as_posix()}": path for path in files}


def _graph(name: str, board: BoardSection) -> tuple[str, Path]:
    """Return what an extractor is called, and the file of its exported network."""
    weights = None if board.weights is None or not takes_weights(name) else Path(board.weights)
    spec = load_extractor(name, BuildOptions(weights, "cpu")).spec
    graph = kept_graph(spec)
    if spec.code or not graph.is_file():
        raise GanbenchError(
            f"[public] features {name}: it runs in PyTorch or in code of its own, and cannot be taken along"
        )
    return spec.name, graph


def _references(board: BoardSection, extractor: str) -> list[Path]:
    """Return the files of the references of an extractor; of those that were named by a file, all."""
    found = []
    for one in board.reference or [DEFAULT_NAME]:
        if is_url(one) or (Path(one).exists() and not holds_statistics(Path(one))):
            raise ReferenceError(f"{one}: build a reference of it first: ganbench reference build {one} -o real.npz")
        file = Path(one) if Path(one).exists() else find_reference(one, extractor)
        if file is None:
            raise ReferenceError(f"{one} has no reference for {extractor}. Build one: ganbench reference build")
        found.append(file)
    return found


def free_name(file: Path, taken: Files) -> str:
    """Return a name for a file that no other file has: references of two extractors may be called the same."""
    name, number = file.name, 2
    while taken.get(name, file) != file:
        name, number = f"{file.stem}-{number}{file.suffix}", number + 1
    return name


def _requirements(board: BoardSection) -> list[str]:
    """Return what has to be installed there, one requirement a line."""
    try:
        declared = metadata.requires("ganbench") or []
    except metadata.PackageNotFoundError as e:
        raise GanbenchError("ganbench is not installed here, so that what it needs is not known: pip install it") from e
    found = []
    for line in declared:
        match = _NAME.match(line)
        name = match[0].lower() if match else ""
        if "extra ==" not in line and name not in _LEFT_OUT:
            found.append(_INSTEAD.get(name, name) + line[len(name) :])
    return found + [form.package for form in (lite2.FORM,) if form.name in board.features]


def write_zip(files: Files, out: Target, executable: tuple[str, ...] = ()) -> int:
    """Write an archive, whole or not at all; equal files give equal bytes. Returns its size in bytes.

    Args:
        files: what goes into it.
        out: the .zip.
        executable: names of the files that are programs.
    """
    with write_file(out) as stream:
        _write_into(stream, files, executable)
        return stream.tell()


def zip_bytes(files: Files) -> bytes:
    """Return an archive as ``write_zip`` would write it, for one inside another."""
    stream = io.BytesIO()
    _write_into(stream, files, ())
    return stream.getvalue()


def _write_into(stream: IO[bytes], files: Files, executable: tuple[str, ...]) -> None:
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = (0o100755 if name in executable else 0o100644) << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED) else zipfile.ZIP_DEFLATED
            archive.writestr(info, content if isinstance(content, bytes) else content.read_bytes())
