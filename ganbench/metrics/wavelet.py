"""The Frechet wavelet distance: Frechet distances of wavelet packets of the pixels (Veeramacheneni et al. 2025).

``FWD = 1/P sum_p FD(N(mu_rp, S_rp), N(mu_fp, S_fp))`` over all packets p of the last level, with pixels from 0 to 1 and
the Haar wavelet. No network is asked: what is told apart is what is in the pixels, whatever they show.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.factors import cholesky_factor
from ganbench.metrics.intervals import Z95
from ganbench.statistics.packets import PacketMoments, PacketSet, packets_of

_NOTHING = 1e-6  # singular values below this share of a packet's largest are directions of no spread
_AT_ONCE = 64  # images whose influence is computed together


@metric(
    "fwd", title="Frechet wavelet distance", better="lower", needs="packets", least=0, default=False, asks="distance"
)
def fwd(*, real: PacketSet, fake: PacketSet, seed: int = 0) -> Estimate:
    """Return the mean over wavelet packets of the Frechet distance of their coefficients.

    Interval: infinitesimal jackknife over the fake images, the reference held fixed, as for ``fd``. It does not cover
    the upward bias of a finite number of images.

    Args:
        real: Moments suffice.
        fake: Moments, and the sample for the interval; without a sample there is no interval.
        seed: Not used; nothing is random.

    Raises:
        MetricError: images of different sizes, or moments that are none.
    """
    del seed
    mine, theirs = fake.moments, real.moments
    if (mine.size, mine.level) != (theirs.size, theirs.level):
        (h, w), (rh, rw) = mine.size, theirs.size
        raise MetricError(f"wavelet packets of {h}x{w} images and of {rh}x{rw} ones cannot be compared.")
    count, numbers = mine.mean.shape
    real_factors = real.once("factors", lambda: _factors(theirs))
    product = real_factors.transpose(0, 2, 1) @ _factors(mine)
    values = np.linalg.svd(product, compute_uv=False)
    shift = mine.mean - theirs.mean
    each = np.einsum("pd,pd->p", shift, shift) + _traces(mine) + _traces(theirs) - 2 * values.sum(axis=1)
    value = max(0.0, float(each.mean()))
    detail = f"Haar, level {mine.level}: {count:,} packets of {numbers} numbers"
    warnings: tuple[str, ...] = ()
    if fake.n <= numbers:
        warnings = (
            f"{fake.n} images cannot span packets of {numbers} numbers: the value is biased upward; compare it only at "
            "the same number of images",
        )
    if len(fake.sample) < 2:
        return Estimate(value, None, None, "none (no sample of pixels)", fake.n, None, detail, warnings)
    influences = _influences(fake, shift, _transport(real_factors, product))
    half = Z95 * math.sqrt(float(np.mean((influences - influences.mean()) ** 2)) / fake.n)
    return Estimate(
        value, max(0.0, value - half), value + half, "infinitesimal jackknife", fake.n, None, detail, warnings
    )


def _factors(moments: PacketMoments) -> np.ndarray:
    """Return C, (P, D, D), with C C' = covariance, of every packet.

    Raises:
        MetricError: a matrix is no covariance.
    """
    factors = np.zeros_like(moments.cov)
    for whole, mean, cov in zip(factors, moments.mean, moments.cov, strict=True):
        factor = cholesky_factor(cov, mean)
        whole[:, : factor.shape[1]] = factor
    return factors


def _transport(real_factors: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Return W, (P, D, D), with W W' the optimal transport map from each packet's fake Gaussian to the real one.

    With M = C_r' C_f = U s V' it is C_r U s^-1/2. The squares of s are eigenvalues, which is exact enough for an
    interval, and in LAPACK's own calls far faster here than NumPy's stacks, whose threads wait for each other.
    """
    from scipy.linalg import lapack

    maps = np.empty_like(product)
    for whole, factor, one in zip(maps, real_factors, product @ product.transpose(0, 2, 1), strict=True):
        squares, vectors, _ = lapack.dsyevd(one)
        values = np.sqrt(np.maximum(squares, 0.0))
        used = values > _NOTHING * values[-1]
        roots = np.where(used, 1 / np.sqrt(np.where(used, values, 1.0)), 0.0)
        np.matmul(factor, vectors * roots, out=whole)
    return maps


def _traces(moments: PacketMoments) -> np.ndarray:
    return np.einsum("pdd->p", moments.cov)


def _influences(fake: PacketSet, shift: np.ndarray, transport: np.ndarray) -> np.ndarray:
    """Return the derivative of the value towards more weight on each image of the sample, (m,), up to a constant.

    It is the mean over packets of ``2 (mu_f - mu_r)' d_i + n / (n - 1) (|d_i|^2 - d_i' T d_i)`` with T = W W' the
    optimal transport map from the fake Gaussian of the packet to the real one.

    Args:
        fake: its sample is looked at.
        shift: mu_f - mu_r, (P, D).
        transport: W, (P, D, D).
    """
    moments = fake.moments
    unit = np.float32(1 / (255 * 2**moments.level))
    # Float32: an interval needs three digits.
    centre, maps = moments.mean[:, None, :].astype(np.float32), transport.astype(np.float32)
    pull, spread = 2 * shift.astype(np.float32)[:, :, None], np.float32(fake.n / (fake.n - 1))
    influences = np.empty(len(fake.sample))
    for start in range(0, len(influences), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        offset = packets_of(fake.sample[part], moments.level) * unit - centre
        mapped = offset @ maps
        form = np.einsum("pnd,pnd->n", offset, offset) - np.einsum("pnd,pnd->n", mapped, mapped)
        influences[part] = ((offset @ pull).sum(axis=(0, 2)) + spread * form) / len(shift)
    return influences
