"""What scoring does once: caches, files and networks, and what makes a cached result another."""

from __future__ import annotations

import dataclasses
import weakref
from pathlib import Path

import numpy as np
import pytest

import ganbench
from ganbench.features import runtime
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.registry import METRICS
from ganbench.references.reference import Reference
from ganbench.scoring.cached import score_cached
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.toyfaces import toyfaces


@pytest.mark.slow
def test_the_cache_gives_the_same_numbers_and_knows_other_images(
    toy_reference: Reference, toy_images: np.ndarray, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ganbench.score(toy_images, toy_reference, detector=None)
    assert len(list((ganbench_home / "cache" / "features").glob("*.cache"))) == 1

    def no_network(*args: object) -> None:
        raise AssertionError("the network ran although the features were cached")

    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "__call__", no_network)
        assert ganbench.score(toy_images, toy_reference, detector=None).rows == first.rows
        with pytest.raises(AssertionError, match="the network ran"):
            ganbench.score(toy_images, toy_reference, detector=None, cache=False)
    other = ganbench.score(toy_images[:, ::-1].copy(), toy_reference, detector=None)
    assert other["fd[lite0]"].value != first["fd[lite0]"].value
    (damaged, *_) = (ganbench_home / "cache" / "features").glob("*.cache")
    damaged.write_bytes(b"half a file")
    assert ganbench.score(toy_images, toy_reference, detector=None).rows == first.rows


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_a_warning(
    toy_reference: Reference, toy_images: np.ndarray, ganbench_home: Path
) -> None:
    (ganbench_home / "cache" / "features").write_text("a file in the way")
    card = ganbench.score(toy_images, toy_reference, detector=None)
    assert card["fd[lite0]"].value > 0
    assert any("the cache: a set of features was not kept: cannot write" in text for text in card.warnings)


@pytest.mark.slow
def test_real_images_are_looked_at_once(
    toy_reference: Reference, toy_images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "real.npy", np.stack([image for _, image in toyfaces(30, seed=9)]))
    first = ganbench.score(toy_images, tmp_path / "real.npy", detector=None)

    def no_network(*args: object) -> None:
        raise AssertionError("the network ran although the features were cached")

    monkeypatch.setattr(Extractor, "__call__", no_network)
    assert ganbench.score(toy_images, tmp_path / "real.npy", detector=None).rows == first.rows
    # An image's features are the same whichever side it is on.
    other = ganbench.score(tmp_path / "real.npy", toy_reference, detector=None)
    assert other["fd[lite0]"].n == 30


def test_the_networks_are_gone_when_the_metrics_run(
    toy_reference: Reference, toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    runners = []
    honest = runtime.make_runner

    def watched(*args: object, **options: object) -> object:
        runner = honest(*args, **options)
        runners.append(weakref.ref(runner))
        return runner

    monkeypatch.setattr(runtime, "make_runner", watched)
    alive = []

    def watchful(**sides: object) -> Estimate:
        alive.append(runners[0]())
        return Estimate(0.0, None, None, "", 60)

    monkeypatch.setitem(METRICS._entries, "watch", Metric("watch", 1, "", "none", "features", watchful))
    ganbench.score(toy_images, toy_reference, detector=None, metrics="watch", cache=False)
    assert len(runners) == 1
    assert alive == [None]


def test_the_version_of_a_metric_is_in_its_protocol_and_in_the_key_of_the_cache(
    toy_reference: Reference, toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ScoreOptions(references=(toy_reference,), metrics=("kd", "fd"), detector=None)
    first = score_cached(open_source(toy_images), Plan.of(options))
    kd = METRICS["kd"]

    def doubled(**sides: object) -> Estimate:
        found = kd.compute(**sides)
        return dataclasses.replace(found, value=2 * found.value)

    monkeypatch.setitem(METRICS._entries, "kd", dataclasses.replace(kd, version=2, compute=doubled))
    second = score_cached(open_source(toy_images), Plan.of(options))
    assert second["kd"].value == 2 * first["kd"].value
    assert first["kd"].protocol.endswith("; kd v1")
    assert second["kd"].protocol.endswith("; kd v2")
    assert second["fd"] == first["fd"]


@pytest.mark.slow
def test_a_new_default_metric_appears_although_a_scorecard_is_cached(
    toy_reference: Reference, toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ScoreOptions(references=(toy_reference,), detector=None)
    before = score_cached(open_source(toy_images), Plan.of(options))
    monkeypatch.setitem(
        METRICS._entries,
        "count",
        Metric(
            "count", 1, "Images", "none", "pixels", lambda *, real, fake, seed: Estimate(fake.n, None, None, "", 60)
        ),
    )
    after = score_cached(open_source(toy_images), Plan.of(options))
    assert {row.id for row in after.rows} - {row.id for row in before.rows} == {"count[pixels]"}


def test_every_file_is_read_once(toy_reference: Reference, image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    honest = Path.open

    def counted(path: Path, *how: object, **more: object) -> object:
        if path.parent == image_folder:
            read.append(path.name)
        return honest(path, *how, **more)

    monkeypatch.setattr(Path, "open", counted)
    card = ganbench.score(image_folder, toy_reference, detector=None, metrics="kd", cache=False)
    assert sorted(read) == sorted(path.name for path in image_folder.iterdir())
    assert card.source["digest"] == open_source(image_folder).digest()
