"""Recipes and grids that are damaged or hostile: read, or refused in one line before a parser sees them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes

from ganbench.bench.grid import cells_of, load_grid, make_grid
from ganbench.errors import GanbenchError
from ganbench.training.recipe import load_recipe, load_resolved

GRID = b'variants = ["wgan", "dcgan"]\nseeds = [0, 1]\n[overrides]\n"low" = ["optimizer.lr=1e-5"]\n'


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_damaged_recipes_and_grids_end_in_one_line(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.toml"
    whole = GRID if seed % 2 else load_recipe("wgan-gp", "smoke").to_toml().encode()
    file.write_bytes(mutated_bytes(whole, seed))
    with suppress(GanbenchError):
        load_recipe(str(file))
    with suppress(GanbenchError):
        load_resolved(file)
    with suppress(GanbenchError):
        cells_of(make_grid(load_grid(file)))


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 3000, "a = " + "{a=" * 2000, ".".join(["a"] * 1000) + " = 1", "[" + ".".join(["a"] * 1000) + "]",
     "a = '" + "x" * 10**6 + "'", "a = 9" + "9" * 5000, "a = 1979-99-99", "a = 1\na = 2"],
    ids=["lists", "tables", "keys", "heads", "long", "digits", "date", "twice"],
)  # fmt: skip
def test_deep_and_long_recipes_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "deep.toml").write_text(text)
    with pytest.raises(GanbenchError, match=r"deep\.toml is not a TOML recipe"):
        load_resolved(tmp_path / "deep.toml")
    with pytest.raises(GanbenchError, match=r"deep\.toml is not TOML"):
        load_grid(tmp_path / "deep.toml")


@pytest.mark.parametrize("change", ["model.name=" + "9" * 5000, "training.epochs=1e308", "training.steps=" + "9" * 99])
def test_settings_of_any_size_are_refused(change: str) -> None:
    with pytest.raises(GanbenchError) as caught:
        load_recipe("wgan", "smoke", [change]).steps(1000)
    assert "Error:" not in str(caught.value)


def test_brackets_in_texts_and_comments_do_not_nest(tmp_path: Path) -> None:
    many = "[" * 99
    text = f"a = '{many}'\n# {many}\nb = \"\"\"\n{many}\"\"\"\nc = '''{many}'''\n[d]\ne = 1.5\n"
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_grid(tmp_path / "x.toml")["d"] == {"e": 1.5}
