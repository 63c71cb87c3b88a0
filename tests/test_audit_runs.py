"""A whole audit: its rows, processes, what a killed one goes on from, the command, and where material comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from audit_pieces import SMALL, Slow, bare
from typer.testing import CliRunner

from ganbench.audit import cells
from ganbench.audit.build import materials_of
from ganbench.audit.material import Material, pixels_of
from ganbench.audit.points import Point
from ganbench.audit.registry import CHECKS, chosen_checks
from ganbench.audit.run import run_audit
from ganbench.audit.scale import Scale
from ganbench.cli.app import app
from ganbench.errors import GanbenchError, UnknownName
from ganbench.images.arrays import ArraySource
from ganbench.metrics.registry import METRICS
from ganbench.references.reference import Reference
from ganbench.report.audit import size_figure
from ganbench.scoring.options import ScoreOptions
from ganbench.statistics.packets import PacketSet
from ganbench.system.cluster import Site

TESTS = Path(__file__).parent


def test_a_row_for_each_metric_extractor_and_check() -> None:
    audit = run_audit([bare(("kd", "audit_pieces:blind"))], chosen_checks(["matched"]), SMALL, cache=False)
    data = json.loads(audit.to_json())
    assert data["schema"] == 1
    assert [(row["id"], row["check"]) for row in data["rows"]] == [
        (one, check) for one in ("kd[made]", "blind[made]") for check in ("sizes", "matched")
    ]
    for row in data["rows"]:
        assert set(row) == {"id", "metric", "instrument", "check", "passed", "text", "figures"}
        assert row["passed"] in (True, False, None)
    assert {one["id"]: one["n"] for one in data["verdicts"]} == {"kd[made]": 200, "blind[made]": 200}
    assert audit.to_csv().splitlines()[0] == "id,metric,instrument,check,passed,text"
    assert len(audit.to_csv().splitlines()) == 5
    figure = size_figure(audit)
    assert figure is not None
    (axes,) = figure.axes
    sizes = [int(at) for at in axes.get_xticks()]
    assert sizes == sorted({int(n) for row in audit.rows for n in row.finding.figures.get("mean", ())})
    assert [text.get_text() for text in axes.get_xticklabels()] == [f"{n:,}" for n in sizes]
    assert list(axes.get_xticks(minor=True)) == []  # no names over each other


@pytest.mark.slow
def test_two_processes_find_the_same() -> None:
    checks = chosen_checks(["matched"])
    alone = run_audit([bare(("kd",))], checks, SMALL, cache=False)
    both = run_audit([bare(("kd",))], checks, SMALL, site=Site(2), cache=False)
    assert alone == both


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from audit_pieces import SMALL, Slow, bare
from ganbench.audit.registry import CHECKS
from ganbench.audit.run import run_audit
CHECKS.add("slow", Slow)
run_audit([bare(("kd",))], [Slow()], SMALL)
"""


@pytest.mark.slow
def test_a_killed_audit_goes_on(ganbench_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = KILLED.format(tests=str(TESTS))
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ, stderr=subprocess.DEVNULL)
    kept = ganbench_home / "cache" / "audit"
    for _ in range(600):
        if kept.is_dir() and len(list(kept.glob("*.cache"))) >= 3:
            break
        time.sleep(0.1)
    process.kill()
    process.wait(timeout=60)
    before = len(list(kept.glob("*.cache")))
    assert 3 <= before < 40
    monkeypatch.setitem(CHECKS._entries, "slow", Slow)
    worked: list[object] = []
    original = Slow.work

    def work(self: Slow, setting: tuple[int], material: Material, scale: Scale) -> list[Point]:
        worked.append(setting)
        return original(self, setting, material, scale)

    monkeypatch.setattr(Slow, "work", work)
    audit = run_audit([bare(("kd",))], [Slow()], SMALL)
    assert len(worked) == 40 - before
    row = audit.row("kd[made]", "slow")
    assert row is not None
    assert row.finding.text == "40 pieces"


def test_pieces_depend_on_all_that_decides_them() -> None:
    checks = chosen_checks(["matched"])
    base = {cell.key for cell in cells.cells_of([bare(("kd",))], checks, SMALL)}
    assert base == {cell.key for cell in cells.cells_of([bare(("kd",))], checks, SMALL)}
    for other in (replace(bare(("kd",)), seed=1), replace(bare(("kd",)), key="else"), bare(("fd",))):
        assert base.isdisjoint({cell.key for cell in cells.cells_of([other], checks, SMALL)})
    more = {cell.key for cell in cells.cells_of([bare(("kd",))], checks, replace(SMALL, n=100))}
    assert base.isdisjoint(more)


def test_spreads_come_along_and_unknown_checks_are_refused() -> None:
    assert [check.name for check in chosen_checks(["matched"])] == ["sizes", "matched"]
    assert [check.name for check in chosen_checks(["cost"])] == ["cost"]
    assert [check.name for check in chosen_checks(None)] == list(CHECKS)
    with pytest.raises(UnknownName, match="Did you mean 'matched'"):
        chosen_checks(["mached"])
    with pytest.raises(GanbenchError, match="fewer than 50"):
        Scale.of(10)


@pytest.mark.slow
@pytest.mark.usefixtures("own_instruments")
def test_the_command_with_somebody_elses_extractor_and_metric(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (1600, 4, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "real.npy", coarse.repeat(4, axis=1).repeat(4, axis=2))
    arguments = "audit real.npy --features own_instruments.features:thumbnail --metric kd --metric audit_pieces:blind "
    arguments += "--metric copies --metric duplicates --n 100 --quick --check matched --check copies --quiet "
    ran = CliRunner().invoke(app, [*arguments.split(), "--json", "-", "--html", "page.html", "--csv", "rows.csv"])
    assert ran.exit_code == 0, ran.output
    data = json.loads(ran.stdout)
    ids = {row["id"] for row in data["rows"]}
    assert ids == {"kd[thumbnail]", "blind[thumbnail]", "copies[thumbnail]", "duplicates[pixels]"}
    assert all(row["id"] == f"{row['metric']}[{row['instrument']}]" for row in data["rows"])
    told = {(row["id"], row["check"]): row["passed"] for row in data["rows"]}
    assert told["copies[thumbnail]", "copies"] is True
    assert told["blind[thumbnail]", "matched"] is False
    assert "<td" in (tmp_path / "page.html").read_text("utf-8")
    assert len((tmp_path / "rows.csv").read_text("utf-8").splitlines()) == 1 + len(data["rows"])
    shown = CliRunner().invoke(app, arguments.split())
    assert shown.exit_code == 0
    assert "Passes" in shown.output
    few = CliRunner().invoke(app, ["audit", "real.npy", "--limit", "10"])
    assert few.exit_code != 0
    assert isinstance(few.exception, GanbenchError)


@pytest.mark.slow
@pytest.mark.usefixtures("own_instruments")
def test_material_is_cut_from_images_or_taken_from_a_reference(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2400, 4, 4, 3), dtype=np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    real, fresh = (ArraySource.of(name, part, value_range=None, resize=None) for name, part in
                   (("real", images[:1000]), ("fresh", images[1000:])))  # fmt: skip
    features = "own_instruments.features:thumbnail"
    options = ScoreOptions(features=(features,), metrics=("kd", "copies"), detector=None)
    (cut,), notes = materials_of(options, fresh)
    assert notes == []
    assert (cut.real.n, len(cut.pool), list(cut.ids())) == (350, 1050, ["kd[thumbnail]", "copies[thumbnail]"])
    assert cut.known is not None
    assert cut.images is not None
    assert cut.real_images is not None
    assert set(cut.images.names).isdisjoint(cut.real_images.names)
    seen = cut.measure(cut.seen(pixels_of(cut.real_images, np.arange(60))))
    assert seen["copies[thumbnail]"].value == 1.0  # type: ignore[union-attr]  # there is a value
    (other,), _ = materials_of(replace(options, seed=1), fresh)
    assert other.key == cut.key  # the seed stands beside it
    Reference.build(real, features).save(tmp_path / "real.npz")
    known = replace(options, references=(tmp_path / "real.npz",))
    (against,), _ = materials_of(known, fresh)
    assert (against.real.n, len(against.pool), against.real_images) == (1000, 1400, None)
    assert against.key != cut.key
    (bare_one,), notes = materials_of(known, None)
    assert (bare_one.real.n, len(bare_one.pool), bare_one.known, bare_one.images) == (500, 500, None, None)
    assert "without real images" in notes[0]
    with pytest.raises(GanbenchError, match="at least 400 real images, found 100"):
        materials_of(options, fresh.first(100))


@pytest.mark.usefixtures("own_instruments")
def test_metrics_that_compare_pixels_have_a_real_side_of_their_own(
    tmp_path: Path, rng: np.random.Generator, ganbench_home: Path
) -> None:
    images = rng.integers(0, 256, (500, 8, 8, 3), dtype=np.uint8)
    source = ArraySource.of("faces", images, value_range=None, resize=None)
    options = ScoreOptions(features=("own_instruments.features:thumbnail",), metrics=("kd", "fwd"), detector=None)
    (first, pixels), notes = materials_of(options, source)
    assert (notes, list(first.ids()), list(pixels.ids())) == ([], ["kd[thumbnail]"], ["fwd[pixels]"])
    (alone,), _ = materials_of(replace(options, metrics=("kd",)), source)
    checks = chosen_checks(["matched", "copies"])
    known = {cell.key for cell in cells.cells_of([alone], checks, SMALL)}
    both = cells.cells_of([first, pixels], checks, SMALL)
    assert {cell.key for cell in both if cell.material == 0} == known  # what was done before is not done again
    assert {cell.check for cell in both if cell.material == 1} == {"sizes", "copies", "matched"}
    assert chosen_checks(["outliers"])[-1].missing(pixels)
    real = PacketSet.of(pixels_of(cast(ArraySource, pixels.real_images), np.arange(125)))
    shown = pixels_of(cast(ArraySource, pixels.images), np.arange(200))
    for fake in (pixels.fresh(np.arange(200)), pixels.seen(shown)):
        assert fake.features.shape == (200, 0)
        (found,) = pixels.measure(fake).values()
        assert found == METRICS["fwd"](real=real, fake=PacketSet.of(shown))
        assert pixels.against(fake).measure(fake)["fwd[pixels]"].value == pytest.approx(0, abs=1e-9)  # type: ignore[union-attr]  # there is a value
    Reference.build(source.first(450), options.features[0]).save(tmp_path / "real.npz")
    (*_, against), _ = materials_of(replace(options, references=(tmp_path / "real.npz",)), source)
    assert against.packets is not None
    assert against.packets.n == 450
    assert against.key != pixels.key
    odd = ArraySource.of("odd", np.zeros((400, 9, 9, 3), np.uint8), value_range=None, resize=None)
    (uncut,), notes = materials_of(options, odd)
    assert list(uncut.ids()) == ["kd[thumbnail]"]
    assert "fwd was left out" in notes[0]
    assert "--resize 8x8" in notes[0]
    with pytest.raises(GanbenchError, match="nothing is left to audit of fwd"):
        materials_of(replace(options, metrics=("fwd",)), odd)
