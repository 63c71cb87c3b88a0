"""Flags: what rows say against images, by stated rules, and where a flag stands in every form of a scorecard."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom, fisher_exact
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.errors import GanbenchError, GateFailed
from ganbench.scoring.chance import at_least
from ganbench.scoring.flags import CHANCE, Flag, flags_of
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.scoring.shared import shared_flags

REPEATS = {
    "near_duplicates": {"value": 0.015, "n": 2000, "version": 3},
    "blends": {"value": 0.05, "n": 2000, "version": 1},
}
HELD = {"lite0": {"held_out": {"images": 2000, "copies": 3, "nearer": 500, "figures": REPEATS}}}
OWN = {"lite0": {"held_out": None, "own": {
    "images": 1000, "copies": 230, "nearer": 60,
    "figures": {
        "near_duplicates": REPEATS["near_duplicates"] | {"value": 0.1},
        "blends": REPEATS["blends"] | {"value": 0.2},
    },
}}}  # fmt: skip
AFD = Row("afd[yolo-nano]", 0.98, better="higher", n=1000)


def _row(metric: str, share: float, *, n: int = 1000, version: int = 3, p: float | None = None) -> Row:
    instrument = "pixels" if metric == "duplicates" else "lite0"
    row_id, protocol = f"{metric}[{instrument}]", f"made up; {metric} v{version}"
    return Row(row_id, share, better="lower", n=n, protocol=protocol, version=version, unit="share", p=p)


def _card(*rows: Row) -> Scorecard:
    source = {"label": "x", "count": 1000, "image_size": [64, 64]}
    return Scorecard([*rows, AFD], source, HELD, flags=flags_of(rows, HELD))


@pytest.mark.parametrize(("count", "n", "usual"), [(3, 1000, 0.01), (12, 1000, 0.01), (40, 500, 0.05), (10, 10, 0.5)])
def test_the_chance_of_a_fixed_share_is_the_binomial_tail(count: int, n: int, usual: float) -> None:
    assert at_least(count, n, usual) == pytest.approx(binom.sf(count - 1, n, usual), rel=1e-9)


@pytest.mark.parametrize(("count", "n", "before", "of"), [(0, 9, 1, 5), (12, 1000, 2, 2000), (300, 1000, 500, 2000)])
def test_the_chance_of_a_counted_share_is_fishers(count: int, n: int, before: int, of: int) -> None:
    table = [[count, n - count], [before, of - before]]
    assert at_least(count, n, before / of, of) == pytest.approx(fisher_exact(table, alternative="greater")[1], rel=1e-9)


def test_the_ends_of_chance() -> None:
    assert at_least(0, 10, 0) == at_least(3, 10, 1) == 1
    assert at_least(1, 10, 0) == 0
    assert at_least(1_000_000, 1_000_000, 0.001, 2000) < 1e-300


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        (_row("copies", 0.98), "copied", "980 of 1,000 images (98 %) are images of the training set"),
        (_row("copies", 0.015), "copied", "of held-out real images 3 of 2,000 (0.15 %)"),
        (_row("authenticity", 0.5, version=1, p=1e-30), "copied", "500 of 2,000 (25 %) (by chance: p = 1e-30)"),
        (
            _row("blends", 0.92, version=1),
            "copied",
            "920 of 1,000 images (92 %) are one image of the training set, two",
        ),
        (_row("blends", 0.18, version=1), "copied", "of held-out real images 100 of 2,000 (5 %)"),
        (_row("near_duplicates", 0.1), "repeated", "100 of 1,000 images (10 %) repeat another one"),
        (_row("duplicates", 1.0, version=1), "repeated", "equal to another one of them, pixel for pixel; usual is 1 %"),
    ],
)
def test_each_rule_says_what_was_seen_against_what(row: Row, kind: str, said: str) -> None:
    (flag,) = flags_of([row], HELD)
    assert (flag.kind, flag.share) == (kind, row.value)
    assert flag.p is not None
    assert flag.p < CHANCE
    assert said in flag.text
    assert "hand in" in flag.text


@pytest.mark.parametrize(
    "row",
    [
        _row("copies", 0.009),  # an honest set of real images
        _row("copies", 0.9, version=2),  # an earlier version's threshold says another thing
        _row("copies", 0.5, n=2),  # chance
        _row("authenticity", 0.27, n=1_000_000, version=1, p=1e-9),  # honest generators differ by so much
        _row("authenticity", 0.9, version=1),  # no test was made
        _row("blends", 0.12, version=1),  # very smooth images
        _row("near_duplicates", 0.02),
        _row("duplicates", 0.002, version=1),  # one image packed twice
        Row("copies[lite0]", None, reason="lacks an index"),
        _row("recall", 0.99),
    ],
)
def test_what_is_honest_is_not_flagged(row: Row) -> None:
    assert flags_of([row], HELD) == []


def test_honest_sets_are_hardly_ever_flagged(rng: np.random.Generator) -> None:
    """Of 20,000 sets that copy as much as held-out images do, at most a few: the rule allows one in 10,000."""
    counts = np.bincount(rng.binomial(1000, 3 / 2000, 20_000))
    flagged = sum(int(many) for k, many in enumerate(counts) if many and flags_of([_row("copies", k / 1000)], HELD))
    assert flagged <= 5


@pytest.mark.parametrize("metric", ["copies", "near_duplicates", "authenticity", "blends"])
def test_what_nobody_measured_on_such_images_is_no_flag(metric: str) -> None:
    row = _row(metric, 0.98, version=3 if metric in ("copies", "near_duplicates") else 1, p=1e-99)
    for unknown in ({}, {"lite0": {}}, {"lite0": {"held_out": None, "own": None}}):
        assert flags_of([row], unknown) == []
    figures = {"near_duplicates": {"version": 2}}  # an earlier version's share is another thing
    old = {"lite0": {"held_out": HELD["lite0"]["held_out"] | {"figures": figures}}}
    assert bool(flags_of([row], old)) is (metric in ("copies", "authenticity"))


def test_without_held_out_images_the_references_own_say_what_is_usual() -> None:
    honest = [_row("copies", 0.24), _row("near_duplicates", 0.11), _row("blends", 0.22, version=1)]
    honest.append(_row("authenticity", 0.1, version=1, p=1e-9))
    assert flags_of(honest, OWN) == []
    assert [flag.kind for flag in flags_of(honest, HELD)] == ["copied", "repeated"]  # of other images more is unusual
    copied, repeated = flags_of([_row("copies", 0.98), _row("near_duplicates", 0.9)], OWN)
    assert "of the reference's own images, each beside the others, 230 of 1,000 (23 %)" in copied.text
    assert (copied.kind, repeated.kind) == ("copied", "repeated")
    both = {"lite0": HELD["lite0"] | {"own": OWN["lite0"]["own"]}}
    assert flags_of([_row("copies", 0.24)], both) != []  # held-out images come first


def test_of_more_images_more_find_their_like() -> None:
    assert flags_of([_row("near_duplicates", 0.06, n=10_000)], HELD) == []
    assert flags_of([_row("near_duplicates", 0.06, n=2000)], HELD) != []
    (flag,) = flags_of([_row("near_duplicates", 0.5, n=10_000)], HELD)
    assert "30 of 2,000 (1.5 %), so 7.5 % among so many." in flag.text


def test_one_flag_of_a_kind_with_all_that_was_seen() -> None:
    rows = [_row("copies", 0.98), _row("authenticity", 0.9, version=1, p=1e-99), _row("blends", 0.99, version=1)]
    rows.append(_row("near_duplicates", 0.5))
    copied, repeated = flags_of(rows, HELD)
    assert copied.share == 0.98
    assert copied.p is not None
    assert copied.p <= 1e-99
    assert "copies[lite0]: 980" in copied.text
    assert "authenticity[lite0]: 900" in copied.text
    assert "blends[lite0]: 990" in copied.text
    assert repeated.kind == "repeated"


def test_a_flag_is_in_every_form_and_withholds_the_tier() -> None:
    card = _card(_row("copies", 0.98))
    (flag,) = card.flags
    data = json.loads(card.to_json())
    assert data["flags"] == [{"kind": "copied", "share": 0.98, "p": flag.p, "text": flag.text}]
    assert (data["tier"]["name"], data["tier"]["value"]) == (None, 0.98)
    *_, in_csv, tier = csv.DictReader(io.StringIO(card.to_csv()))
    assert (in_csv["id"], in_csv["value"], in_csv["protocol"]) == ("flag copied", "0.98", flag.text)
    assert tier["protocol"].startswith("no tier: withheld, since the images are flagged as copied")
    for text in (" ".join(str(card).split()), card.to_markdown(), card._repr_html_()):
        assert "980 of 1,000 images (98 %)" in text
        assert "no tier: withheld" in text
    assert all(len(line) <= 100 for line in str(card).splitlines())


def test_flags_come_back_from_a_file_and_cannot_be_struck_out_of_it() -> None:
    card = _card(_row("copies", 0.98))
    assert Scorecard.from_json(card.to_json()) == card
    data = json.loads(card.to_json()) | {"flags": []}
    assert Scorecard.from_json(json.dumps(data)).flags == card.flags
    own = Flag("invalid", None, None, "a rule was broken")
    data = json.loads(card.to_json()) | {"flags": [own.to_dict()]}
    assert [flag.kind for flag in Scorecard.from_json(json.dumps(data)).flags] == ["copied", "invalid"]


def test_a_scorecard_of_an_earlier_version_loads() -> None:
    data = json.loads(_card(_row("copies", 0.5, version=2)).to_json())
    del data["flags"]
    for row in data["results"]:
        assert "p" not in row
    assert Scorecard.from_json(json.dumps(data)).flags == []


@pytest.mark.parametrize(
    "flags",
    [5, [{"kind": "bad", "text": "x"}], [{"kind": "copied"}], [{"kind": "copied", "text": "x", "share": 2}], [7] * 101],
)
def test_a_file_with_other_flags_is_refused(flags: object) -> None:
    data = json.loads(_card().to_json()) | {"flags": flags}
    with pytest.raises(GanbenchError, match="not a scorecard of ganbench: flags"):
        Scorecard.from_json(json.dumps(data))


@pytest.mark.parametrize("part", ["held_out", "own"])
@pytest.mark.parametrize("held", [5, {"images": 0}, {"images": 5, "copies": 6}, {"images": 5, "figures": {"x": 1}}])
def test_a_file_with_impossible_held_out_figures_is_refused(held: object, part: str) -> None:
    data = json.loads(_card().to_json()) | {"reference": {"lite0": {part: held}}}
    with pytest.raises(GanbenchError, match=part):
        Scorecard.from_json(json.dumps(data))


class _Pair:
    def __init__(self, a: str, b: str, shared: int, n_a: int = 1000, n_b: int = 1000) -> None:
        self.a, self.b, self.shared, self.n_a, self.n_b = a, b, shared, n_a, n_b


def test_both_who_share_are_flagged_and_chance_is_not() -> None:
    found = shared_flags([_Pair("a", "b", 300), _Pair("a", "c", 5), _Pair("d", "e", 40, 1000, 100_000)])
    assert set(found) == {"a", "b", "d"}  # of a hundred thousand, forty are nothing
    assert (found["a"].kind, found["a"].share) == ("shared", 0.3)
    assert "300 of 1,000 images (30 %) with b" in found["a"].text
    many = shared_flags([_Pair("a", f"x{i}", 100 + i) for i in range(9)])["a"]
    assert "with x8, " in many.text
    assert "and with 6 others" in many.text


# --- on the command line and in Python ---


def _folder(path: Path, images: np.ndarray) -> Path:
    path.mkdir()
    for i, image in enumerate(images, 1):
        Image.fromarray(image).save(path / f"{i}.png")
    return path


def test_repeated_images_are_flagged_and_the_gate_fails(tmp_path: Path, rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (100, 16, 16, 3), np.uint8)[np.arange(100) % 30]
    folder = _folder(tmp_path / "few", images)
    card = ganbench.score(images, metrics="duplicates", detector=None)
    assert [flag.kind for flag in card.flags] == ["repeated"]
    command = ["score", str(folder), "--metric", "duplicates", "--detector", "none", "--quiet"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0
    assert "flag repeated: duplicates[pixels]: 100 of 100 images (100 %)" in " ".join(told.stdout.split())
    failed = CliRunner().invoke(app, [*command, "--fail-on-flags", "--json", "-"])
    assert isinstance(failed.exception, GateFailed)
    assert failed.exception.exit_code == 1
    assert str(failed.exception) == f"{folder} is flagged: repeated. See the reasons above"
    assert json.loads(failed.stdout)["flags"][0]["kind"] == "repeated"


def test_rules_are_held_against_what_was_scored(tmp_path: Path, rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (40, 16, 16, 3), np.uint8)
    folder = _folder(tmp_path / "generated", images)
    rules = tmp_path / "rules.toml"
    rules.write_text('count = 40\nnames = "{}.png"\nsize = 16\nbytes = false\narchive = false\n')
    chosen = {"metrics": "duplicates", "detector": None}
    assert ganbench.score(folder, **chosen, rules=rules).flags == []
    (flag,) = ganbench.score(folder, **chosen, rules="hw6").flags
    assert flag.kind == "invalid"
    assert flag.text.startswith("breaks 6 of 8 rules of hw6: a .tgz archive (generated); under 2,000,000 bytes")
    assert "and 3 more" in flag.text
    resized = ganbench.score(folder, **chosen, resize="8", rules=rules)
    assert resized.flags == []  # they are judged as they were handed in
    of_array = ganbench.score(images, **chosen, rules=rules)
    assert of_array.flags == []
    assert any("number and size of the images were looked at, no more" in text for text in of_array.warnings)
    (flag,) = ganbench.score(images, **chosen, rules="hw6").flags
    assert "breaks 2 of 2 rules of hw6: 1,000 images (40 images); every image 64x64 (16x16)" in flag.text
    told = CliRunner().invoke(
        app, ["score", str(folder), "--metric", "duplicates", "--detector", "none", "--rules", "hw"]
    )
    assert str(told.exception) == "rules 'hw': expected hw6, none or a .toml file. Did you mean 'hw6'?"
