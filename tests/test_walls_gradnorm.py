"""Gradient norms of a run folder that are damaged or odd: read right, or one line of reason; the page comes anyway."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes
from synthetic_runs import add_pictures, make_card, make_run

from ganbench.diagnostics.records import read_records
from ganbench.errors import GanbenchError
from ganbench.leaderboard.entries import collect
from ganbench.report.curves import gradient_figure
from ganbench.runs.facts import is_probed

HEAD = "curve,variant,step,layer,name,norm,log_norm,seed,weight_norm,ratio,at_bound,input_gradient\n"


def rows(**odd: str) -> str:
    """Return a file of two steps and three layers; the first row has these cells."""
    made = []
    for step in (4, 5):
        for layer in (3, 2, 1):
            cells = {
                "curve": "c", "variant": "v", "step": step, "layer": layer, "name": f"l{layer}", "norm": layer / 2,
                "log_norm": np.log(layer / 2), "seed": 0, "weight_norm": 1.0, "ratio": 0.5, "at_bound": "",
                "input_gradient": "",
            }  # fmt: skip
            made.append(",".join(map(str, {**cells, **(odd if not made else {})}.values())))
    return HEAD + "\n".join(made) + "\n"


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_a_damaged_file_is_refused_or_consistent(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.getbasetemp() / "gradnorm.csv"
    path.write_bytes(mutated_bytes(rows().encode(), seed))
    with suppress(GanbenchError):
        check(read_records(path))


def check(frame: pd.DataFrame) -> None:
    """Check that what was read is possible."""
    assert np.allclose(np.log(frame["norm"]), frame["log_norm"], rtol=1e-6, equal_nan=True)
    assert set(frame["layer"]) == set(range(1, frame["layer"].nunique() + 1))


@pytest.mark.parametrize(
    "odd",
    [
        *({"step": "-4"}, {"step": "4.5"}, {"step": ""}, {"step": "9" * 30}, {"layer": "7"}, {"layer": "0"}),
        *({"layer": "2"}, {"name": "another"}, {"norm": "-1.5"}, {"norm": "2.5"}, {"norm": "x"}, {"norm": "<b>"}),
        *({"log_norm": "nan"}, {"at_bound": "7"}, {"seed": "x"}, {"seed": "-1"}, {"curve": '"'}, {"name": "a,b"}),
    ],
)
def test_what_no_probe_writes_is_refused(odd: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "gradnorm.csv"
    path.write_text(rows(**odd))
    with pytest.raises(GanbenchError, match="no readable gradient norms"):
        read_records(path)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"norm": "0.0", "log_norm": "-inf"}, 0.0),
        ({"norm": "inf", "log_norm": "inf"}, np.inf),
        ({"norm": "", "log_norm": ""}, np.nan),
        ({"norm": "1.5", "at_bound": "0.25"}, 1.5),
    ],
)
def test_what_a_probe_writes_is_read(odd: dict[str, str], expected: float, tmp_path: Path) -> None:
    path = tmp_path / "gradnorm.csv"
    path.write_text(rows(**odd).replace("l1", "NA").replace("l2", "2"))
    frame = read_records(path)
    assert list(frame["name"]) == ["l3", "2", "NA"] * 2
    assert frame["norm"].iloc[0] == pytest.approx(expected, nan_ok=True)


def test_a_run_with_damaged_norms_costs_no_other_its_curve(tmp_path: Path) -> None:
    card = make_card({"fd[lite0]": (10.0, 9.0, 11.0)})
    whole, damaged = (make_run(tmp_path / name, name, 0, card) for name in ("dcgan", "wgan"))
    for run in (whole, damaged):
        add_pictures(run, count=2)
    assert is_probed(damaged, 1000, 10)
    with (damaged / "gradnorm.csv").open("a") as f:
        f.write("1,2\x1b[31m,3\n")
    assert not is_probed(damaged, 1000, 10)
    figure, findings = gradient_figure(collect([whole, damaged], lambda: None))
    assert figure is not None
    assert "Under dcgan" in findings[0]
    (missing,) = [line for line in findings if "missing here" in line]
    assert missing.startswith("wgan is missing here: ")
    (whole / "gradnorm.csv").unlink()
    figure, findings = gradient_figure(collect([whole, damaged], lambda: None))
    assert figure is None
    assert findings == [missing]
