"""The perceptual path length of a generator: small steps along random paths, seen by an extractor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.registry import load_for_floats
from ganbench.features.runtime import WHOLE_FLOAT32, resolve_device
from ganbench.features.spec import BuildOptions
from ganbench.metrics.registry import METRICS
from ganbench.scoring.plan import Instrument
from ganbench.scoring.rows import measured_rows
from ganbench.scoring.scorecard import Scorecard
from ganbench.statistics.paths import PathSet
from ganbench.system.progress import track
from ganbench.training.sampling import load_generator

if TYPE_CHECKING:
    import torch

    from ganbench.features.extractor import FloatExtractor
    from ganbench.models.walk import Walk

EPSILON = 1e-4  # the paper's step
CHUNK = 8  # paths whose ends are drawn together: part of what a seed means, so it never changes
SAMPLINGS = ("full", "end")
_FACTORY = re.compile(r"[\w.]+:[\w.]+")


def path_length(
    generator: str | Path,
    features: str = "lite0",
    *,
    count: int = 1000,
    space: str | None = None,
    sampling: str = "full",
    epsilon: float = EPSILON,
    truncation: float = 1.0,
    weights: str | Path | None = None,
    batch: int = 2,
    device: str = "auto",
    seed: int = 0,
    label: str = "",
) -> Scorecard:
    """Measure the perceptual path length of a generator (Karras et al. 2019), in an extractor's features.

    Args:
        generator: a run folder, a generator's file (``G.pth``), or ``package.module:factory``.
        features: the extractor; its pooled features are compared, by the square of their distance.
        count: paths, 2 or more; the paper has 100,000.
        space: ``w``: straight lines between mapped latents; ``z``: great circles between latents; None: W if there is
            one.
        sampling: ``full``: steps anywhere on the path; ``end``: at its start, as StyleGAN2 has it.
        epsilon: length of a step, as a share of its path.
        truncation: of generators of this house; below 1 images vary less.
        weights: weights file of the extractor, where it needs one.
        batch: how many times eight paths are computed together; it moves the last bits at most.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: seed of the paths.
        label: what the generator is called in the scorecard.

    Returns:
        A scorecard with one row, ``ppl[lite0]``; its n is the number of paths.

    Raises:
        GanbenchError: no generator, a choice that is none, or images that are no numbers.
    """
    if count < 2 or batch < 1 or sampling not in SAMPLINGS or not 0 < epsilon <= 0.1:
        raise GanbenchError(
            f"{count} paths, batches of {batch}, sampling {sampling!r}, steps of {epsilon:g}: expected 2 paths or "
            f"more, batches from 1, {' or '.join(SAMPLINGS)}, and steps above 0 and up to 0.1"
        )
    resolved = resolve_device(device)
    walk = _walk(generator, resolved, space, truncation)
    file = None if weights is None else Path(weights)
    extractor = load_for_floats(features, BuildOptions(file, resolved))
    lengths, size = _lengths(walk, extractor, count, sampling == "full", epsilon, batch, seed)
    spec = extractor.spec
    where = "anywhere on the path" if sampling == "full" else "at the start of the path"
    line = "straight lines in w" if walk.space == "w" else "great circles in z"
    protocol = f"{spec.protocol}; pooled features, {line}, steps of {epsilon:g} {where}"
    protocol += f", truncation {truncation:g}" if truncation != 1 else ""
    instrument = Instrument("extractor", spec.name, features, spec.key())
    rows, warnings = measured_rows([METRICS["ppl"]], instrument, protocol, real=None, fake=PathSet(lengths), seed=seed)
    source = {"label": label or str(generator), "count": count, "image_size": list(size), "resize": None, "skipped": []}
    return Scorecard(rows, source, {}, warnings)


def _walk(generator: str | Path, device: str, space: str | None, truncation: float) -> Walk:
    from ganbench.models.walk import foreign_walk, walk_of

    path = Path(generator)
    if isinstance(generator, str) and _FACTORY.fullmatch(generator) and not path.exists():
        if truncation != 1:
            raise GanbenchError(f"--truncation is for runs and G.pth; let the factory {generator} set its own")
        return foreign_walk(generator, device, space)
    found = load_generator(path, device).eval().requires_grad_(False)
    found.set_truncation(truncation)
    return walk_of(found, space)


def _lengths(
    walk: Walk, extractor: FloatExtractor, count: int, full: bool, epsilon: float, batch: int, seed: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the squared speed of each path, (count,) float64, and (height, width) of the images."""
    import torch

    from ganbench.models.draw import Draw

    stream = torch.Generator().manual_seed(seed)
    lengths = np.empty(count)
    size = (0, 0)
    with track("path length", count, unit="paths") as advance, torch.no_grad():
        for start in range(0, count, batch * CHUNK):
            # Drawn eight at a time, whatever the batch: the same seed gives the same paths.
            parts = [_draw(walk, Draw(stream, CHUNK), full) for _ in range(min(batch, -(-(count - start) // CHUNK)))]
            ends = _joined([ends for ends, _ in parts])
            t = torch.cat([shares for _, shares in parts]).to(walk.device)
            with WHOLE_FLOAT32:  # less would drown such steps
                images = torch.cat([walk.images(ends, t), walk.images(ends, t + epsilon)])
            if not images.isfinite().all():
                raise GanbenchError("the generator's images hold NaN or infinite values. Take an earlier checkpoint")
            size = (images.shape[2], images.shape[3])
            one, other = np.split(extractor((images.float() + 1) * 127.5).astype(np.float64), 2)
            squared = ((other - one) ** 2).sum(axis=1) / epsilon**2
            end = min(count, start + len(squared))
            lengths[start:end] = squared[: end - start]
            advance(end - start)
    return lengths, size


def _draw(walk: Walk, draw: Any, full: bool) -> tuple[tuple[Any, ...], torch.Tensor]:
    """Return the ends of eight paths and where on them the steps are, (8,) in [0, 1)."""
    import torch

    ends = walk.draw(draw)
    shares = draw.uniform(1)[:, 0]
    return ends, shares if full else torch.zeros_like(shares)


def _joined(parts: list[Any]) -> Any:
    """Return tensors, in tuples and lists, of several draws as those of one."""
    import torch

    if isinstance(parts[0], torch.Tensor):
        return torch.cat(parts)
    return tuple(_joined(list(part)) for part in zip(*parts, strict=True))
