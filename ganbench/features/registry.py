"""The extractors by name, and what puts one together for a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError, UnknownName
from ganbench.features.entry import ExtractorEntry
from ganbench.features.extractor import Extractor
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.registry import Registry
from ganbench.system.code import foreign_code
from ganbench.system.notes import Note, log_note

if TYPE_CHECKING:
    from torch import nn


LARGEST = 16_384  # features of an image: their covariance takes 2 GiB
PROBE = 4  # images on which the error of bf16 is measured; 4x4 noise, which the resize makes smooth

_Callable: Any = Callable  # typing has no type for it

# An entry is an ExtractorEntry, or a function that returns a torch.nn.Module (``ganbench.features.custom``).
EXTRACTORS: Registry[Any] = Registry("extractor", (ExtractorEntry, _Callable), group="ganbench.extractors")
EXTRACTORS.add("lite0", "ganbench.features.lite0:ENTRY")
EXTRACTORS.add("inception", "ganbench.features.inception:ENTRY")
for _name in ("vgg16", "clip-vit-b-32", "dinov2-vit-s-14", "dinov2-vit-b-14", "dinov2-vit-l-14", "dinov2-vit-g-14"):
    EXTRACTORS.add(_name, "ganbench.features.fidelity:ENTRY")


def takes_weights(name: str) -> bool:
    """Tell whether ``--weights`` is for the extractor of this name, ``NAME``, ``NAME:RESIZE`` or a user's own.

    Raises:
        UnknownName: no such extractor.
    """
    entry, _, _ = _find(name)
    return isinstance(entry, ExtractorEntry) and entry.takes_weights


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


@dataclass(frozen=True)
class _Resolved:
    """An extractor that is known and not yet built."""

    spec: ExtractorSpec
    build: Callable[[], nn.Module]
    exportable: bool
    in_bf16: str = ""


def _resolve(name: str, options: BuildOptions) -> _Resolved:
    entry, base, suffix = _find(name)
    if isinstance(entry, ExtractorEntry):
        options = replace(options, name=base, resize=suffix or options.resize)
        spec = replace(entry.specify(options), code=foreign_code(entry.build))
        found = _Resolved(spec, partial(entry.build, spec, options), entry.exportable, entry.in_bf16)
    else:
        from ganbench.features.custom import load_custom

        if suffix:
            raise UnknownName(f"{base} has one resize protocol, its network's own; {suffix!r} is not defined for it")
        spec, network = load_custom(name, entry, options)
        found = _Resolved(replace(spec, code=foreign_code(entry)), lambda: network, False)
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


def _find(name: str) -> tuple[ExtractorEntry | Callable[[], object], str, str]:
    """Return the entry, its name, and the resize protocol that stands behind a colon."""
    base, _, suffix = name.partition(":")
    if suffix and base in EXTRACTORS:
        return EXTRACTORS[base], base, suffix
    return EXTRACTORS[name], name, ""


def _assemble(
    found: _Resolved, device: str, again: Callable[..., Extractor], note: Note, first: Callable[[], None]
) -> Extractor:
    """Put an extractor together; in bf16, measure its error against fp32 and note it in the protocol."""
    from ganbench.features.runtime import TorchRunner, make_runner

    spec, build = found.spec, found.build
    runner = make_runner(spec, build, device, exportable=found.exportable, note=note, first=first)
    if spec.precision == "bf16":
        in_full = replace(spec, precision="fp32")
        # PyTorch runs the same network at either precision; exported graphs are one for each.
        whole = runner.at("fp32") if isinstance(runner, TorchRunner) else make_runner(in_full, build, device, note=note)
        probe = np.random.default_rng(0).integers(0, 256, (PROBE, 4, 4, 3), dtype=np.uint8)
        exact = Extractor(in_full, whole)(probe)[0].astype(np.float64)
        rough = Extractor(spec, runner)(probe)[0].astype(np.float64)
        error = np.linalg.norm(rough - exact) / max(np.linalg.norm(exact), np.finfo(float).tiny)
        measured = f"feature error {100 * error:.2g} % of fp32 on {PROBE} smooth images"
        measured += f" ({found.in_bf16})" if found.in_bf16 else ""
        spec = replace(spec, note="; ".join(part for part in (measured, spec.note) if part))
    return Extractor(spec, runner, again)
