"""Mode coverage on toy faces: which of the known attributes the samples reach.

A ridge regression on lite0 features learns to read the attributes from the labelled real images. (The nearest labelled
image would be simpler, but with 2,500 of them it reads hair colour rightly in 0.66 of 1,000 fresh faces, where the
regression does in 0.98.) How well it reads is measured by leaving every labelled image out once. That decides twice: an
attribute that is not read well is left out, and a value counts as reached only if more samples show it than reading
errors alone would explain.

A regression gives every image some hair colour, a grey sheet too. So only samples like the labelled faces count,
see ``_Likeness``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.collect import collect_features
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.images.source import Source
from ganbench.scoring.plan import SAMPLE_CAP
from ganbench.system.parse import read_text
from ganbench.system.wall import wall

ATTRIBUTES = (
    "hair_color", "hair_style", "bangs", "eye_color", "expression", "pose", "background", "accessory", "skin",
)  # fmt: skip
MODE = "mode"  # hair colour and style together
MOST_LABEL_BYTES = 64 << 20  # a toy face takes about 90
LABELLED = 5000  # images that the regression learns from, at most
READABLE = 0.9  # least share of labelled images, each left out once, whose value is read rightly
RIDGE = 0.25  # weight of the penalty, as a share of the feature size; features are standardised
SURE = 0.99  # a value that no sample has is taken for reached at most so rarely: once in 100
DIRECTIONS = 64  # principal directions in which toy faces vary, at most
MARGIN = 1.25  # how far out of them a sample may lie: times what 99 of 100 labelled faces that were held out keep to
STRAYS = 0.1  # up to this share of samples may be near to the labelled faces by chance: of real anime faces, 0.02 are


@dataclass(frozen=True)
class Reached:
    """What samples reach of one attribute.

    Attributes:
        attribute: its name.
        accuracy: share of labelled images, each left out once, that are read rightly.
        values: all values among the labelled images.
        missing: those that no more samples show than reading errors explain.
        faces: share of the samples that are like the labelled faces; of the others nothing is read.
    """

    attribute: str
    accuracy: float
    values: tuple[str, ...]
    missing: tuple[str, ...]
    faces: float

    @property
    def readable(self) -> bool:
        """Tell whether the attribute is read well enough to say anything."""
        return self.accuracy >= READABLE


class _Likeness:
    """Tells images that are like the labelled faces from all others.

    Features of toy faces vary in few directions. How far a sample lies out of these (the reconstruction error of a
    principal component analysis) is small for a face that was drawn, and large for anything else. What is usual is
    learnt from one half of the labelled faces and tried on the other half, both ways.
    """

    def __init__(self, features: np.ndarray) -> None:
        """Learn the directions, and the bound, from features of labelled faces, float (N, D)."""
        count, size = features.shape
        self._directions = min(DIRECTIONS, count // 8, size // 2)
        halves = features[::2], features[1::2]
        held_out = [self._outside(b, *self._fit(a)) for a, b in (halves, halves[::-1])]
        self.bound = MARGIN * float(np.quantile(np.concatenate(held_out), SURE))
        self._mean, self._axes = self._fit(features)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return which samples, float (N, D), are like the labelled faces: bool (N,)."""
        return self._outside(features, self._mean, self._axes) <= self.bound

    def _fit(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean (D,) and the principal directions (D, K)."""
        mean = features.mean(0)
        centred = features - mean
        return mean, np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, : self._directions]

    @staticmethod
    def _outside(features: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Return how far samples (N, D) lie out of the directions: float (N,)."""
        centred = features - mean
        return np.asarray(np.linalg.norm(centred - centred @ axes @ axes.T, axis=1))


class ToyFaces:
    """Labelled toy faces, and the regression that reads their attributes."""

    def __init__(self, features: np.ndarray, labels: dict[str, list[str]]) -> None:
        """Fit the regression.

        Args:
            features: float (N, D), of the labelled images.
            labels: the value of every image, by attribute.
        """
        features = np.asarray(features, np.float64)
        self._is_like = _Likeness(features)
        self._labels = {name: np.array(values) for name, values in labels.items()}
        self._mean, self._scale = features.mean(0), features.std(0) + 1e-3
        x = self._standard(features)
        solver = np.linalg.solve(x.T @ x + RIDGE * x.shape[1] * np.eye(x.shape[1]), x.T)
        leverage = np.einsum("nd,dn->n", x, solver)[:, None]
        self._classes, self._weights, self._offsets, left_out = {}, {}, {}, {}
        for name, values in self._labels.items():
            classes, index = np.unique(values, return_inverse=True)
            targets = np.eye(len(classes))[index]
            offset = targets.mean(0)
            weights = solver @ (targets - offset)
            # What a ridge regression says of an image when that image is left out has a closed form.
            guess = (x @ weights - leverage * (targets - offset)) / (1 - leverage)
            left_out[name] = classes[(guess + offset).argmax(1)]
            self._classes[name], self._weights[name], self._offsets[name] = classes, weights, offset
        self._left_out = _with_modes(left_out)
        self._labels = _with_modes(self._labels)

    def reached(self, features: np.ndarray) -> list[Reached]:
        """Return what samples reach of every attribute.

        Args:
            features: float (N, D), of the samples.
        """
        like = self._is_like(np.asarray(features, np.float64))
        faces = float(np.mean(like))
        x = self._standard(features[like] if faces > STRAYS else features[:0])
        shown = _with_modes(
            {n: c[(x @ self._weights[n] + self._offsets[n]).argmax(1)] for n, c in self._classes.items()}
        )
        found = []
        for name, true in self._labels.items():
            read = self._left_out[name]
            values = tuple(np.unique(true).tolist())
            missing = tuple(v for v in values if np.sum(shown[name] == v) <= _by_error(v, read, true, len(features)))
            found.append(Reached(name, float(np.mean(read == true)), values, missing, faces))
        return found

    def _standard(self, features: np.ndarray) -> np.ndarray:
        return (np.asarray(features, np.float64) - self._mean) / self._scale


def _with_modes(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not {"hair_color", "hair_style"} <= values.keys():
        return values
    pairs = zip(values["hair_color"], values["hair_style"], strict=True)
    return values | {MODE: np.array([f"{color} {style}" for color, style in pairs])}


def _by_error(value: str, read: np.ndarray, true: np.ndarray, count: int) -> float:
    """Return how many of ``count`` samples may show a value if none of them has it."""
    from scipy.stats import binom

    others = true != value
    # Laplace's rule: that no labelled image was misread so does not mean that none ever is.
    error = (np.sum(read[others] == value) + 1) / (others.sum() + 2)
    return float(binom.ppf(SURE, count, error))


def reader_of(source: Source) -> Callable[[Source], list[Reached]] | None:
    """Return what tells which attributes samples reach, given a folder of toy faces with its ``attributes.csv``.

    Returns:
        None for any other source.

    Raises:
        GanbenchError: bad images.
    """
    rows = read_attributes(source)
    if rows is None:
        return None
    extractor = load_extractor("lite0", BuildOptions())
    some = source.first(min(LABELLED, len(source)))
    labels = {name: [row[name] for row in rows[: len(some)]] for name in ATTRIBUTES}
    toys = ToyFaces(_features(some, extractor), labels)
    return lambda samples: toys.reached(_features(samples, extractor))


def read_attributes(source: Source) -> list[dict[str, str]] | None:
    """Return the attributes of every image, in order; None unless all of them are known."""
    try:
        with wall(GanbenchError):
            text = read_text(Path(source.label) / "attributes.csv", MOST_LABEL_BYTES)
            rows = {row["name"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    except GanbenchError:
        return None  # no folder of toy faces, or not as it was drawn
    known = all(name in rows and all(rows[name].get(a) for a in ATTRIBUTES) for name in source.names)
    return [rows[name] for name in source.names] if known else None


def _features(source: Source, extractor: Extractor) -> np.ndarray:
    """Return the features of a source, float32 (N, D); from the cache if they are there, as scoring leaves them."""
    return collect_features(source, extractor, cap=SAMPLE_CAP, seed=0, what="features", cache=True).sample
