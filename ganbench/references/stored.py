"""Reference files: what may be in one, and the one place where they are read.

What a file says of itself is checked first, by a schema; then the sizes of its arrays, by their headers; then memory is
taken and their numbers are checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ganbench.errors import ReferenceError
from ganbench.metrics.factors import rounding_of
from ganbench.references import index_file, looks_file, packet_file
from ganbench.references.form import SCHEMA, SINCE, checksum
from ganbench.references.index_file import IndexMeta
from ganbench.references.looks_file import LooksMeta
from ganbench.references.packet_file import PacketMeta
from ganbench.system.npz import Header, headers, load
from ganbench.system.parse import faults_of, parse_json
from ganbench.system.wall import wall

MOST_FEATURES = 8192  # their covariance takes 512 MiB; VGG-16's, the widest in use, has 4,096
MOST_BYTES = 1 << 30  # of all arrays read: clean-fid keeps the features of 70,000 images in 550 MB
_LARGEST = 1e30  # of any number, in size; its square must be a number too
_MOST_META = 1 << 20  # bytes of the text that a reference says of itself; it has 3 kB
_COUNT = Annotated[int, Field(ge=0, lt=2**53)]
_TEXT = Annotated[str, Field(max_length=65_536)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Extractor(_Part):
    name: _TEXT
    version: Annotated[int, Field(ge=1, lt=2**31)]
    feature_size: Annotated[int, Field(ge=1, le=MOST_FEATURES)]
    input_size: Annotated[int, Field(ge=1, lt=2**31)]
    resize: _TEXT
    weights_sha256: _TEXT
    logits: Annotated[int, Field(ge=0, lt=2**31)] = 0
    precision: _TEXT = "fp32"
    note: _TEXT = ""


class _Choice(_Part):
    count: _COUNT
    split: _TEXT | None = None
    part: _TEXT | None = None
    held_out: _TEXT | None = None
    seed: Annotated[int, Field(lt=2**63)]
    others: dict[_TEXT, _TEXT]


class _Data(_Part):
    label: _TEXT
    count: _COUNT | None = None
    digest: _TEXT | None = None
    choice: _Choice | None = None


class _Sample(_Part):
    size: _COUNT
    seed: Annotated[int, Field(lt=2**63)]


class _Figure(_Part):
    value: float
    low: float | None
    high: float | None
    n: Annotated[int, Field(ge=1, lt=2**53)]
    version: Annotated[int, Field(ge=1, lt=2**31)]


class _HeldOut(_Part):
    images: Annotated[int, Field(ge=1, lt=2**53)]
    digest: _TEXT
    copies: _COUNT | None
    nearer: _COUNT | None
    figures: dict[_TEXT, _Figure]

    @model_validator(mode="after")
    def _are_shares(self) -> _HeldOut:
        if max(self.copies or 0, self.nearer or 0) > self.images:
            raise ValueError(f"more copies or nearer ones than the {self.images:,} held-out images")
        return self


class Meta(_Part):
    """What a reference says of itself."""

    schema_: int = Field(alias="schema")
    name: _TEXT
    extractor: _Extractor | None
    image_size: Annotated[list[Annotated[int, Field(ge=1, lt=2**31)]], Field(min_length=2, max_length=2)] | None
    image_resize: _TEXT | None
    data: _Data
    sample: _Sample
    index: IndexMeta | None = None
    held_out: _HeldOut | None = None
    packets: PacketMeta | None = None
    looks: LooksMeta | None = None
    versions: dict[_TEXT, _TEXT]


def read_reference(path: Path) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """Read a reference of ours, or a pytorch-fid file.

    Returns:
        Of ours: what it says of itself, by the fields of ``Meta``, and ``mu``, ``sigma_upper``, ``sample``,
        ``sample_index``, ``n``, those of its index, its packets and its looks if it has them, and the
        ``checksum``, which holds.
        Of pytorch-fid's: None, and ``mu`` and ``sigma`` in float64.

    Raises:
        ReferenceError: absent, damaged, of a newer schema, or with arrays that do not fit together.
    """
    known = read_headers(path)
    with _reading(path):
        if "meta" not in known:
            return None, _read_moments(path, known)
        meta = _read_meta(path, known)
        _refuse_shapes(meta, known)
        arrays = load(path, [name for name in known if name not in index_file.ARRAYS], MOST_BYTES)
        if meta.index is not None:
            arrays |= load(path, index_file.ARRAYS, sum(known[name].nbytes for name in index_file.ARRAYS))
        others = {name: array for name, array in arrays.items() if name != "checksum"}
        if "checksum" not in arrays or str(arrays["checksum"]) != checksum(others):
            raise ReferenceError("damaged reference (checksum differs). Build it again or copy it again.")
        index = arrays["sample_index"]
        n = int(arrays["n"])
        if meta.data.count not in (None, n):
            raise ReferenceError(f"its moments are of {n:,} images, and it says it is made of {meta.data.count:,}")
        if n < 2 or len(index) > n or (len(index) and (index[0] < 0 or index[-1] >= n or (np.diff(index) <= 0).any())):
            raise ReferenceError(f"the sample's places among {n:,} images are none")
        _refuse_numbers(arrays["mu"], arrays["sigma_upper"], _variances(arrays["sigma_upper"], len(arrays["mu"])))
        _refuse_numbers(arrays["sample"])
        if meta.index is not None:
            index_file.refuse(meta.index, arrays)
            if meta.index.images != n:
                raise ReferenceError(f"its moments are of {n:,} images, and its index of {meta.index.images:,}")
        if meta.packets is not None:
            packet_file.refuse(meta.packets, arrays)
        if meta.looks is not None:
            looks_file.refuse(meta.looks, arrays, None if meta.index is None else arrays["codes"].shape[0])
    return meta.model_dump(by_alias=True, exclude_unset=True), arrays


def read_headers(path: Path) -> dict[str, Header]:
    """Return what an ``.npz`` says of its arrays.

    Raises:
        ReferenceError: absent, or no ``.npz``.
    """
    if not path.exists():
        raise ReferenceError(f"{path}: no such reference file")
    with _reading(path):
        return headers(path)


def read_features(path: Path) -> np.ndarray:
    """Return the features that clean-fid keeps for KID, ``feats`` (m, D), in float32.

    Raises:
        ReferenceError: unreadable, or not the features of at least 2 images.
    """
    with _reading(path, "clean-fid feature file"):
        header = headers(path)["feats"]
        if len(header.shape) != 2 or header.shape[0] < 2 or not 1 <= header.shape[1] <= MOST_FEATURES:
            raise ReferenceError(f"feats of shape {header.shape} are not the features of at least 2 images")
        _refuse_type("feats", header, "f")
        features = load(path, ["feats"], MOST_BYTES)["feats"]
        _refuse_numbers(features)
        return np.asarray(features, np.float32)


@contextmanager
def _reading(path: Path, what: str = "reference") -> Iterator[None]:
    """Let only errors that name the file out of the block."""
    why = f"not a readable {what}: damaged, cut short or no .npz"
    try:
        with wall(lambda reason: ReferenceError(f"{why} ({reason}). Copy it again.")):
            yield
    except ReferenceError as e:
        raise ReferenceError(f"{path}: {e}") from e


def _read_meta(path: Path, known: dict[str, Header]) -> Meta:
    header = known["meta"]
    if header.dtype.kind != "U" or header.shape != () or header.nbytes > _MOST_META:
        raise ReferenceError("what it says of itself is no text")
    data = parse_json(str(load(path, ["meta"], _MOST_META)["meta"]))
    schema = data.get("schema") if isinstance(data, dict) else None
    if type(schema) is not int or schema < 1:
        raise ReferenceError("it says no schema")
    if schema > SCHEMA:
        raise ReferenceError(f"reference schema {schema:,}, this ganbench reads {SCHEMA}. Update it.")
    if late := sorted(name for name, since in SINCE.items() if name in data and schema < since):
        raise ReferenceError(f"it says schema {schema}, which has no {late[0]}")
    try:
        return Meta.model_validate(data)
    except ValidationError as e:
        raise ReferenceError(faults_of(e)) from e


def _refuse_shapes(meta: Meta, known: dict[str, Header]) -> None:
    """Refuse arrays that do not fit what the reference says of itself, before memory is taken for them."""
    own = {"mu", "sigma_upper", "sample", "sample_index", "n", "meta", "checksum"}
    own |= set() if meta.index is None else set(index_file.ARRAYS)
    own |= set() if meta.packets is None else set(packet_file.ARRAYS)
    own |= set() if meta.looks is None else set(looks_file.ARRAYS)
    if strays := known.keys() - own:
        raise ReferenceError(f"it holds {sorted(strays)[0][:80]} as well, which no reference has")
    (size,) = known["mu"].shape
    if not 1 <= size <= MOST_FEATURES:
        raise ReferenceError(f"{size:,} features; at most {MOST_FEATURES:,} can be read")
    if meta.extractor is not None and meta.extractor.feature_size != size:
        raise ReferenceError(f"mu has {size:,} features, and its extractor {meta.extractor.feature_size:,}")
    rows = meta.sample.size
    wanted = {
        "mu": ("f", (size,)), "sigma_upper": ("f", (size * (size + 1) // 2,)), "sample": ("f", (rows, size)),
        "sample_index": ("i", (rows,)), "n": ("i", ()),
    }  # fmt: skip
    for name, (kind, shape) in wanted.items():
        _refuse_type(name, known[name], kind)
        if known[name].shape != shape:
            raise ReferenceError(f"{name} is of shape {known[name].shape}, and {shape} belongs there")
    exact = {} if meta.index is None else index_file.shapes(meta.index, size, known["names"].shape)
    exact |= {} if meta.packets is None else packet_file.shapes(meta.packets, meta.image_size)
    exact |= {} if meta.looks is None else looks_file.shapes(meta.looks, known["kinds"].shape)
    for name, (dtype, shape) in exact.items():
        if known[name].dtype != dtype or known[name].shape != shape:
            found = f"{known[name].dtype} {known[name].shape}"
            raise ReferenceError(f"{name} is {found}, and {dtype} {shape} belongs there")
    if "checksum" in known and known["checksum"].nbytes > 1024:
        raise ReferenceError("its checksum is none")


def _read_moments(path: Path, known: dict[str, Header]) -> dict[str, np.ndarray]:
    if not {"mu", "sigma"} <= known.keys():
        held = ", ".join(name[:80] for name in list(known)[:8])
        raise ReferenceError(
            f"not a reference: it holds {held or 'no arrays of numbers'}, "
            "not ganbench's arrays and not pytorch-fid's mu and sigma. "
            "Save numpy.savez('real.npz', mu=mean, sigma=covariance)"
        )
    mu, sigma = known["mu"], known["sigma"]
    no_pair = ReferenceError(f"mu {mu.shape} and sigma {sigma.shape} are not a mean and its covariance")
    if len(mu.shape) != 1 or sigma.shape != mu.shape * 2 or not 1 <= mu.shape[0] <= MOST_FEATURES:
        raise no_pair
    for name in ("mu", "sigma"):
        _refuse_type(name, known[name], "f", least=4)
    read = load(path, ["mu", "sigma"], MOST_BYTES)
    arrays = {name: np.asarray(array, np.float64) for name, array in read.items()}
    _refuse_numbers(arrays["mu"], arrays["sigma"], np.diagonal(arrays["sigma"]))
    if not np.allclose(arrays["sigma"], arrays["sigma"].T, atol=1e-6 * float(np.abs(arrays["sigma"]).max())):
        raise ReferenceError("sigma is not symmetric, and a covariance is. Save the whole covariance")
    return arrays


def _refuse_type(name: str, header: Header, kind: str, least: int = 2) -> None:
    """Refuse an array of another kind of numbers, or of fewer bytes each."""
    if header.dtype.kind == "c":
        raise ReferenceError(f"{name} is of complex numbers. Save its real part")
    if header.dtype.kind != kind or header.dtype.itemsize > 8:
        remedy = ". Save it in float64" if kind == "f" else ""
        raise ReferenceError(f"{name} is of type {header.dtype}{remedy}")
    if header.dtype.itemsize < least:
        raise ReferenceError(f"{name} is in half precision, too coarse for a covariance. Save it in float32 or float64")


def _refuse_numbers(values: np.ndarray, sigma: np.ndarray | None = None, variances: np.ndarray | None = None) -> None:
    """Refuse NaN, infinite and absurd numbers, and variances that are negative by more than rounding."""
    for array in (values, sigma):
        if array is not None and array.size and not float(np.abs(array).max()) <= _LARGEST:
            raise ReferenceError("mean, covariance or features hold NaN, infinite or absurd values")
    if variances is not None and (lowest := float(variances.min())) < -rounding_of(variances, values):
        raise ReferenceError(
            f"the variance of feature {int(variances.argmin())} is {lowest:g}, and no variance is negative"
        )


def _variances(upper: np.ndarray, size: int) -> np.ndarray:
    """Return the diagonal of a matrix out of its upper triangle, row after row."""
    row = np.arange(size)
    return upper[row * size - row * (row - 1) // 2].astype(np.float64)
