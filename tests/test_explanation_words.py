"""What findings say: measures by plain names, and what is too weak beside the strongest to be one."""

from __future__ import annotations

import re

from ganbench.cli.output import wrapped
from ganbench.doctor.finding import Finding
from ganbench.explanation.called import called
from ganbench.explanation.words import beside
from ganbench.looks.measures import NAMES


def test_every_measure_is_called_what_it_is() -> None:
    assert called("power 3") == "power at frequency 3 (0 coarse, 11 finest)"
    assert called("colour power 3") == "power of colour at frequency 3 (0 coarse, 3 finest)"
    assert called("peak 0.5 0.5") == "power at the pattern of 0.5 cycles a pixel down, 0.5 across"
    assert called("detail 2 0") == "detail in row 3, column 1 of 4"
    assert called("edge light top") == "light along the top edge"
    assert called("hue 7") == "share of hues from 315 to 360 degrees"
    assert len({called(name) for name in NAMES}) == len(NAMES)
    assert [name for name in NAMES if re.search(r"\d", name) and called(name) == name] == []


def test_weak_signs_are_named_the_strongest_first() -> None:
    said = beside({"noise": 10.81, "brightness": 18.2}, "jpeg")
    assert "come from it: brightness (18.2), noise (10.8). Mend the jpeg first" in said


def test_a_finding_of_a_training_is_a_whole_sentence() -> None:
    found = Finding("x", "generator", 2, 1, 1.0, "the step is 3 % long", "wait")
    assert found.sentence == "The step is 3 % long."
    assert Finding("x", "l", 2, 1, 1.0, "net.0.weight: no gradient", "wait").sentence == "net.0.weight: no gradient."


def test_lines_are_broken_between_words_and_paths_stay_whole() -> None:
    path = "/a/" + "long-name" * 9
    lines = wrapped(f"   wrote {path} and then a number of words that go on and on", 60).split("\n")
    assert all(line.startswith("   ") for line in lines)
    assert f"   {path}" in lines
    assert max(len(line) for line in lines if path not in line) <= 60
