"""Comparisons of images: against one reference, looked at once, and in pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic_runs import make_card

import ganbench
from ganbench.errors import GanbenchError
from ganbench.features.extractor import Extractor
from ganbench.references.reference import Reference

KD, FD = "kd[lite0]", "fd[lite0]"


def pictures(rng: np.random.Generator, count: int, spread: int = 60) -> np.ndarray:
    coarse = rng.integers(128 - spread, 128 + spread, (count, 4, 4, 3))
    return np.kron(coarse, np.ones((1, 8, 8, 1), np.int64)).astype(np.uint8)


@pytest.mark.slow
def test_images_against_one_reference(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, lite0: Extractor
) -> None:
    real = Reference.build(pictures(rng, 60), lite0)
    a, b = pictures(rng, 40), pictures(rng, 40, spread=20)
    chosen = {
        "reference": real,
        "detector": None,
        "labels": ["a", "b"],
        "metrics": ["fd", "kd", "precision", "duplicates"],
    }
    found = ganbench.compare(a, b, **chosen)
    assert found.ids == [FD, KD, "precision[lite0]", "duplicates[pixels]"]
    first, second = (ganbench.score(x, real, detector=None, metrics=chosen["metrics"]) for x in (a, b))
    for one in found.compared:
        assert (one.value_a, one.value_b) == (first[one.id].value, second[one.id].value)
        assert one.found.low <= one.found.difference <= one.found.high
    assert {one.id: one.winner for one in found.compared}[KD] == "a"
    # Again, without looking at anything with the network.
    monkeypatch.setattr(Extractor, "__call__", lambda *args: pytest.fail("extracts again"))
    assert ganbench.compare(a, b, **chosen).to_dict() == found.to_dict()


@pytest.mark.slow
def test_pairs(rng: np.random.Generator, tmp_path: Path, lite0: Extractor) -> None:
    real, a = Reference.build(pictures(rng, 60), lite0), pictures(rng, 24)
    b = np.clip(a.astype(np.int64) + 3, 0, 255).astype(np.uint8)
    for folder, images in (("x", a), ("y", b)):
        (tmp_path / folder).mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
    chosen = {"reference": real, "detector": None, "metrics": ["kd", "precision", "duplicates"]}
    loose, tied = (ganbench.compare(tmp_path / "x", tmp_path / "y", paired=how, **chosen) for how in (None, "names"))
    assert tied.compared[0].found.error < 0.5 * loose.compared[0].found.error
    tests = [one.found.test.partition(":")[0] for one in tied.compared]
    assert tests == ["paired t", "paired", "unpaired"]  # duplicates are no matter of pairs
    assert "Bonett-Price" in tied.compared[1].found.test
    assert (
        ganbench.compare(tmp_path / "x", b, paired="positions", labels=["x", "y"], **chosen).to_dict()["comparisons"]
        == tied.to_dict()["comparisons"]
    )
    (tmp_path / "y" / "7.png").rename(tmp_path / "y" / "70.png")
    with pytest.raises(GanbenchError, match=r"7\.png of x stands where 8\.png of y does.*--paired positions"):
        ganbench.compare(tmp_path / "x", tmp_path / "y", paired="names", **chosen)
    with pytest.raises(GanbenchError, match="is scorecard, and pairs are of images"):
        ganbench.compare(*(make_card({KD: (1.0, 0.5, 1.5)}, label=name) for name in "ab"), paired="positions")
    with pytest.raises(GanbenchError, match="has 24 images and images 23: they are no pairs"):
        ganbench.compare(tmp_path / "x", a[:23], paired="positions", **chosen)
    with pytest.raises(GanbenchError, match="correspond by names or by positions"):
        ganbench.compare(a, b, paired="somehow", **chosen)  # type: ignore[arg-type]  # on purpose
