"""What other tools do otherwise, as something that can be put in the place of ours: for measuring what it changes.

Frechet distances with another covariance or another root, and images that are decoded in another way. They are no
metrics of a scorecard: nothing lists them, and their ids are names of their own.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from ganbench.errors import DecodeError, GanbenchError, MetricError
from ganbench.images.decode import decode
from ganbench.images.source import Slice, Source
from ganbench.metrics.base import Estimate, Metric, metric
from ganbench.metrics.frechet import solve
from ganbench.statistics.features import FeatureSet
from ganbench.system.shared_state import SharedState
from ganbench.system.wall import wall

OURS = ("divided by n - 1", "singular values of a product of factors")


def form_of(metric: str, formula: Mapping[str, object]) -> str:
    """Return the name under which another form of a metric can be asked for.

    Args:
        metric: its name.
        formula: the form, by the names of ``facts.FORMULAS``; what is missing is as ours.

    Raises:
        GanbenchError: a form that is not here.
    """
    covariance, root = str(formula.get("covariance", OURS[0])), str(formula.get("root", OURS[1]))
    if metric == "fd" and (covariance, root) != OURS:
        if covariance in _DIVISORS and root in _ROOTS:
            return f"{__name__}:{_DIVISORS[covariance]}_{_ROOTS[root][0]}"
        raise GanbenchError(f"a Frechet distance with a covariance {covariance} and {root} is not built in")
    estimator = str(formula.get("estimator", ""))
    if metric in ("kd", "kd_subsets") and estimator:
        if estimator not in _ESTIMATORS:
            raise GanbenchError(f"a kernel distance that is {estimator} is not built in")
        return _ESTIMATORS[estimator]
    return metric


def _singular(real: FeatureSet, fake: FeatureSet) -> float:
    """Return the trace of the root of the product of both covariances, as our Frechet distance has it."""
    shift = real.moments.mean - fake.moments.mean
    whole = float(shift @ shift) + _trace(real) + _trace(fake)
    return (whole - solve(real, fake).value) / 2


def _silence() -> Callable[[], None]:
    from scipy.linalg import LinAlgWarning

    silent = warnings.catch_warnings()
    silent.__enter__()
    warnings.simplefilter("ignore", LinAlgWarning)
    return lambda: silent.__exit__(None, None, None)


# Of few images every covariance is singular, which SciPy would say each time. What it makes of that is to be measured.
_SILENT = SharedState(_silence)


def _sqrtm(real: FeatureSet, fake: FeatureSet) -> float:
    """Return it from SciPy's root of the matrix; where that is not finite, 1e-6 is added to both diagonals first."""
    from scipy.linalg import sqrtm

    offset = 1e-6 * np.eye(real.size)
    for added in (0.0, 1.0):
        product = (real.moments.cov + added * offset) @ (fake.moments.cov + added * offset)
        with np.errstate(all="ignore"), _SILENT:
            found = np.trace(np.asarray(sqrtm(product)))
        if np.isfinite(found):
            return float(found.real)
    raise MetricError("SciPy finds no root of the product of the covariances: they are nearly singular.")


def _eigenvalues(real: FeatureSet, fake: FeatureSet) -> float:
    """Return it from the eigenvalues of the product."""
    values = np.linalg.eigvals(real.moments.cov @ fake.moments.cov)
    return float(np.sqrt(values.astype(np.complex128)).real.sum())


_ESTIMATORS = {"unbiased, all pairs": "kd", "unbiased, 100 subsets of 1,000": "kd_subsets"}
_DIVISORS = {"divided by n - 1": "by_n_less_1", "divided by n": "by_n"}
_ROOTS: dict[str, tuple[str, Callable[[FeatureSet, FeatureSet], float]]] = {
    OURS[1]: ("singular", _singular),
    "scipy.linalg.sqrtm": ("sqrtm", _sqrtm),
    "eigenvalues of the product": ("eigenvalues", _eigenvalues),
}


def _trace(features: FeatureSet) -> float:
    return float(np.trace(features.moments.scatter)) / (features.n - 1)


def _made(covariance: str, root: str) -> Metric:
    name = f"fd_{_DIVISORS[covariance]}_{_ROOTS[root][0]}"

    def compute(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
        """Return the Frechet distance in this form, without an interval."""
        del seed
        for side, features in (("real", real), ("fake", fake)):
            if features.n < 2:
                raise MetricError(f"a covariance needs at least 2 {side} images, got {features.n}.")
            if covariance == "divided by n" and not len(features.sample):
                raise MetricError(f"the {side} statistics do not say of how many images they are.")
        shares = [1.0 if covariance == "divided by n - 1" else (side.n - 1) / side.n for side in (real, fake)]
        shift = real.moments.mean - fake.moments.mean
        traces = shares[0] * _trace(real) + shares[1] * _trace(fake)
        crossed = float(np.sqrt(shares[0] * shares[1])) * _ROOTS[root][1](real, fake)
        return Estimate(float(shift @ shift) + traces - 2 * crossed, None, None, "", fake.n)

    return metric(name, title=f"Frechet distance, {covariance}, {root}", better="lower", needs="moments")(compute)


by_n_less_1_sqrtm = _made("divided by n - 1", "scipy.linalg.sqrtm")
by_n_less_1_eigenvalues = _made("divided by n - 1", "eigenvalues of the product")
by_n_singular = _made("divided by n", OURS[1])
by_n_sqrtm = _made("divided by n", "scipy.linalg.sqrtm")
by_n_eigenvalues = _made("divided by n", "eigenvalues of the product")


class Converted(Slice):
    """Encoded images of a source, decoded by Pillow's ``convert("RGB")`` and by nothing else.

    No orientation of EXIF is followed, transparency is dropped instead of laid on white, and 16 bits are cut off: what
    most tools do.
    """

    def __init__(self, whole: Source) -> None:
        """Wrap a source of files."""
        super().__init__(whole, 0, len(whole))
        self._salt = f"{self._salt} converted"

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """See ``Source.decode``; what our own decoder refuses as too large or damaged is refused here too."""
        name = self.names[index]
        decode(bytes(content), name)
        with wall(lambda why: DecodeError(name, f"cannot be decoded: {why}")), Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
