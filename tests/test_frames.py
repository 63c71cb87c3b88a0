"""Data frames hold any text, and are those that pandas makes of the same rows."""

from __future__ import annotations

import pandas as pd
import pytest

from ganbench.system.frames import column_of, frame_of, parts_of

BENT = b"\xb3\xaf".decode("utf-8", "surrogateescape")  # what a name in another encoding becomes


def test_rows_become_what_pandas_makes_of_them() -> None:
    rows = [{"name": "a", "n": 1, "value": 0.5}, {"name": "b", "n": 2, "value": None, "more": True}]
    pd.testing.assert_frame_equal(frame_of(rows[:1]), pd.DataFrame(rows[:1]))
    frame = frame_of(rows, ["value", "name", "n"])
    pd.testing.assert_frame_equal(frame, pd.DataFrame(rows, columns=["value", "name", "n"]))
    assert frame_of([], ["a", "b"]).columns.tolist() == ["a", "b"]
    assert len(frame_of([], ["a", "b"])) == 0


@pytest.mark.parametrize("text", [BENT, "臉", "\ud800"])
def test_any_text_is_held(text: str) -> None:
    frame = frame_of([{"name": text, "n": 1.0}, {"name": "b", "n": 2.0}])
    assert frame["name"].tolist() == [text, "b"]
    assert frame["n"].tolist() == [1.0, 2.0]
    assert frame.assign(error=column_of([text, text]))["error"].tolist() == [text, text]


def test_parts_are_those_of_groupby() -> None:
    frame = pd.DataFrame({"curve": ["b", "a", "b"], "value": [1, 2, 3]}, index=[4, 5, 6])
    ours, theirs = parts_of(frame, "curve"), list(frame.groupby("curve", sort=False))
    assert [name for name, _ in ours] == [name for name, _ in theirs] == ["b", "a"]
    for (_, mine), (_, its) in zip(ours, theirs, strict=True):
        pd.testing.assert_frame_equal(mine, its)
    assert [name for name, _ in parts_of(frame_of([{"curve": BENT}, {"curve": "a"}]), "curve")] == [BENT, "a"]
