"""The contract of an extractor, as a check that every one must pass: ours, and those of other packages."""

from __future__ import annotations

import copy
import pickle
import re
from dataclasses import replace

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.features.extractor import Extractor
from ganbench.features.resize import RESIZES
from ganbench.features.spec import PRECISIONS, ExtractorSpec
from ganbench.system.contract import require, same_every_time
from ganbench.toyfaces import toyfaces

# Of the largest feature: how far a feature may be off in other company. Convolutions of several images are summed in
# another order than those of one.
_ROUNDING = {"fp32": 1e-4, "bf16": 2e-2}


def check_extractor(extractor: Extractor) -> None:
    """Check the contract of an extractor.

    Its specification is whole and hashed whole. It maps uint8 images of any size to float32 features, finite, the same
    bits every time and in every thread; an image's features do not depend on its neighbours; no images give no
    features; other types are refused. A deep copy and a pickle of it compute the same.

    Args:
        extractor: as ``ganbench.features.registry.load_extractor`` returns it.

    Raises:
        AssertionError: with what is wrong.
    """
    spec = extractor.spec
    _check_spec(spec)
    pixels = varied_images(48, 80)
    try:
        features, logits = extractor(pixels)
    except GanbenchError as e:
        raise AssertionError(str(e)) from e
    require(features.dtype == np.float32, f"{spec.name}: features are {features.dtype}, not float32")
    require(
        features.shape == (len(pixels), spec.feature_size),
        f"{spec.name}: features of {len(pixels)} images have the shape {features.shape}, "
        f"the specification says ({len(pixels)}, {spec.feature_size})",
    )
    require(bool(np.isfinite(features).all()), f"{spec.name}: features are not all finite")
    require(bool((features[0] != features[1]).any()), f"{spec.name}: two different images have the same features")
    _check_logits(spec, logits, len(pixels))
    _check_company(extractor, pixels, features)
    _check_other_input(extractor)
    same_every_time(spec.name, lambda: extractor(pixels)[0], features, np.array_equal)
    _check_copies(extractor, pixels, features)


def _check_spec(spec: ExtractorSpec) -> None:
    require(isinstance(spec.name, str) and bool(spec.name), f"the name must be text, not {spec.name!r}")
    for name, least in (("version", 1), ("feature_size", 1), ("input_size", 1), ("logits", 0)):
        value = getattr(spec, name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        require(whole and value >= least, f"{spec.name}: {name} must be a whole number from {least}, not {value!r}")
    require(spec.resize in RESIZES, f"{spec.name}: there is no resize protocol {spec.resize!r}")
    require(spec.precision in PRECISIONS, f"{spec.name}: there is no precision {spec.precision!r}")
    hashed = re.fullmatch(r"[0-9a-f]{64}", spec.weights_sha256)
    require(hashed is not None, f"{spec.name}: weights_sha256 must be 64 hex digits, not {spec.weights_sha256!r}")
    for part in (f"{spec.name} v{spec.version}", spec.resize, spec.precision, spec.weights_sha256[:8]):
        require(part in spec.protocol, f"{spec.name}: the protocol does not show {part!r}: {spec.protocol}")
    require(replace(spec).key() == spec.key(), f"{spec.name}: equal specifications have different keys")
    require(replace(spec, note="else").key() == spec.key(), f"{spec.name}: the key depends on the note")
    other = "0" * 64 if spec.weights_sha256 != "0" * 64 else "1" * 64
    changed = {"name": "else", "resize": "else", "precision": "else", "weights_sha256": other}
    numbers = ("version", "feature_size", "input_size", "logits")
    for field, value in [*changed.items(), *((field, getattr(spec, field) + 1) for field in numbers)]:
        require(replace(spec, **{field: value}).key() != spec.key(), f"{spec.name}: the key does not depend on {field}")


def _check_logits(spec: ExtractorSpec, logits: np.ndarray | None, count: int) -> None:
    if logits is None:
        require(not spec.logits, f"{spec.name}: the specification promises {spec.logits} logits, there are none")
        return
    require(
        logits.dtype == np.float32 and logits.shape == (count, spec.logits),
        f"{spec.name}: logits are {logits.dtype} {logits.shape}, not float32 ({count}, {spec.logits})",
    )


def _check_company(extractor: Extractor, pixels: np.ndarray, features: np.ndarray) -> None:
    spec = extractor.spec
    allowed = _ROUNDING[spec.precision] * max(float(np.abs(features).max()), 1e-6)
    alone = np.concatenate([extractor(pixels[i : i + 1])[0] for i in range(len(pixels))])
    off = float(np.abs(alone - features).max())
    require(
        off <= allowed,
        f"{spec.name}: an image's features depend on its neighbours in the batch (by {off:.2g}, rounding would be "
        f"{allowed:.2g})",
    )
    turned = np.roll(extractor(np.roll(pixels, 1, axis=0))[0], -1, axis=0)
    require(
        bool(np.abs(turned - features).max() <= allowed), f"{spec.name}: features are not in the order of the images"
    )


def _check_other_input(extractor: Extractor) -> None:
    spec = extractor.spec
    nothing = extractor(np.empty((0, 64, 64, 3), np.uint8))[0]
    empty = nothing.shape == (0, spec.feature_size) and nothing.dtype == np.float32
    require(empty, f"{spec.name}: no images must give float32 (0, {spec.feature_size}), not {nothing.shape}")
    for wrong in (np.zeros((1, 64, 64, 3)), np.zeros((1, 3, 64, 64), np.uint8), np.zeros((64, 64, 3), np.uint8)):
        try:
            extractor(wrong)
        except GanbenchError:
            continue
        raise AssertionError(f"{spec.name}: takes {wrong.dtype} {wrong.shape}, and guesses what it means")


def _check_copies(extractor: Extractor, pixels: np.ndarray, features: np.ndarray) -> None:
    name = extractor.spec.name
    for how, copied in (("deep copy", copy.deepcopy(extractor)), ("pickle", pickle.loads(pickle.dumps(extractor)))):
        require(copied.spec == extractor.spec, f"{name}: a {how} of it has another specification")
        require(np.array_equal(copied(pixels)[0], features), f"{name}: a {how} of it computes something else")


def varied_images(height: int, width: int) -> np.ndarray:
    """Return uint8 images (4, height, width, 3): two faces, noise, and a plain colour."""
    rng = np.random.default_rng(7)
    side = max(height, width)
    faces = np.stack([image for _, image in toyfaces(2, side, seed=7)])[:, :height, :width]
    noise = rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    plain = np.broadcast_to(rng.integers(0, 256, (1, 1, 1, 3), dtype=np.uint8), (1, height, width, 3))
    return np.ascontiguousarray(np.concatenate([faces, noise, plain]))
