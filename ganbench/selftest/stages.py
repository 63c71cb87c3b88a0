"""The stages of a number, each checked by itself.

Every stage but the last is given what the stage before it must give, and not what it gave: so a stage that is wrong is
found wrong alone, and its name is the culprit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ganbench.detectors.answers import detections
from ganbench.detectors.registry import load_detector
from ganbench.errors import AssetMissing, GanbenchError, MetricError
from ganbench.features.registry import load_extractor, specify_extractor
from ganbench.features.resize import RESIZES, resize_matrix
from ganbench.features.spec import BuildOptions
from ganbench.images.decode import decode
from ganbench.images.resize import FILTERS, Resize
from ganbench.images.sources import open_source
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.registry import METRICS
from ganbench.references.library import DEFAULT_NAME, find_reference
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.selftest.arrays import checkable, sides
from ganbench.selftest.checks import Check, array_check, number_check, text_check
from ganbench.selftest.data import Expected

EXTRACTOR, DETECTOR = "lite0", "yolo-nano"
SMALL, NETWORK = 64, 224  # pixels that pictures are resized to, and that the network sees
# How far off a right installation may be; docs/selftest.md says what was measured.
LOSSY_LEVELS = 2.0  # of a decoded JPEG or WebP, of 255
RESIZED_LEVELS = 1.0  # of a resized picture, of 255
MATRIX = 1e-6  # of an entry of a resize matrix
FEATURES = 1e-4  # of a feature, of the largest
BOX_PIXELS, BOX_SCORE = 0.05, 1e-3
METRIC, INTERVAL = 1e-8, 1e-6  # relative
COUNTED = 1e-3  # of metrics that count images within balls: one image of a thousand at an edge
SCORED = 5e-3  # of the whole way
LOSSLESS = (".png", ".bmp")

Stage = Callable[[Expected], Iterator[Check]]


def decoding(expected: Expected) -> Iterator[Check]:
    """Encoded files become the right pixels."""
    for number, (name, data) in enumerate(expected.pictures.items()):
        tolerance = 0.0 if name.endswith(LOSSLESS) else LOSSY_LEVELS
        try:
            yield array_check(name, decode(data, name), expected.arrays["decoded"][number], tolerance, " of 255")
        except GanbenchError as e:
            yield Check.failed(name, str(e))


def resampling(expected: Expected) -> Iterator[Check]:
    """Pillow resizes as it must: every filter, to a smaller and to a larger size."""
    pixels = expected.arrays["decoded"][:2]
    for name in FILTERS:
        for size in (SMALL, 128):
            rule = Resize(size, size, name)
            found = np.stack([rule(image) for image in pixels])
            yield array_check(f"Pillow, {rule}", found, expected.arrays[str(rule)], RESIZED_LEVELS, " of 255")


def matrices(expected: Expected) -> Iterator[Check]:
    """The matrices that resize to a network's size are right."""
    for name in RESIZES:
        yield array_check(name, resize_matrix(name, SMALL, NETWORK), expected.arrays[f"matrix {name}"], MATRIX)


def weights(expected: Expected) -> Iterator[Check]:
    """The weights are the pinned ones; of extractors that are not installed nothing is said."""
    del expected
    for name in (EXTRACTOR, "lite2", "inception"):
        try:
            spec = specify_extractor(name)
            yield Check(name, True, True, spec.weights_sha256[:12], spec.weights_sha256)
        except AssetMissing:
            yield Check.left_out(name, "not installed")
        except GanbenchError as e:
            yield Check.failed(name, str(e))


def network(expected: Expected) -> Iterator[Check]:
    """The network computes the right features of right pixels."""
    must = expected.arrays["features"]
    try:
        found, _ = load_extractor(EXTRACTOR, BuildOptions())(expected.arrays["network input"])
    except GanbenchError as e:
        yield Check.left_out(EXTRACTOR, str(e))  # its weights are at fault, which their own check says
        return
    yield array_check(f"{EXTRACTOR}, features", found, must, FEATURES * float(np.abs(must).max()))


def metrics(expected: Expected) -> Iterator[Check]:
    """Every metric of ganbench gives the right value and interval for fixed arrays."""
    for name in METRICS:
        metric = METRICS[name]
        if not metric.compute.__module__.startswith("ganbench."):
            continue  # somebody else's: their tests are theirs
        if not checkable(metric) or name not in expected.metrics:
            yield Check.left_out(name, "no value is known that it must have")
            continue
        yield from _metric(name, expected.metrics[name])


def _metric(name: str, must: dict[str, float | None]) -> Iterator[Check]:
    metric = METRICS[name]
    real, fake = sides(metric.needs) or (None, None)
    found = evaluate([metric], real=real, fake=fake)[metric.name]
    if isinstance(found, MetricError):
        yield Check.failed(name, str(found))
        return
    if must["version"] != metric.version:
        yield Check.failed(name, f"version {metric.version}, and the value that it must have is of {must['version']}")
        return
    for what, tolerance in (("value", METRIC), ("low", INTERVAL), ("high", INTERVAL)):
        number, wanted = getattr(found, what), must[what]
        label = name if what == "value" else f"{name}, {what} end"
        if number is None or wanted is None:
            if number is not wanted:
                yield Check.failed(label, f"{number}, and it must be {wanted}")
            continue
        yield number_check(label, number, wanted, COUNTED if metric.uses_pairs else tolerance)


def detector(expected: Expected) -> Iterator[Check]:
    """The detector finds the right boxes."""
    try:
        found = detections(load_detector(DETECTOR), expected.arrays["network input"])
    except GanbenchError as e:
        yield Check.failed(DETECTOR, str(e))
        return
    counts = np.array([len(one.scores) for one in found])
    yield array_check(f"{DETECTOR}, faces in each picture", counts, expected.arrays["faces"], 0)
    if np.array_equal(counts, expected.arrays["faces"]):
        boxes = np.concatenate([one.boxes for one in found])
        scores = np.concatenate([one.scores for one in found])
        yield array_check(f"{DETECTOR}, boxes", boxes, expected.arrays["boxes"], BOX_PIXELS, " pixels")
        yield array_check(f"{DETECTOR}, scores", scores, expected.arrays["scores"], BOX_SCORE)


def reference(expected: Expected) -> Iterator[Check]:
    """The shipped reference is whole, and the one that it must be."""
    name = f"{DEFAULT_NAME}, {EXTRACTOR}"
    try:
        path = find_reference(DEFAULT_NAME, EXTRACTOR)
        if path is None:
            yield Check.failed(name, "it is not there: reinstall ganbench")
            return
        yield text_check(name, Reference.load(path).identity(), expected.reference)
    except GanbenchError as e:
        yield Check.failed(name, str(e))


def score(expected: Expected) -> Iterator[Check]:
    """The pictures, scored as a user scores them, have the right numbers."""
    options = ScoreOptions(resize=str(SMALL), cache=False)
    try:
        source = open_source(expected.archive, resize=str(SMALL))
        card = score_source(source, Plan.of(options, source))
    except GanbenchError as e:
        yield Check.failed("scorecard", str(e))
        return
    for result_id, must in expected.score.items():
        if result_id not in card:
            yield Check.left_out(result_id, "it is no result of this version")
        elif (found := card[result_id]).value is None:
            yield Check.failed(result_id, found.reason)
        else:
            yield number_check(result_id, found.value, must["value"], SCORED)


@dataclass(frozen=True)
class Part:
    """A stage, and which earlier ones it cannot do without: where they fail, it is not to blame."""

    name: str
    run: Stage
    needs: tuple[str, ...] = ()


STAGES = (
    Part("decoding", decoding),
    Part("resampling", resampling),
    Part("resize matrices", matrices),
    Part("weights", weights),
    Part("network", network, ("resize matrices", "weights")),
    Part("metrics", metrics),
    Part("detector", detector),
    Part("reference", reference),
    Part(
        "score",
        score,
        ("decoding", "resampling", "resize matrices", "weights", "network", "metrics", "detector", "reference"),
    ),
)
