"""The extractors by name, and what puts one together for a device."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError, UnknownName
from ganbench.features.entry import ExtractorEntry
from ganbench.features.extractor import Extractor, FloatExtractor, Runner
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.registry import Registry
from ganbench.system.cache import Cache
from ganbench.system.code import code_of, foreign_code
from ganbench.system.notes import Note, log_note
from ganbench.system.versions import library_versions

if TYPE_CHECKING:
    from torch import nn


LARGEST = 16_384  # features of an image: their covariance takes 2 GiB
# The error of bf16: measuring it takes the network in float32 as well, a second or two.
_ERRORS = Cache("bf16", "the error of bf16", 1 << 20)
PROBE = 4  # images on which the error of bf16 is measured; 4x4 noise, which the resize makes smooth

_Callable: Any = Callable  # typing has no type for it

# An entry is an ExtractorEntry, or a function that returns a torch.nn.Module (``ganbench.features.custom``).
EXTRACTORS: Registry[Any] = Registry("extractor", (ExtractorEntry, _Callable), group="ganbench.extractors")
EXTRACTORS.add("lite0", "ganbench.features.lite0:ENTRY")
EXTRACTORS.add("inception", "ganbench.features.inception:ENTRY")
EXTRACTORS.add("lite2", "ganbench.features.lite2:ENTRY")
for _name in ("vgg16", "clip-vit-b-32", "dinov2-vit-s-14", "dinov2-vit-b-14", "dinov2-vit-l-14", "dinov2-vit-g-14"):
    EXTRACTORS.add(_name, "ganbench.features.fidelity:ENTRY")


def takes_weights(name: str) -> bool:
    """Tell whether ``--weights`` is for the extractor of this name, ``NAME``, ``NAME:RESIZE`` or a user's own.

    Raises:
        UnknownName: no such extractor.
    """
    entry, _, _ = _find(name)
    return isinstance(entry, ExtractorEntry) and entry.takes_weights


def arithmetic_of(name: str, spec: ExtractorSpec) -> dict[str, str]:
    """Return what a specification stands for and does not spell out; nothing of a user's own network.

    Args:
        name: what the extractor was asked for by.
        spec: its specification.

    Raises:
        UnknownName: no such extractor.
    """
    entry, _, _ = _find(name)
    return entry.arithmetic(spec) if isinstance(entry, ExtractorEntry) else {}


def specify_extractor(name: str, options: BuildOptions | None = None) -> ExtractorSpec:
    """Return the specification of an extractor without building its network; the names are those of ``load_extractor``.

    A user's own factory has to be called all the same, to see what it makes.

    Raises:
        GanbenchError: as ``load_extractor``.
    """
    return _resolve(name, options or BuildOptions()).spec


def load_extractor(
    name: str,
    options: BuildOptions | None = None,
    *,
    note: Note = log_note,
    first: Callable[[], None] = lambda: None,
) -> Extractor:
    """Build the extractor ``NAME``, ``NAME:RESIZE`` or ``package.module:factory`` for the device of the options.

    Args:
        name: its name.
        options: weights, device, precision, resize.
        note: told what did not work and is done without: an exported network that cannot be kept.
        first: called before the network is exported, which takes half a minute: a look at what it is wanted for.

    Raises:
        UnknownName: no such extractor, resize protocol, module or factory.
        AssetMissing: its weights are not on this machine.
        AssetError: its weights are damaged, or are not the right ones.
    """
    options = options or BuildOptions()
    # A pickled extractor is its name and the options, and the network is loaded anew where it arrives.
    return _assemble(_resolve(name, options), options.device, partial(load_extractor, name, options), note, first)


def load_for_floats(name: str, options: BuildOptions) -> FloatExtractor:
    """Build an extractor for images that are not whole grey levels; the names are those of ``load_extractor``.

    It runs in PyTorch on every device: its numbers are those of ``load_extractor`` but for rounding.

    Raises:
        GanbenchError: as ``load_extractor``.
    """
    from ganbench.features.runtime import torch_runner

    found = _resolve(name, options)
    return FloatExtractor(found.spec, torch_runner(found.spec, partial(found.build, found.spec), options.device))


@dataclass(frozen=True)
class _Resolved:
    """An extractor that is known and not yet built; ``build`` takes its specification, or that in another precision."""

    spec: ExtractorSpec
    build: Callable[[ExtractorSpec], nn.Module]
    exportable: bool
    in_bf16: str = ""


def _resolve(name: str, options: BuildOptions) -> _Resolved:
    entry, base, suffix = _find(name)
    if isinstance(entry, ExtractorEntry):
        options = replace(options, name=base, resize=suffix or options.resize)
        spec = replace(entry.specify(options), code=foreign_code(entry.build))
        found = _Resolved(spec, partial(_build, entry.build, options), entry.exportable, entry.in_bf16)
    else:
        from ganbench.features.custom import load_custom

        if suffix:
            raise UnknownName(f"{base} has one resize protocol, its network's own; {suffix!r} is not defined for it")
        spec, network = load_custom(name, entry, options)
        found = _Resolved(replace(spec, code=foreign_code(entry)), lambda _: network, False)
    # One that goes by the name of another would have its results taken for that one's.
    called = spec.name.partition(":")[0]
    if called in EXTRACTORS and EXTRACTORS[called] is not entry:
        raise GanbenchError(f"{name} calls itself {spec.name!r}, which is another extractor's name. Give it its own.")
    if spec.feature_size > LARGEST:
        raise GanbenchError(
            f"{name} gives {spec.feature_size:,} features of an image, and more than {LARGEST:,} is too much for their "
            "covariance. Let the network pool them."
        )
    return found


def _build(
    build: Callable[[ExtractorSpec, BuildOptions], nn.Module], options: BuildOptions, spec: ExtractorSpec
) -> nn.Module:
    return build(spec, options)


def _find(name: str) -> tuple[ExtractorEntry | Callable[[], object], str, str]:
    """Return the entry, its name, and the resize protocol that stands behind a colon."""
    base, _, suffix = name.partition(":")
    if suffix and base in EXTRACTORS:
        return EXTRACTORS[base], base, suffix
    return EXTRACTORS[name], name, ""


def _assemble(
    found: _Resolved, device: str, again: Callable[..., Extractor], note: Note, first: Callable[[], None]
) -> Extractor:
    """Put an extractor together; in bf16, note in the protocol how far from fp32 it is."""
    from ganbench.features.runtime import make_runner

    def runner_of(spec: ExtractorSpec) -> Runner:
        build = partial(found.build, spec)
        return make_runner(spec, build, device, exportable=found.exportable, note=note, first=first)

    spec = found.spec
    runner = runner_of(spec)
    if spec.precision == "bf16":
        decides = (spec.key(), device, code_of(Path(__file__).parent), str(library_versions()))
        key = hashlib.sha256("\n".join(decides).encode()).hexdigest()
        error = _ERRORS.load(key, lambda content: float(content.facts["error"]), note)
        if error is None:
            error = _error(Extractor(spec, runner), replace(spec, precision="fp32"), runner_of)
            _ERRORS.keep(key, b"", note, {"error": error})
        measured = f"feature error {100 * error:.2g} % of fp32 on {PROBE} smooth images"
        measured += f" ({found.in_bf16})" if found.in_bf16 else ""
        spec = replace(spec, note="; ".join(part for part in (measured, spec.note) if part))
    return Extractor(spec, runner, again)


def _error(rough: Extractor, in_full: ExtractorSpec, runner_of: Callable[[ExtractorSpec], Runner]) -> float:
    """Return how far the features of a few images are from those in float32, as a share of these."""
    probe = np.random.default_rng(0).integers(0, 256, (PROBE, 4, 4, 3), dtype=np.uint8)
    exact = Extractor(in_full, runner_of(in_full))(probe)[0].astype(np.float64)
    off = rough(probe)[0].astype(np.float64) - exact
    return float(np.linalg.norm(off) / max(np.linalg.norm(exact), np.finfo(float).tiny))
