"""Which modes of toy faces samples reach: known cases, and what is read from drawn faces."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganbench.diagnostics.toy_modes import ToyFaces, reader_of
from ganbench.images.sources import open_source
from ganbench.toyfaces import draw_face, sample_attributes, toyfaces
from ganbench.toyfaces.attributes import row


def _blobs(classes: list[int], rng: np.random.Generator, spread: float) -> np.ndarray:
    return 3 * np.eye(16)[classes] + rng.normal(0, spread, (len(classes), 16))


def test_mode_coverage_of_known_cases(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 8, 400)
    styles = rng.integers(0, 2, 400)
    features = _blobs(labels, rng, 0.5) + 3 * np.eye(16)[8 + styles]
    toys = ToyFaces(
        features,
        {
            "hair_color": [f"c{i}" for i in labels],
            "hair_style": [f"s{i}" for i in styles],
            "noise": [f"n{i}" for i in rng.integers(0, 2, 400)],
        },
    )

    def reached(colors: list[int], style: int | None) -> dict[str, set[str]]:
        shown = rng.choice(colors, 300)
        chosen = rng.integers(0, 2, 300) if style is None else np.full(300, style)
        found = toys.reached(_blobs(shown, rng, 0.5) + 3 * np.eye(16)[8 + chosen])
        assert [r.attribute for r in found if r.readable] == ["hair_color", "hair_style", "mode"]
        assert {r.attribute: len(r.values) for r in found}["mode"] == 16
        return {r.attribute: set(r.missing) for r in found if r.readable}

    assert reached(list(range(8)), None) == {"hair_color": set(), "hair_style": set(), "mode": set()}
    some = reached([1, 4], 0)
    assert some["hair_color"] == {"c0", "c2", "c3", "c5", "c6", "c7"}
    assert some["hair_style"] == {"s1"}
    assert len(some["mode"]) == 14


def test_reading_errors_do_not_count_as_reached(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 4, 1000)
    toys = ToyFaces(_blobs(labels, rng, 1.0), {"hair_color": [f"c{i}" for i in labels]})
    false, runs = 0, 40
    for _ in range(runs):
        (found,) = toys.reached(_blobs(rng.choice([0, 1], 500), rng, 1.0))
        assert found.accuracy > 0.9
        assert {"c0", "c1"}.isdisjoint(found.missing)
        false += 2 - len(found.missing)
    assert false <= 4  # of 80 chances at 1 in 100 each


@pytest.mark.slow
def test_attributes_of_drawn_faces_are_read(tmp_path: Path, lite0: object) -> None:
    faces = [sample_attributes(4, i) for i in range(400)]
    assert reader_of(open_source(np.zeros((2, 64, 64, 3), np.uint8))) is None
    chosen = [i for i, f in enumerate(faces) if f.hair_color in ("black", "blonde", "green")][:90]

    with (tmp_path / "attributes.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, ["name", *row(faces[0])])
        writer.writeheader()
        for i in chosen:
            writer.writerow({"name": f"{i}.png", **row(faces[i])})
            Image.fromarray(draw_face(faces[i], 64)).save(tmp_path / f"{i}.png")
    reach = reader_of(open_source(tmp_path))
    fresh = [image for face, image in toyfaces(150, seed=5) if face.hair_color in ("black", "green")]
    hair = next(r for r in reach(open_source(np.stack(fresh))) if r.attribute == "hair_color")
    assert hair.accuracy > 0.9
    assert hair.missing == ("blonde",)
