"""Comparisons end to end: scorecards, trainings; what is refused; tables for people, programs and papers."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from scipy import stats
from synthetic_runs import make_card, make_run
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.comparison import terminal
from ganbench.comparison.latex import to_latex
from ganbench.comparison.result import COLUMNS, Comparison
from ganbench.errors import GanbenchError, UnknownName
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

KD, FD, AFD = "kd[lite0]", "fd[lite0]", "afd[yolo-nano]"


def card(label: str, fd: float, afd: float = 0.5, **more: object) -> Scorecard:
    values = {FD: (fd, fd - 2, fd + 2), AFD: (afd, afd - 0.03, afd + 0.03)}
    return make_card(values, label=label, **more)  # type: ignore[arg-type]  # of make_card


@pytest.fixture
def three() -> Comparison:
    """Return the comparison of three scorecards, two of which cannot be told apart by FD, all three by AFD."""
    return ganbench.compare(card("a_1", 30.0, 0.1), card("b & c", 30.5, 0.3), card("[d]", 50.0, 0.9))


def test_scorecards(three: Comparison) -> None:
    assert three.ids == [FD, AFD]
    one = three.of(FD, "b & c", "a_1")
    assert one is not None
    assert one.found.difference == pytest.approx(-0.5)
    assert (one.found.low, one.found.high) == pytest.approx((-0.5 - 8**0.5, -0.5 + 8**0.5))
    assert one.found.p == pytest.approx(2 * stats.norm.sf(0.5 / (8**0.5 / stats.norm.ppf(0.975))))
    assert not one.told_apart
    assert one.needed > 1000
    assert three.best(FD) == ["a_1", "b & c"]
    assert three.best(AFD) == ["[d]"]
    p = {(x.a, x.b): (x.found.p, x.p_adjusted) for x in three.compared if x.id == FD}
    assert p["a_1", "b & c"][0] == p["a_1", "b & c"][1]  # the largest of three
    smallest = min(first for first, _ in p.values())
    assert min(last for _, last in p.values()) == pytest.approx(3 * smallest)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"protocol": "another"}, r"different protocols: plain of fd\[lite0\] against another of fd\[lite0\]"),
        ({"digest": "d2"}, r"references of different images \(d1, d2\)"),
        ({"n": 500}, r"is of 1,000 and of 500 images, and its value depends on that\. Score as many: --limit 500"),
    ],
)
def test_what_does_not_compare_is_refused(other: dict[str, object], reason: str) -> None:
    a, b, c = (
        make_card({FD: (value, value - 2, value + 2)}, label=label, **more)  # type: ignore[arg-type]  # of make_card
        for label, value, more in (("a", 30.0, {}), ("b", 20.0, other), ("c", 25.0, {}))
    )
    with pytest.raises(GanbenchError, match=rf"^a and b cannot be compared: fd\[lite0\] .*{reason}"):
        ganbench.compare(a, b)
    found = ganbench.compare(a, b, c)
    assert [(one.a, one.b) for one in found.compared] == [("a", "c")]
    assert [(one.a, one.b) for one in found.refused] == [("a", "b"), ("b", "c")]
    assert re.search(reason, found.refused[0].reason)


def test_versions_do_not_compare() -> None:
    a, b = (Scorecard([Row(FD, 3.0, 2.0, 4.0, "lower", 9, None, f"x; fd v{v}", version=v)],
                      {"label": f"v{v}", "count": 9}, {}) for v in (1, 2))  # fmt: skip
    with pytest.raises(GanbenchError, match=r"different protocols: fd v1 against fd v2"):
        ganbench.compare(a, b)


def test_missing_results_have_their_reason() -> None:
    gone = make_card({FD: None, AFD: (0.5, 0.4, 0.6)}, label="b")
    found = ganbench.compare(card("a", 30.0), gone)
    assert found.ids == [AFD]
    assert [one.reason for one in found.refused] == [f"b has no value: no {FD} here"]


@pytest.mark.parametrize("given", [[], ["nowhere.json"], [card("a", 3.0)]])
def test_one_alone_is_refused(given: list[object]) -> None:
    with pytest.raises(GanbenchError, match="give two or more to compare|nowhere"):
        ganbench.compare(*given)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """Return a folder of runs: two variants with four seeds each, and two copies of one training."""
    values = {"dcgan": (300.0, 310.0, 295.0, 305.0), "wgan": (200.0, 260.0, 230.0, 210.0)}
    for variant, known in values.items():
        for seed, value in enumerate(known):
            own = replace(card(variant, value), source={"label": "x", "count": 1000, "digest": f"{variant}{seed}"})
            make_run(tmp_path / "bench" / f"{variant}-{seed}", variant, seed, own)
    shutil.copytree(tmp_path / "bench" / "wgan-3", tmp_path / "bench" / "wgan-copy")
    return tmp_path / "bench"


def test_trainings_are_compared_over_their_seeds(bench: Path) -> None:
    found = ganbench.compare(bench)
    assert [(side.label, side.kind, side.count) for side in found.sides] == [
        ("dcgan", "trainings", 4), ("wgan", "trainings", 4),
    ]  # fmt: skip
    one = found.of(FD, "dcgan", "wgan")
    known = stats.ttest_ind([300.0, 310, 295, 305], [200.0, 260, 230, 210], equal_var=False)
    assert one.found.p == pytest.approx(known.pvalue)
    assert one.found.test == "over training seeds (4 and 4): Welch t"
    assert one.winner == "wgan"
    assert found.of(AFD, "dcgan", "wgan").advice == "equal"
    assert any("are copies of one training, and count once" in note for note in found.notes)
    again = ganbench.compare(*sorted(bench.iterdir()))
    assert again.to_dict()["comparisons"] == found.to_dict()["comparisons"]


def test_one_training_of_a_kind_cannot_be_compared(bench: Path) -> None:
    with pytest.raises(GanbenchError, match="1 and 1 training seeds: a comparison of trainings is over seeds"):
        ganbench.compare(bench / "dcgan-0", bench / "wgan-0")
    with pytest.raises(GanbenchError, match="trainings of one kind alone, dcgan"):
        ganbench.compare(bench / "dcgan-0", bench / "dcgan-1")
    with pytest.raises(GanbenchError, match=r"is no training.*RUN/samples\.npz"):
        ganbench.compare(bench, card("a", 3.0))


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compare", *map(str, arguments), "--quiet"], env={"COLUMNS": "80"})
    return done.exit_code, done.output


def test_the_command_writes_what_was_promised(tmp_path: Path) -> None:
    for name, value in (("a", 30.0), ("b", 50.0)):
        card(name, value).write(json_file=tmp_path / f"{name}.json")
    files = {name: tmp_path / f"out.{name}" for name in ("json", "csv", "tex")}
    code, text = run(
        tmp_path / "a.json", tmp_path / "b.json", "--label", "mine", "--label", "theirs", "--json", files["json"],
        "--csv", files["csv"], "--latex", files["tex"], "--caption", "Faces at 64 %.", "--columns", "fd",
    )  # fmt: skip
    assert code == 0, text
    assert max(map(len, text.splitlines())) <= 80 or "wrote" in text
    assert "mine better" in text
    written = json.loads(files["json"].read_text())
    assert {one["id"] for one in written["comparisons"]} == {FD, AFD}
    first = written["comparisons"][0]
    assert (first["id"], first["a"], first["b"], first["difference"]) == (FD, "mine", "theirs", -20.0)
    assert first["low"] < first["difference"] < first["high"] < 0
    assert 0 <= first["p"] <= first["p_adjusted"] <= 0.001
    assert tuple(first) == COLUMNS
    assert files["csv"].read_text().splitlines()[0] == ",".join(COLUMNS)
    assert "\\caption{Faces at 64 \\%. 1,000 images each." in files["tex"].read_text()
    code, text = run(tmp_path / "a.json", tmp_path / "b.json", "--json", "-")
    assert json.loads(text)["comparisons"][0]["a"] == "a.json"


def test_a_wide_comparison_fits_a_terminal(three: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(width=80, record=True, color_system=None)
    monkeypatch.setattr(terminal, "console", lambda *, err: screen)
    terminal.print_comparison(three, three.ids, [])
    text = screen.export_text()
    assert max(map(len, text.splitlines())) <= 80
    for expected in (
        "1  a_1",
        "3  [d]",
        "30.00 *",
        "50.00",
        "-20.00 *",
        "0.73",
        "up to 3 pairs of each result by itself",
    ):
        assert expected in text
    many = ganbench.compare(*(card(f"side {number}", 30.0 + number) for number in range(12)))
    screen = Console(width=80, record=True, color_system=None)
    terminal.print_comparison(many, many.ids, [])
    text = screen.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "No room for the matrices of 12: see --json" in text
    with pytest.raises(UnknownName, match="no result is called 'kd'"):
        three.chosen(["kd"])


TOKEN = re.compile(r"\\([a-zA-Z]+|.)|([{}&%$])|([^\\{}&%$]+)")


def parsed(text: str) -> tuple[list[str], list[list[str]]]:
    """Return the commands of a table in order and its rows of cells; braces, dollars and environments must match."""
    commands, rows, depth, math, open_ones = [], [[""]], 0, False, []
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    inside = body[body.index("\\midrule") + 8 : body.index("\\bottomrule")]
    for name, sign, _ in TOKEN.findall(body):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
        math ^= sign == "$"
        assert sign != "%"
        commands.append(name)
    assert depth == 0
    assert not math
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if what == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert not open_ones
    for name, sign, other in TOKEN.findall(inside):
        if name == "\\":
            rows.append([""])
        elif sign == "&":
            rows[-1].append("")
        else:
            rows[-1][-1] += f"\\{name}" if name else sign + other
    return commands, [[cell.strip() for cell in row] for row in rows[:-1]]


def test_latex_is_what_a_paper_takes(three: Comparison) -> None:
    text = to_latex(three, caption="50 % & more_", label="tab:x y")
    commands, rows = parsed(text)
    assert [commands.count(name) for name in ("toprule", "midrule", "bottomrule", "caption", "label", "centering")] == [
        1
    ] * 6
    assert "\\begin{tabular}{lrr}" in text
    assert "\\label{tab:x-y}" in text
    assert rows == [
        ["a\\_1", "\\textbf{30.00}", "0.1000"],
        ["b \\& c", "\\textbf{30.50}", "0.3000"],
        ["{}[d]", "50.00", "\\textbf{0.9000}"],
    ]
    assert "\\caption{50 \\% \\& more\\_ 1,000 images each. Bold: the best, and what is not told apart" in text
    assert "fd[lite0] $\\downarrow$ & afd[yolo-nano] $\\uparrow$ \\\\" in text


def test_latex_of_trainings_and_of_what_does_not_compare(bench: Path) -> None:
    _, rows = parsed(to_latex(ganbench.compare(bench)))
    assert rows[0][1] == "302.5 $\\pm$ 6.5"
    assert rows[1][1] == "\\textbf{225.0} $\\pm$ 26.5"
    found = ganbench.compare(card("a", 30.0), card("b", 20.0, n=500), card("c", 25.0))
    text = to_latex(found)
    assert [row[1] for row in parsed(text)[1]] == ["30.00", "20.00 \\dag{}", "\\textbf{25.00}"]
    assert "does not compare" in text
    assert "% fd[lite0]: a, b: is of 1,000 and of 500 images" in text


def test_foreign_labels_are_texts_everywhere(three: Comparison, tmp_path: Path) -> None:
    hostile = ["\\input{x}$%&#_{}~^", "=cmd|' /C calc'!A0", "[bold]\x1b[31m\nx"]
    values = zip(hostile, (30.0, 40.0, 50.0), strict=True)
    found = ganbench.compare(*(card(name, value) for name, value in values), labels=hostile)
    text = to_latex(found, caption="}\\end{table}")
    assert len(parsed(text)[1]) == 3
    assert "\\input" not in text
    for name, value in zip("abc", (30.0, 40.0, 50.0), strict=True):
        card(name, value).write(json_file=tmp_path / f"{name}.json")
    labels = [part for name in hostile for part in ("--label", name)]
    code, shown = run(*(tmp_path / f"{name}.json" for name in "abc"), *labels, "--csv", tmp_path / "x.csv")
    assert code == 0
    assert "\x1b" not in shown
    assert "[bold]\\x1b[31m\\nx" in shown
    assert ",'=cmd" in (tmp_path / "x.csv").read_text()
