"""FID and KID inside a training loop, as torchmetrics metrics over ganbench's extractors and references.

    from ganbench.torchmetrics import FrechetDistance
    fid = FrechetDistance("inception", reference="real.npz")
    for fake in batches:
        fid.update(fake)          # uint8 (N, 3, H, W)
    fid.compute()

Needs ``pip install "ganbench[torchmetrics]"``. States are sums and lists, merged over processes by torchmetrics: every
process updates with its own images, and ``compute`` gives the same number on all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganbench.errors import GanbenchError, MetricError
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.metrics.frechet import solve
from ganbench.metrics.kernel import kd
from ganbench.references.interop import open_reference
from ganbench.references.library import find_reference
from ganbench.references.reference import Reference
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments

try:
    from torchmetrics import Metric
    from torchmetrics.utilities import dim_zero_cat
except ImportError as e:
    raise GanbenchError('torchmetrics is not installed. Run: pip install "ganbench[torchmetrics]"') from e


class _FeatureMetric(Metric):
    """What both metrics share: an extractor, an optional reference, and the way images come in."""

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    def __init__(
        self,
        features: str | Extractor = "lite0",
        reference: str | Path | Reference | None = None,
        *,
        weights: str | Path | None = None,
        device: str = "auto",
        precision: str = "fp32",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        options = BuildOptions(None if weights is None else Path(weights), device, precision)
        self.extractor = load_extractor(features, options) if isinstance(features, str) else features
        self.reference = _find(reference, self.extractor)

    def set_dtype(self, dst_type: str | torch.dtype) -> _FeatureMetric:
        """Keep the states as they are: in fewer digits they would lose the distance."""
        del dst_type
        return self

    def _extract(self, images: torch.Tensor, real: bool) -> np.ndarray:
        """Return float32 features (N, D) of uint8 images (N, 3, H, W).

        Raises:
            MetricError: the images are of another type or shape, or real ones were given beside a reference.
        """
        if real and self.reference is not None:
            raise MetricError("real images come from the reference; leave reference out to update with real ones.")
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise MetricError(
                f"update takes uint8 images (N, 3, H, W), RGB, got {images.dtype} {tuple(images.shape)}. "
                "Scale float images to 0..255, round and convert them first."
            )
        if self.reference is not None:
            self.reference.require_match(self.extractor.spec, (images.shape[2], images.shape[3]))
        return self.extractor(images.permute(0, 2, 3, 1).contiguous().cpu().numpy())[0]


def _find(reference: str | Path | Reference | None, extractor: Extractor) -> Reference | None:
    if reference is None or isinstance(reference, Reference):
        return reference
    path = Path(reference)
    if not path.is_file():
        found = find_reference(str(reference), extractor.spec.name)
        if found is None:
            raise MetricError(
                f"no reference {reference} for {extractor.spec.name}. Build one: ganbench reference build"
            )
        path = found
    return open_reference(path)


class FrechetDistance(_FeatureMetric):
    """Frechet distance: FID on Inception features, FD on others.

    Args:
        features: an extractor or its name, such as ``inception`` or ``lite0``.
        reference: a reference, its file or its name; without one, ``update(images, real=True)`` supplies the real side.
        weights: weights file of the extractor.
        device: where the network runs: ``auto``, ``cpu`` or ``cuda``.
        precision: ``fp32`` or ``bf16``.
        **kwargs: passed to ``torchmetrics.Metric``.

    States, per side, all summed over processes: count, sum of features (D,), sum of outer products (D, D), float64,
    the latter two about a fixed origin (the reference's mean, or zero), so that they add.
    """

    fake_sum: torch.Tensor

    def __init__(
        self, features: str | Extractor = "lite0", reference: str | Path | Reference | None = None, **kwargs: Any
    ) -> None:
        super().__init__(features, reference, **kwargs)
        size = self.extractor.spec.feature_size
        self._origin = np.zeros(size) if self.reference is None else self.reference.features.moments.mean
        for side in ("fake", "real"):
            self.add_state(f"{side}_count", torch.tensor(0), dist_reduce_fx="sum")
            self.add_state(f"{side}_sum", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
            self.add_state(f"{side}_outer", torch.zeros(size, size, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, images: torch.Tensor, real: bool = False) -> None:
        """Take in uint8 images (N, 3, H, W)."""
        x = torch.from_numpy(self._extract(images, real) - self._origin).to(self.fake_sum.device)
        side = "real" if real else "fake"
        setattr(self, f"{side}_count", getattr(self, f"{side}_count") + len(x))
        setattr(self, f"{side}_sum", getattr(self, f"{side}_sum") + x.sum(0))
        setattr(self, f"{side}_outer", getattr(self, f"{side}_outer") + x.t() @ x)

    def compute(self) -> torch.Tensor:
        """Return the distance, a float64 scalar.

        Raises:
            MetricError: fewer than 2 images on a side.
        """
        real = self._side("real") if self.reference is None else self.reference.features
        value = solve(real, self._side("fake")).value
        return torch.tensor(value, dtype=torch.float64, device=self.fake_sum.device)

    def _side(self, side: str) -> FeatureSet:
        count = int(getattr(self, f"{side}_count"))
        if count < 2:
            raise MetricError(f"a Frechet distance needs at least 2 {side} images, got {count}. Call update first.")
        total = getattr(self, f"{side}_sum").cpu().numpy()
        scatter = getattr(self, f"{side}_outer").cpu().numpy() - np.outer(total, total) / count
        moments = Moments(count, self._origin + total / count, scatter)
        return FeatureSet(moments, np.empty((0, len(total)), np.float32), np.empty(0, np.int64), None)


class KernelDistance(_FeatureMetric):
    """Kernel distance, unbiased over all pairs: KID on Inception features, KD on others.

    Arguments are those of ``FrechetDistance``. States: the features of each side, lists joined over processes: memory
    grows by 4 D bytes per image.
    """

    fake_features: list[torch.Tensor]
    real_features: list[torch.Tensor]

    def __init__(
        self, features: str | Extractor = "lite0", reference: str | Path | Reference | None = None, **kwargs: Any
    ) -> None:
        super().__init__(features, reference, **kwargs)
        for side in ("fake", "real"):
            self.add_state(f"{side}_features", [], dist_reduce_fx="cat")

    def update(self, images: torch.Tensor, real: bool = False) -> None:
        """Take in uint8 images (N, 3, H, W)."""
        features = torch.from_numpy(self._extract(images, real)).to(self.device)
        (self.real_features if real else self.fake_features).append(features)

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Join the processes' features; one that has seen no image takes part with an array of none."""
        for side in ("fake", "real"):
            parts = getattr(self, f"{side}_features")
            if isinstance(parts, list) and not parts:
                parts.append(torch.empty(0, self.extractor.spec.feature_size, device=self.device))
        super().sync(*args, **kwargs)

    def compute(self) -> torch.Tensor:
        """Return the distance, a float64 scalar.

        Raises:
            MetricError: fewer than 2 images on a side.
        """
        real = self._side("real") if self.reference is None else self.reference.features
        value = kd(real=real, fake=self._side("fake")).value
        return torch.tensor(value, dtype=torch.float64, device=self.device)

    def _side(self, side: str) -> FeatureSet:
        parts = getattr(self, f"{side}_features")
        joined = dim_zero_cat(parts) if len(parts) else torch.empty(0, self.extractor.spec.feature_size)
        if len(joined) < 2:
            raise MetricError(
                f"a kernel distance needs at least 2 {side} images, got {len(joined)}. Call update first."
            )
        sample = joined.cpu().numpy()
        return FeatureSet(Moments.of(sample), sample, np.arange(len(sample)), None)
