"""PyTorch files: read as PyTorch reads them, and refused where sizes, kinds or numbers are not what they say."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, peak_memory

from ganbench.errors import GanbenchError
from ganbench.features.weights import read_state
from ganbench.models.dcgan import Generator
from ganbench.models.imported import load_generator_file
from ganbench.system.tensors import HoldsCode, TensorFileError, read_tensors
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.sampling import generator_of, sample

STATE = Generator(32, 8, 4).state_dict()
OTHER = {"l.weight": torch.zeros(3, 3, 4, 4)}
FORMS = (True, False)  # the zip archive, and the older sequence of pickles


def saved(content: Any, path: Path, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.mark.parametrize("zipped", FORMS)
def test_tensors_come_back_as_torch_reads_them(tmp_path: Path, zipped: bool) -> None:
    whole = torch.arange(24.0).reshape(2, 3, 4)
    kinds = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64]
    content = {
        "a": whole.transpose(0, 2), "view": whole[1, :, 1:3], "empty": torch.zeros(0, 3), "scalar": torch.tensor(3),
        "kinds": [torch.ones(2).to(kind) for kind in kinds], "plain": (1, 2.5, "x", None, True, b"y"),
        "state": STATE, "parameter": torch.nn.Parameter(torch.ones(2)),
    }  # fmt: skip
    path = saved(content, tmp_path / "a.pth", zipped)
    ours, theirs = read_tensors(path), torch.load(path, weights_only=True)
    for name in ("a", "view", "empty", "scalar", "parameter"):
        assert torch.equal(ours[name], theirs[name])
        assert ours[name].stride() == theirs[name].stride()
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(ours["kinds"], theirs["kinds"], strict=True))
    assert ours["plain"] == content["plain"]
    assert list(ours["state"]) == list(STATE)
    assert all(torch.equal(ours["state"][name], value) for name, value in STATE.items())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_damaged_files_end_in_one_line(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    path.write_bytes(mutated_bytes(saved(STATE, path, bool(seed % 2)).read_bytes(), seed))
    for read in (load_generator_file, load_checkpoint, lambda path: read_state(path, "x")):
        with suppress(GanbenchError):
            read(path)


def _zip(path: Path, pickled: bytes, *entries: tuple[str, bytes], packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, data in (("a/data.pkl", pickled), *entries):
            archive.writestr(name, data)
    return path


def test_files_that_would_take_much_memory_are_refused_before_they_do(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    small = io.BytesIO()
    torch.save({"a.weight": torch.zeros(10, 10)}, small)
    with zipfile.ZipFile(small) as archive:
        folder = next(name.partition("/")[0] for name in archive.namelist())
        described = archive.read(f"{folder}/data.pkl")
    huge = described.replace(b"Kd", b"J\xff\xff\xff\x7f", 1)  # 100 numbers become 2,147,483,647
    laughs = b"\x80\x02]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(100)) + b"."
    older = saved({"a.weight": torch.zeros(10, 10)}, path, zipped=False).read_bytes()

    def strided() -> None:
        saved({"0.weight": torch.zeros(1, 1).expand(10**5, 10**5)}, path)

    def levels() -> None:
        saved({f"{i}.weight": torch.zeros(1, 1) for i in range(64)}, path)

    makers: list[Any] = [
        strided,
        levels,
        lambda: _zip(path, huge, ("a/data/0", bytes(400))),
        lambda: _zip(path, described, ("a/data/0", bytes(64 << 20)), packed=zipfile.ZIP_DEFLATED),
        lambda: _zip(path, b"\x80\x05\x96" + struct.pack("<Q", 1 << 34) + b"."),
        lambda: _zip(path, b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x02\x85R."),
        lambda: _zip(path, laughs),
        lambda: path.write_bytes(older.replace(b"Kdt", b"J\xff\xff\xff\x7ft").replace(b"KdN", b"J\xff\xff\xff\x7fN")),
    ]
    for make in makers:
        make()

        def read() -> None:
            with pytest.raises(GanbenchError, match=r"bomb\.pth"):
                load_generator_file(path)

        assert peak_memory(read) < 8 << 20


def test_objects_of_classes_are_refused(tmp_path: Path) -> None:
    path = saved(Generator(32, 8, 4), tmp_path / "whole.pth")
    with pytest.raises(HoldsCode, match=r"holds ganbench\.models\.dcgan\.Generator"):
        read_tensors(path)
    with pytest.raises(GanbenchError, match=r"Save the weights alone: torch\.save\(G\.state_dict\(\), 'G\.pth'\)"):
        load_generator_file(path)
    with pytest.raises(TensorFileError):
        read_tensors(saved({"a": STATE["project.0.weight"].to_sparse()}, tmp_path / "sparse.pth"))


@pytest.mark.parametrize(
    "content",
    [
        {f"module._orig_mod.{name}": value for name, value in STATE.items()},
        {"epoch": 3, "model_state_dict": STATE, "optimizer_state_dict": {}},
        {"generator_state_dict": STATE, "discriminator_state_dict": OTHER},
        {"g": {name: value + 1 for name, value in STATE.items()}, "d": OTHER, "g_ema": STATE},
        {
            "state_dict": {f"generator.{name}": value for name, value in STATE.items()}
            | {"critic.weight": torch.ones(3)}
        },
        {name: value for name, value in STATE.items() if "num_batches" not in name},
    ],
    ids=["wrapped", "model_state_dict", "generator_state_dict", "averaged", "lightning", "uncounted"],
)
def test_generators_are_found_where_scripts_put_them(tmp_path: Path, content: Any) -> None:
    found = load_generator_file(saved(content, tmp_path / "G.pth")).state_dict()
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["to_rgb.0.weight", "project.1.running_var"])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, name: str, value: float) -> None:
    broken = {**STATE, name: torch.full_like(STATE[name], value)}
    with pytest.raises(GanbenchError, match=rf"G\.pth: {name} holds NaN or infinite values"):
        load_generator_file(saved(broken, tmp_path / "G.pth"))


def test_images_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    broken = {**STATE, "project.1.running_var": torch.full_like(STATE["project.1.running_var"], -1.0)}
    generator = load_generator_file(saved(broken, tmp_path / "G.pth"))
    with pytest.raises(GanbenchError, match="the generator's images hold NaN"):
        next(sample(generator, 2, seed=0))


@pytest.mark.parametrize("content", [{}, {"recipe": 3, "average": None}, {"recipe": {}, "average": 1, "format": 2}])
def test_a_checkpoint_of_another_form_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(GanbenchError):
        generator_of(content)
