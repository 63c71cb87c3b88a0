"""What the doctor reads: runs of ours, and logs and sheets of anybody; and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.doctor.diagnosis import diagnose
from ganbench.doctor.names import mapped, parse_columns
from ganbench.errors import GanbenchError
from ganbench.images.sheets import write_sheet
from ganbench.report.doctor import course_figures, make_doctor_page
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder

CLI = CliRunner()


def run_folder(path: Path, told: float = 0.8) -> RunFolder:
    """Return a run of 60 logged lines whose discriminator puts so large a share of pairs into the right order."""
    run = RunFolder(path)
    run.samples.mkdir(parents=True)
    run.start(load_recipe("dcgan", "smoke"), {"images": {"count": 900}})
    for step in range(10, 610, 10):
        run.log({"step": step, "discriminator_loss": 0.4, "generator_loss": 1.0, "told_apart": told})
        layer = [1.0, 10.0, 0.03, 0.0, None]
        layers = {name: {"a.weight": layer, "b.weight": layer} for name in ("discriminator", "generator")}
        run.log_vitals({"step": step, "gain": 0.1, "made_spread": None, "layers": layers})
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 64, 3), dtype=np.uint8)
    write_sheet(run.sheet(600), pixels)
    return run


def test_a_run_of_ours(tmp_path: Path) -> None:
    healthy = diagnose(run_folder(tmp_path / "a").path)
    assert healthy.findings == []
    assert healthy.records.facts.probability is True
    assert healthy.records.facts.images == 900
    assert [len(sheet.pixels) for sheet in healthy.records.sheets] == [64]
    assert len(healthy.records.layers["generator"]) == 120
    broken = diagnose(run_folder(tmp_path / "b", told=0.0).path)
    assert [finding.kind for finding in broken.findings] == ["discriminator works backwards"]
    assert broken.to_dict()["findings"][0]["when"] <= 210
    with pytest.raises(GanbenchError, match="leave out --column"):
        diagnose(tmp_path / "a", columns={"told_apart": "x"})


@pytest.mark.parametrize(
    "line",
    [
        {"step": -1},
        {"step": 1, "gain": "much"},
        {"step": 1, "layers": {"generator": {"a": [1.0]}}},
        {"step": 1, "scores": {"fd[lite0]": [1.0, None]}},
        {"step": 1, "layers": [1]},
    ],
)
def test_damaged_vitals_are_refused_by_their_line(tmp_path: Path, line: dict[str, object]) -> None:
    run = run_folder(tmp_path / "a")
    run.log_vitals(line)
    with pytest.raises(GanbenchError, match="no readable vitals of a run: line 61"):
        diagnose(run.path)


def csv_log(path: Path, header: str = "iter,D_loss,G_loss,note", worse: float = -5.0) -> Path:
    """Return a foreign log whose last losses are as given."""
    rows = [f"{step},{worse if step > 200 else 0.5},1.0,hello" for step in range(10, 610, 10)]
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def test_foreign_tables_and_lines(tmp_path: Path) -> None:
    found = diagnose(csv_log(tmp_path / "log.csv", worse=float("nan")))
    assert [finding.kind for finding in found.findings] == ["not finite"]
    assert [note.partition(" is")[0] for note in found.records.notes] == ["'iter'", "'D_loss'", "'G_loss'"]
    lines = [{"step": i, "lossD": 0.5, "scores": {"a": 1}, "fid": v} for i, v in enumerate([300, 90, 120, 130, 140])]
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 5, "los', "utf-8")
    assert [finding.kind for finding in diagnose(log).findings] == ["best checkpoint passed"]
    log.write_text('{"step": 1, "lossD": NaN}\n{"step": 2, "lossD": -Infinity}\n', "utf-8")
    assert [finding.kind for finding in diagnose(log).findings] == ["not finite"]
    (tmp_path / "log.csv").write_text("loss of d;g\n1,5;2\n", "utf-8")
    with pytest.raises(GanbenchError, match=r"no column that a rule looks at \(g\)"):
        diagnose(tmp_path / "log.csv")


def test_columns_are_never_guessed_silently() -> None:
    assert mapped(["step", "lossD"], {}, "log")[0] == {"step": "step", "discriminator_loss": "lossD"}
    assert mapped(["lossD", "errD"], {"discriminator_loss": "errD"}, "log") == ({"discriminator_loss": "errD"}, [])
    with pytest.raises(GanbenchError, match="'lossD' and 'errD' may both be discriminator_loss"):
        mapped(["lossD", "errD"], {}, "log")
    with pytest.raises(GanbenchError, match=r"no column 'lossE'. Did you mean 'lossD'"):
        mapped(["lossD"], parse_columns(["generator_loss=lossE"]), "log")
    for text in ("lossD", "=x", "nothing=lossD"):
        with pytest.raises(GanbenchError, match="--column"):
            parse_columns([text])


def test_sheets_beside_a_log(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    stream = np.random.default_rng(0)
    for step in (600, 1200):
        one = stream.integers(0, 200, (1, 32, 32, 3))
        many = stream.integers(0, 200, (16, 32, 32, 3)) if step == 600 else one.repeat(16, 0)
        write_sheet(tmp_path / "sheets" / f"fake-{step}.png", many.astype(np.uint8), columns=4)
    found = diagnose(csv_log(tmp_path / "log.csv", worse=0.5), samples=tmp_path / "sheets")
    assert [(finding.kind, finding.when) for finding in found.findings] == [("collapse", 1200)]
    (tmp_path / "none").mkdir()
    with pytest.raises(GanbenchError, match="no image with a step in its name"):
        diagnose(tmp_path / "log.csv", samples=tmp_path / "none")


def test_what_is_no_log_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("x")
    (tmp_path / "log.jsonl").write_text('[1, 2]\n{"a": 1}\n')
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "folder").mkdir()
    for name, why in {
        "log.txt": "not a log that is known by its name",
        "log.jsonl": "line 1 is not an object",
        "empty.csv": "no line of numbers",
        "folder": "neither a run",
        "absent": "no such run or log",
    }.items():
        with pytest.raises(GanbenchError, match=why):
            diagnose(tmp_path / name)


def test_tensorboard_events(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(tmp_path))
    for step in range(1, 40):
        value = Summary.Value(tag="Loss/D/loss", simple_value=float("nan") if step > 20 else 0.5)
        writer.add_event(Event(step=step, summary=Summary(value=[value])))
    writer.close()
    (finding,) = diagnose(tmp_path).findings
    assert (finding.kind, finding.when) == ("not finite", 21)
    for file in tmp_path.iterdir():
        file.write_bytes(b"no events at all, but long enough to hold a header")
    with pytest.raises(GanbenchError):
        diagnose(tmp_path)


def test_the_command(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", told=0.0)
    page, file = tmp_path / "page.html", tmp_path / "findings.json"
    shown = CLI.invoke(app, ["doctor", str(run.path), "--html", str(page), "--json", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "1. discriminator works backwards (discriminator), step" in shown.output
    findings = json.loads(file.read_text("utf-8"))["findings"]
    assert {"kind", "where", "when", "size", "text", "remedy"} <= findings[0].keys()
    assert "discriminator works backwards" in page.read_text("utf-8")
    assert json.loads(CLI.invoke(app, ["doctor", str(run.path), "--json", "-"]).stdout)["findings"] == findings
    assert type(CLI.invoke(app, ["doctor", str(run.path), "--fail"]).exception).__name__ == "GateFailed"
    healthy = run_folder(tmp_path / "healthy")
    shown = CLI.invoke(app, ["doctor", str(healthy.path), "--fail"])
    assert shown.exit_code == 0
    assert "nothing found in 600 steps" in shown.output


def test_the_page_names_the_run_and_shows_a_figure_of_each_kind(tmp_path: Path) -> None:
    found = diagnose(run_folder(tmp_path / "run", told=0.0).path)
    figures = course_figures(found)
    assert "share of pairs told apart" in figures
    for title, figure in figures.items():
        (axes,) = figure.axes
        assert axes.get_title(loc="left") == f"{title}: run"
        place = axes.get_window_extent()
        assert not any(legend.get_window_extent().overlaps(place) for legend in figure.legends)
        assert (len(axes.get_lines()) - len(found.grave) > 1) == bool(figure.legends)
    assert figures["share of pairs told apart"].axes[0].get_ylim() == (-0.02, 1.02)
    page = make_doctor_page(found, dated=False)
    assert "in run</h1>" in page
    assert page.count('over the steps of the training"') == len(figures)
    assert page.count(str(tmp_path)) == 1  # where it lies is said once, with what there was to look at


def test_foreign_text_is_harmless_on_the_page(tmp_path: Path) -> None:
    log = csv_log(tmp_path / "<script>x.csv", header="iter,D_loss,G_loss,<b>")
    page = make_doctor_page(diagnose(log), dated=False)
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
