"""Patterns of shards, and what their numbers tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import SourceError
from ganbench.images.patterns import expand, is_pattern, missing_note, numbering


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("a-{000..002}.tar", ["a-000.tar", "a-001.tar", "a-002.tar"]),
        ("{8..11}", ["8", "9", "10", "11"]),
        ("{08..11}", ["08", "09", "10", "11"]),
        ("{3..1}", ["3", "2", "1"]),
        ("{0..10..5}", ["0", "5", "10"]),
        ("{a,b}/{0..1}", ["a/0", "a/1", "b/0", "b/1"]),
        ("{train-{0..1},test}.tar", ["train-0.tar", "train-1.tar", "test.tar"]),
        ("{,x}y", ["y", "xy"]),
        ("{one}-{1,2}", ["{one}-1", "{one}-2"]),
        ("{a..c}", ["{a..c}"]),
        ("{1,2", ["{1,2"]),
        ("plain", ["plain"]),
    ],
)
def test_braces(pattern: str, texts: list[str]) -> None:
    assert expand(pattern) == texts


def test_wildcards_are_sorted_as_people_count(tmp_path: Path) -> None:
    for name in ("a10.tar", "a9.tar", "b1.tar"):
        (tmp_path / name).touch()
    assert expand(f"{tmp_path}/{{b,a}}*.tar") == [str(tmp_path / name) for name in ("b1.tar", "a9.tar", "a10.tar")]
    assert is_pattern("x[0-9].tar")
    assert not is_pattern("x}{.tar") or expand("x}{.tar") == ["x}{.tar"]


@pytest.mark.parametrize("pattern", ["{0..100000}", "{0..999}{0..999}", "{0..9999999999999999999999}"])
def test_endless_patterns(pattern: str) -> None:
    with pytest.raises(SourceError, match="stands for more than 100,000 shards"):
        expand(pattern)


@pytest.mark.parametrize(
    ("names", "whole", "missing"),
    [
        (["a-0.tar", "a-1.tar"], True, []),
        (["a-1.tar", "a-2.tar"], True, []),
        (["a-5.tar", "a-6.tar"], False, []),
        (["a-0.tar", "a-3.tar"], False, ["a-1.tar", "a-2.tar"]),
        (["t-00000-of-00003.parquet"], False, ["t-00001-of-00003.parquet", "t-00002-of-00003.parquet"]),
        ([f"t-0000{i}-of-00003.parquet" for i in range(3)], True, []),
        (["a-0.tar", "b-0.tar"], False, []),
        (["a-0.tar", "b.tar"], False, []),
    ],
)
def test_numbers(names: list[str], whole: bool, missing: list[str]) -> None:
    found = numbering(names)
    assert (found.whole, found.missing) == (whole, missing)


def test_a_note_names_a_few() -> None:
    assert missing_note(["a-0.tar", "a-9.tar"]) == [
        "shards may be missing: there is no a-1.tar, a-2.tar, a-3.tar and others"
    ]
