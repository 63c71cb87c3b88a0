"""Explanations: what a known fault does to pictures is found and named, and nothing is where there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from coded_images import clumps, index_of
from made_pictures import pictures
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.diagnostics.toy_kinds import with_attributes
from ganbench.diagnostics.toy_modes import read_attributes
from ganbench.errors import MetricError, ReferenceError, SourceError
from ganbench.explanation import chance, pursuit, rules, words
from ganbench.explanation.distance import take_apart
from ganbench.explanation.explain import explain
from ganbench.explanation.finding import Finding
from ganbench.explanation.kinds import KINDS, REMEDIES
from ganbench.explanation.result import Explanation
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.looks import alterations as library
from ganbench.looks.alterations import Alteration, alterations
from ganbench.looks.kinds import kinds_of
from ganbench.looks.measures import NAMES, measure
from ganbench.looks.real import RealLooks
from ganbench.metrics.frechet import solve
from ganbench.references.reference import Reference
from ganbench.runs.explained import explanation_of
from ganbench.statistics.features import FeatureSet
from ganbench.toyfaces import write_toyfaces

SOME = ("lighter by 40%", "darker by 40%", "blurred with a radius of 1.1 pixels", "upside down", "swapped red and blue")


@pytest.fixture(scope="module")
def made() -> np.ndarray:
    return pictures(700, 1)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[Alteration]:
    """Let the library be of five alterations: all of them take half a minute."""
    chosen = [one for one in alterations() if one.what.removeprefix("of ") in SOME]
    monkeypatch.setattr(library, "alterations", lambda: chosen)
    return chosen


@pytest.mark.parametrize("size", [(64, 64), (16, 16), (48, 20), (33, 70)])
def test_every_measure_of_any_image_is_a_number(size: tuple[int, int], rng: np.random.Generator) -> None:
    images = np.stack([np.zeros((*size, 3)), np.full((*size, 3), 255), rng.integers(0, 256, (*size, 3))]).astype(
        np.uint8
    )
    found = measure(images)
    assert found.shape == (3, len(NAMES)) == (3, len(set(NAMES)))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(measure(images[2:]), found[2:], rtol=1e-5, atol=1e-5)


def test_the_library_keeps_sizes_and_its_kinds_have_remedies(made: np.ndarray) -> None:
    for one in alterations():
        changed = one.change(made[:2, :40, :52], np.random.default_rng(0))
        assert changed.shape == (2, 40, 52, 3), one.what
        assert changed.dtype == np.uint8
        assert one.kind in KINDS
    assert set(KINDS) == set(REMEDIES)
    assert len({(one.kind, one.what) for one in alterations()}) > 200


def test_a_known_fault_is_found_first_and_honest_pictures_have_none(made: np.ndarray, few: list[Alteration]) -> None:
    measures = measure(made)
    real = RealLooks.of(measures[:500], made[:16])
    least = chance.threshold(300)
    held_out = made[500:]

    def found(images: np.ndarray) -> list[str]:
        explained, _ = pursuit.pursue(real, few, real.standardised(measure(images)), least)
        return [few[one.number].kind for one in explained]

    assert found(held_out) == []
    assert found(np.clip(held_out * 0.65, 0, 255).astype(np.uint8))[0] == "brightness"
    assert found(np.stack([cv2.blur(one, (3, 3)) for one in held_out]))[0] == "sharpness"


def test_jpeg_hides_no_other_look(made: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [one for one in alterations() if one.kind == "jpeg" or one.what == "darker by 10%"]
    monkeypatch.setattr(library, "alterations", lambda: chosen)
    real = RealLooks.of(measure(made[:500]), made[:64])
    least = chance.threshold(300)

    def found(images: np.ndarray) -> dict[str, float]:
        saved = [cv2.imdecode(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], 1) for one in images]
        findings, _ = rules._of_looks(real, real.standardised(measure(np.stack(saved))), least)
        return {one.kind: one.effect for one in findings if one.kind in ("jpeg", "brightness")}

    darker = found((made[500:] * 0.9).astype(np.uint8))
    assert set(darker) == {"jpeg", "brightness"}
    assert least <= darker["brightness"] < chance.MISFIT * darker["jpeg"]
    assert set(found(made[500:])) == {"jpeg"}


def test_what_is_left_of_a_spectrum_is_told_against_what_alterations_make_of_it(
    made: np.ndarray, few: list[Alteration]
) -> None:
    real = RealLooks.of(measure(made[:500]), made[:2])
    looks = real.standardised(measure(made[500:]))
    column = next(place for place, name in enumerate(NAMES) if name.startswith("colour power"))
    looks[:, column] += 3.0  # more of it than real images have; alterations that were found would make still more
    found = words.of_spectrum(column, -6.0, real, looks)
    expected = float(found.text.split("expected ")[1].split(",")[0])
    assert found.text.startswith("There is less power of colour at frequency 0 ")
    assert found.real < found.value < expected
    assert found.effect == 6.0


def test_images_are_not_called_lighter_where_only_their_light_parts_are(
    made: np.ndarray, few: list[Alteration]
) -> None:
    real = RealLooks.of(measure(made[:500]), made[:2])
    looks = real.standardised(measure(made[500:]))
    number = next(place for place, one in enumerate(few) if one.what == "lighter by 40%")
    one = pursuit.Explained(number, 0.2, 9.0, 9.0, 0.1, np.arange(len(looks), dtype=float))
    lighter, ends = looks.copy(), looks.copy()
    lighter[:, [NAMES.index(name) for name in ("light", "light end")]] += 1
    ends[:, NAMES.index("light end")] += 1
    assert "not the whole" not in words.of_alteration(one, few[number], real, lighter).text
    assert "not the whole: mean light " in words.of_alteration(one, few[number], real, ends).text


def test_looks_need_real_images_enough(made: np.ndarray) -> None:
    with pytest.raises(MetricError, match="take 400 of them or more, not 20"):
        RealLooks.of(measure(made[:20]), made[:2])


def test_strengths_of_one_alteration_follow_each_other() -> None:
    one = {alteration.what: alteration for alteration in alterations()}
    assert one["darker by 40%"].follows(one["darker by 20%"])
    assert not one["darker by 10%"].follows(one["lighter by 10%"])
    assert library.alterations()[0].kind == "brightness"


def test_a_distance_taken_apart_adds_up(rng: np.random.Generator) -> None:
    real = FeatureSet.of(rng.normal(size=(400, 12)))
    features = rng.normal(size=(100, 12)) * np.array([3.0, *[1] * 11]) + np.array([0, 2.0, *[0] * 10])
    features[7] = 40
    fake = FeatureSet.of(features)
    found = take_apart(real, fake, "own", np.random.default_rng(0), str)
    assert found.value == solve(real, fake).value
    assert found.mean + found.covariance == pytest.approx(found.value, rel=1e-9)
    assert found.worst[0] == 7
    assert len(found.worst) == len(found.best) == 20
    assert found.left_out == 5
    kept = np.delete(features, found.worst[:5], axis=0)
    assert found.without_worst == pytest.approx(solve(real, FeatureSet.of(kept)).value, rel=1e-6)
    assert found.real < found.value
    assert found.directions[0].share == max(one.share for one in found.directions) > 0.5
    assert 7 in (*found.directions[0].low, *found.directions[0].high)


def test_an_explanation_takes_twenty_images_and_a_reference_of_that_size(made: np.ndarray) -> None:
    with pytest.raises(SourceError, match="takes 20 images or more, found 3"):
        explain(made[:3])
    with pytest.raises(ReferenceError, match="64x64"):
        explain(made[:30, :32, :32])


def test_looks_and_kinds_come_back_from_a_file(
    made: np.ndarray, few: list[Alteration], tmp_path: Path, rng: np.random.Generator
) -> None:
    assert len(few) == 5
    real = RealLooks.of(measure(made[:450]), made[:8])
    index = index_of(clumps(rng, [80] * 6))
    data = {"label": "real", "count": len(index), "digest": "1" * 64}
    features = FeatureSet.of(index.codes.astype(np.float32))
    reference = Reference(
        features, None, (64, 64), None, data, index=index, looks=real, kinds=tuple(kinds_of(index.codes))
    )
    reference.save(tmp_path / "real.npz")
    loaded = Reference.load(tmp_path / "real.npz")
    assert loaded.looks is not None
    np.testing.assert_array_equal(loaded.looks.mean, real.mean)
    np.testing.assert_allclose(loaded.looks.cov, real.cov, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(loaded.looks.traces, real.traces, atol=0.02)
    for one, other in zip(loaded.kinds, reference.kinds, strict=True):
        np.testing.assert_array_equal(one, other)
    assert "looks of 450 images" in loaded.memory()
    replace(reference, looks=None, kinds=(), schema=3).save(tmp_path / "old.npz")
    assert "lacks looks for explanations" in Reference.load(tmp_path / "old.npz").memory()


def test_the_command_writes_findings_and_a_page(made: np.ndarray, tmp_path: Path, lite0: Extractor) -> None:
    """A reference of few images has no looks, and says so; sets are compared all the same."""
    np.save(tmp_path / "real.npy", made[:60])
    np.save(tmp_path / "fake.npy", np.concatenate([made[100:120], made[100:120]]))
    Reference.build(tmp_path / "real.npy", lite0, looks=True).save(tmp_path / "real.npz")
    out, page = tmp_path / "why.json", tmp_path / "why.html"
    line = [str(tmp_path / "fake.npy"), "--reference", str(tmp_path / "real.npz"), "--real", str(tmp_path / "real.npy")]
    done = CliRunner().invoke(app, ["explain", *line, "--json", str(out), "--html", str(page), "--quiet"])
    assert done.exit_code == 0, done.output
    answer = json.loads(out.read_text("utf-8"))
    first = answer["findings"][0]
    assert first["kind"] == "repeats"
    assert first["low"] <= first["effect"] <= first["high"]
    assert first["value"] == 1
    assert {"text", "remedy", "images"} <= first.keys()
    effects = [one["effect"] for one in answer["findings"]]
    assert effects == sorted(effects, reverse=True)
    assert "lacks the looks of its images" in " ".join(answer["notes"])
    assert "1. repeats" in done.output
    text = page.read_text("utf-8")
    assert "1. Repeats" in text
    assert "Directions that carry it" in text
    assert text.count("data:image/webp") >= 10
    printed = CliRunner().invoke(app, ["explain", *line, "--json", "-", "--quiet"])
    assert json.loads(printed.output)["findings"] == answer["findings"]


def test_kinds_of_toy_faces_go_by_their_attributes(tmp_path: Path) -> None:
    write_toyfaces(tmp_path / "toys", 40, 32, 3)
    real = open_source(tmp_path / "toys")
    rows = read_attributes(real)
    colour = rows[0]["hair_color"]
    members = tuple(name for name, row in zip(real.names, rows, strict=True) if row["hair_color"] == colour)
    finding = Finding("missing_kinds", 9.0, 8.0, 10.0, "Rare.", "Train.", "share", 0.0, 0.1, 0.01, (), members)
    explained = Explanation([finding], {}, {}, [], 4.1, 300)
    assert f"hair color {colour}" in with_attributes(explained, real).findings[0].text
    assert with_attributes(explained, open_source(np.zeros((3, 8, 8, 3), np.uint8))) is explained


def test_the_explanation_of_a_run_is_of_its_samples_or_none(tmp_path: Path) -> None:
    told = {"kind": "noise", "effect": 9.5, "text": "a", "remedy": "b", "images": []}
    file = tmp_path / "explanation.json"
    assert explanation_of(tmp_path, "d") is None
    file.write_text(json.dumps({"source": {"digest": "d"}, "findings": [told]}), "utf-8")
    assert [one.kind for one in explanation_of(tmp_path, "d")] == ["noise"]
    assert explanation_of(tmp_path, "other samples") is None
    file.write_text(json.dumps({"source": {"digest": "d"}, "findings": [told | {"effect": "9"}]}), "utf-8")
    assert explanation_of(tmp_path, "d") is None
    file.write_bytes(b"\xff{")
    assert explanation_of(tmp_path, "d") is None
