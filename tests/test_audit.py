"""The audit: each check passes a metric that must pass and fails one that must fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audit_pieces import SMALL, bare, seeing

from ganbench.audit.check import Check, Finding
from ganbench.audit.copying import EXACT, KINDS, MIRRORED, changed
from ganbench.audit.corruption import NONE, Corruptions
from ganbench.audit.corruptions import CORRUPTIONS, corrupted
from ganbench.audit.material import Material
from ganbench.audit.points import Point
from ganbench.audit.registry import CHECKS, chosen_checks
from ganbench.audit.rules import TOLD, d_prime, rises, spread_at, worse_by
from ganbench.audit.run import run_audit
from ganbench.audit.sanity_table import SYNTHETIC
from ganbench.audit.scale import Scale
from ganbench.images.arrays import ArraySource
from ganbench.metrics.registry import METRICS
from ganbench.report.audit import make_audit_page
from ganbench.statistics.features import FeatureSet
from ganbench.training.run_folder import RunFolder

BLIND, MIDDLE, SURE = "audit_pieces:blind", "audit_pieces:middle", "audit_pieces:sure"


def finding(check: str, metric: str, material: Material, scale: Scale = SMALL) -> Finding:
    """Return what a check says of a metric after it was run."""
    audit = run_audit([replace(material, metrics=(metric,))], chosen_checks([check]), scale, cache=False)
    row = audit.row(f"{METRICS[metric].name}[made]", check)
    assert row is not None
    return row.finding


def judged(check: Check, metric: str, points: list[Point], clean: list[float] | None = None) -> Finding:
    """Return what a check says of values that were made up, beside those of fresh sets of 200 images."""
    fresh = [Point("x", "clean", 0, 200, value) for value in clean or ()]
    return check.judge(METRICS[metric], {check.name: points, "sizes": fresh}, SMALL)


# --- the measures ---


def test_a_spread_is_that_of_enough_sets_and_shrinks_with_the_root_of_n() -> None:
    eight = [0.0, 1.0] * 4
    spread = float(np.std(eight, ddof=1))
    assert spread_at(100, {100: eight, 200: [1.0, 9.0]}) == pytest.approx(spread)
    assert spread_at(400, {100: eight, 200: [1.0, 9.0]}) == pytest.approx(spread / 2)
    assert spread_at(100, {100: [0.0] * 8}, floor=0.005) == 0.005
    assert spread_at(100, {100: [1.0]}) is None


def test_differences_count_in_the_direction_of_the_metric() -> None:
    assert worse_by("lower", 3.0, 1.0) == 2.0
    assert worse_by("higher", 3.0, 1.0) == -2.0
    assert worse_by("none", 1.0, 3.0) == 2.0
    assert d_prime(1.0, 0.0) == 999.0
    assert d_prime(0.0, 0.0) == 0.0
    assert rises([0, 1, 0.5, 3], 0.5)
    assert not rises([0, 1, 0.4, 3], 0.5)


# --- each check: one that must pass, one that must fail ---


@pytest.mark.parametrize(
    ("check", "passes", "fails"),
    [
        ("sizes", "kd", "fd"),  # unbiased, biased
        ("modes", "kd", BLIND),
        ("matched", "precision", "fd"),  # FD sees moments alone
        ("outliers", MIDDLE, "precision"),
    ],
)
def test_a_check_passes_and_fails(check: str, passes: str, fails: str) -> None:
    good, bad = (finding(check, name, bare()) for name in (passes, fails))
    assert (good.passed, bad.passed) == (True, False), (good, bad)


def test_an_interval_that_is_too_sure_fails() -> None:
    found = finding("sizes", SURE, bare())
    assert found.passed is False
    assert found.figures["coverage"] < 0.1
    assert finding("sizes", "kd", bare()).figures["coverage"] >= 0.9


def test_corruptions_are_told_apart_or_not() -> None:
    clean = [0.0, 0.2] * 4

    def points(steps: list[float]) -> list[Point]:
        found = [Point("x", NONE, 0, 200, 0.1)]
        for name, one in CORRUPTIONS.items():
            found += [Point("x", name, s, 200, 0.1 + v) for s, v in zip(one.strengths, steps, strict=True)]
        return found

    good = judged(Corruptions(), "kd", points([0.1, 1, 2, 3, 4]), clean)
    assert good.passed is True
    assert good.figures["corruptions"]["blur"]["smallest"] == {"200": 0.5}
    assert "blur from 0.5" in good.text
    back = judged(Corruptions(), "kd", points([0.1, 1, 4, 3, 2]), clean)
    assert (back.passed, back.figures["corruptions"]["hue"]["monotone"]) == (False, False)
    flat = judged(Corruptions(), "kd", points([0, 0, 0, 0, 0]), clean)
    assert flat.passed is False
    assert "tells no corruption apart" in flat.text
    assert judged(Corruptions(), "copies", points([0, 0, 0, 0, 0]), clean).passed is True  # it asks something else
    assert judged(Corruptions(), "vendi", points([0.1, 1, 2, 3, 4]), clean).passed is None


@pytest.mark.slow
def test_spoilt_images_are_measured_at_every_strength(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (400, 16, 16, 3), dtype=np.uint8)
    source = ArraySource.of("images", images, value_range=None, resize=None)
    made = seeing(bare(("kd",)))
    extract = made.extractor
    assert extract is not None
    features = extract(images)[0]
    material = replace(made, real=FeatureSet.of(features[:200]), pool=features[200:], images=source.part(200, 200))
    scale = replace(SMALL, sizes=(50, 100), n=100, images=100, sets=4, coverage=1000)
    audit = run_audit([material], chosen_checks(["corruptions"]), scale, cache=False)
    row = audit.row("kd[made]", "corruptions")
    assert row is not None
    assert set(row.finding.figures["corruptions"]) == set(CORRUPTIONS)
    assert all(len(one["d"]["100"]) == 5 for one in row.finding.figures["corruptions"].values())
    assert "kd[made]" in make_audit_page(audit, dated=False)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_keeps_the_form_and_grows(name: str, rng: np.random.Generator) -> None:
    smooth = np.linspace(0, 255, 32)[None, :, None] * np.ones((32, 1, 3)) * (0.4, 0.7, 1.0)
    images = np.stack([np.roll(smooth, shift, axis=1) for shift in range(3)]).astype(np.uint8)
    kept = images.copy()
    off = []
    for strength in CORRUPTIONS[name].strengths:
        spoilt = corrupted(images, name, strength, 0)
        assert spoilt.shape == images.shape
        assert spoilt.dtype == np.uint8
        assert np.array_equal(spoilt, corrupted(images, name, strength, 0))
        off.append(float(np.abs(spoilt.astype(int) - images).mean()))
    assert np.array_equal(images, kept)
    assert off[0] < off[-1]
    assert off == sorted(off)


def test_copies_must_be_seen_or_at_least_not_rewarded() -> None:
    clean = [0.0, 0.02] * 4
    check = CHECKS["copies"]()
    seen = [Point("x", kind, 0.5, 200, 0.5) for kind in KINDS]
    some = [Point("x", kind, 0.5, 200, 0.5 if kind == EXACT else 0.01) for kind in KINDS]
    assert judged(check, "copies", seen, clean).passed is True
    assert judged(check, "copies", some, clean).passed is False
    assert judged(check, "kd", some, clean).passed is True
    rewarded = judged(check, "kd", [Point("x", EXACT, 0.5, 200, -0.5)], clean)
    assert (rewarded.passed, rewarded.text) == (False, f"rewards copies ({EXACT})")
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    assert np.array_equal(changed(pixels, MIRRORED), pixels[:, :, ::-1])
    assert set(finding("copies", "kd", bare()).figures["d"]) == {EXACT}  # there are no images to change


def test_metrics_are_held_against_what_they_ask() -> None:
    def points(shape: dict[str, list[float]]) -> list[Point]:
        found = []
        for name, check in SYNTHETIC.items():
            for variant in check.variants:
                xs = check.along(variant, SMALL.points)
                values = shape.get(name, [0.0] * len(xs))
                found += [Point("x", f"{name} {variant}", x, 1000, v) for x, v in zip(xs, values, strict=True)]
        return found

    sanity = CHECKS["sanity"]()
    bells = {name: [0.0, 0.5, 1.0, 0.5, 0.0] for name in ("shift", "outlier", "surface", "heavy tail")}
    falls = {"width": [1.0, 1.0, 1.0, 0.2, 0.0], "collapse": [1.0, 0.8, 0.5, 0.2, 0.1]}
    level = {"modes fading": [1.0] * 5, "modes dropped": [1.0] * 7, "modes invented": [1.0] * 5 + [0.8, 0.7, 0.5]}
    cubes = {name: [0.5, 0.3, 0.2, 0.2, 0.2] for name in ("number", "fake number")}
    right = sanity.judge(METRICS["precision"], {"sanity": points(bells | falls | level | cubes)}, SMALL)
    assert right.passed is True
    assert right.figures["failed"] == ["rounding: bounds"]  # which no curve of one shape for both variants can pass
    wrong = sanity.judge(METRICS["precision"], {"sanity": points({})}, SMALL)
    assert wrong.passed is False
    assert "shift: purpose" in wrong.figures["failed"]
    assert right.figures["asked"] == wrong.figures["asked"] == 30  # as many cells as in the paper
    valleys = {name: [4.0, 1.0, 0.0, 1.0, 4.0] for name in ("shift", "outlier", "surface", "heavy tail", "width")}
    grown = {"modes fading": [0.0, 1, 2, 3, 4], "modes dropped": [0.0, 1, 2, 3, 4, 5, 6], "collapse": [0.0, 1, 2, 3, 4]}
    far = {"modes invented": [4.0, 3, 2, 1, 0, 1, 2, 3]}
    others = {name: [1.0] * 5 for name in ("number", "fake number", "torus", "scale", "dimensions")}
    distance = sanity.judge(METRICS["kd"], {"sanity": points(valleys | grown | far | others)}, SMALL)
    assert (distance.passed, distance.figures["failed"]) == (True, [])
    assert sanity.judge(METRICS["kd"], {"sanity": points({})}, SMALL).passed is False
    assert sanity.judge(METRICS["vendi"], {"sanity": points({})}, SMALL).passed is None


@pytest.mark.slow
def test_the_synthetic_sets_are_drawn_as_they_are_called() -> None:
    sanity = CHECKS["sanity"]()
    material = bare(("fd", "coverage"))
    settings = sanity.settings(material, replace(SMALL, repeats=2))
    assert len(settings) == 30
    points = sanity.work(("shift", 0), material, SMALL)
    assert points == sanity.work(("shift", 0), material, SMALL)
    assert points != sanity.work(("shift", 1), material, SMALL)
    fd = [p.value for p in points if p.id == "fd" and p.series == "shift 8"]
    assert fd == pytest.approx([72, 18, 0, 18, 72], abs=2.5)  # 8 dimensions, means 3 and 1.5 apart
    coverage = [p.value for p in points if p.id == "coverage" and p.series == "shift 1"]
    assert max(coverage[0], coverage[-1]) < 0.01 < 0.9 < coverage[2]


@pytest.mark.slow
def test_hair_colours_of_toy_faces() -> None:
    good, bad = (finding("drawn", name, seeing(bare())) for name in ("kd", BLIND))
    assert good.figures["dropped"]["d"][-1] > TOLD
    assert bad.passed is False


def test_runs_are_held_against_their_steps(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.recipe_file.write_text("title = 'a run'\n")
    for step in range(1, 7):
        line = {"kd[made]": 1 / step, "fd[made]": float(step), "copies[made]": float(step), "generator_loss": 1.0}
        run.log({"step": 100 * step, **line})
    material = bare(runs=(str(run.path),))
    assert finding("order", "kd", material).passed is True
    assert finding("order", "fd", material).passed is False
    copies = finding("order", "copies", material)
    assert (copies.passed, copies.figures["spearman"]) == (None, -1)
    unscored = finding("order", "precision", material)
    assert unscored.passed is None
    assert "was not scored with it (ganbench train --score-every N --metric precision)" in unscored.text
    without = run_audit([bare(("kd",))], chosen_checks(["order"]), SMALL, cache=False)
    assert (without.rows, len(without.notes)) == ((), 1)
    assert "--run" in without.notes[0]


def test_cost_is_told_and_not_judged() -> None:
    found = finding("cost", "kd", bare())
    assert found.passed is None
    assert found.figures["ms"] > 0
