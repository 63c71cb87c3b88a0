"""What the page of a bench says is wrong with each run: its samples, and its training."""

from __future__ import annotations

import json
from pathlib import Path

from synthetic_runs import make_card, make_run

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import collect
from ganbench.report.page import make_page
from ganbench.report.troubled import troubles_of
from ganbench.training.run_folder import RunFolder

FD = "fd[lite0]"


def test_a_bench_says_what_is_wrong_with_each_run(tmp_path: Path) -> None:
    paths = []
    for seed, name in enumerate(("sick", "well")):
        card = make_card({FD: (100.0 + seed, 99.0, 103.0)})
        card.source["digest"] = name
        paths.append(make_run(tmp_path / name, "dcgan", seed, card))
    told = {"kind": "low_variety", "effect": 9.5, "text": "Few faces.", "remedy": "Widen it.", "images": []}
    content = {"source": {"digest": "sick"}, "findings": [told]}
    (paths[0] / "explanation.json").write_text(json.dumps(content), "utf-8")
    RunFolder(paths[0]).log({"step": 1010, "discriminator_loss": float("nan"), "generator_loss": 1.0})
    entries = collect(paths, lambda: None)
    found = troubles_of({entry: number for number, entry in enumerate(entries, 1)})
    sick, well = (found[entry] for entry in entries)
    assert sick.samples == "low variety 9.5"
    assert "not finite, step 1,010" in sick.training
    assert well.samples == "not explained"
    assert "too few images, step 30" in well.training
    assert "not finite" not in well.training
    page = make_page(Leaderboard.of(entries, FD, []))
    assert "What is wrong with each run" in page
    assert "Few faces. Widen it." in page
    (paths[1] / "recipe.toml").write_text("[", "utf-8")
    assert troubles_of({entries[1]: 1})[entries[1]].training.startswith("not read: ")
