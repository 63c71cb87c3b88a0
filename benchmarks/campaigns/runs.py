"""Mutated files of a run folder, beside an honest scorecard: the board and the page still come."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.base import Sweep, guard
from campaigns.images import smooth
from campaigns.mutate import bend, damage
from campaigns.recipes import toml
from campaigns.scorecards import export, real_card
from ganbench.bench.status import Status
from ganbench.bench.survey import refuse_strangers, survey
from ganbench.bench.written import Written
from ganbench.diagnostics.records import read_curves, text_before
from ganbench.diagnostics.toy_modes import reader_of
from ganbench.doctor.diagnosis import diagnose
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import collect
from ganbench.runs.explained import explanation_of
from ganbench.runs.facts import images_of, is_probed, steps_done
from ganbench.runs.scored import is_scored
from ganbench.scoring.plan import Plan
from ganbench.system.lease import Claim
from ganbench.toyfaces import write_toyfaces
from ganbench.training.journal import logged
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.start import train

_PROBED = "curve,variant,step,layer,name,norm,log_norm,seed,weight_norm,ratio,at_bound,input_gradient\n" + "".join(
    f"dcgan,dcgan,{step},{layer},l{layer},{0.5 * layer},{np.log(0.5 * layer)},0,1.0,0.1,0.0,0.2\n"
    for step in (2, 3, 4)
    for layer in (5, 4, 3, 2, 1)
)

_HEAD = ("network", *_PROBED.partition("\n")[0].split(","))

_EXPLAINED = {"source": {"digest": ""}, "findings": [{"kind": "noise", "effect": 9.5, "text": "a", "remedy": "b"}]}
_BENCH: dict[str, Any] = {
    "cells": {"mutant": {"settings": {"model.width": "4"}, "variant": "dcgan", "seed": 0, "steps": 4}},
    "samples": 12,
    "gradnorm_steps": 4,
    "images": "0" * 64,
    "label": "faces",
    "key": "",
    "scoring": {"metrics": "fd"},
}


class Runs(Sweep):
    """One file of the folder is damaged or bent; then the run is ranked, exported, and asked for all it knows."""

    name = "runs"
    count = 500

    def __init__(self, folder: Path) -> None:
        """Train a run and score it, once for all children."""
        super().__init__(folder)
        self._whole, self._honest = folder / "whole", folder / "honest.json"
        self._faces = folder / "faces"
        if not self._honest.is_file():
            self._make(folder / "data")
        self._files = [path for path in sorted(self._whole.rglob("*")) if path.is_file() and path.name[0] != "."]
        self._files += [self._faces / "attributes.csv"]

    def _make(self, data: Path) -> None:
        rng = np.random.default_rng(0)
        data.mkdir(exist_ok=True)
        for number in range(40):
            smooth(rng).save(data / f"{number}.png")
        shutil.rmtree(self._whole, ignore_errors=True)
        recipe = load_recipe("dcgan", "smoke", ["training.steps=4", "training.batch=8"])
        train(recipe, open_source(data), self._whole, device="cpu", options=LoopOptions(log_every=1))
        card = real_card(1)
        card["source"]["run"] = {"step": 4, "samples": 12, "plan": ""}
        (self._whole / "scorecard.json").write_text(json.dumps(card), "utf-8")
        (self._whole / "gradnorm.csv").write_text(_PROBED, "utf-8")
        (self._whole / "probe.csv").write_text(f"network,{_PROBED}".replace("\ndcgan,", "\nD,dcgan,"), "utf-8")
        (self._whole / "explanation.json").write_text(json.dumps(_EXPLAINED), "utf-8")
        (self._whole / "step.json").write_text('{"step": 4}', "utf-8")
        Written(**_BENCH).write(self._whole)
        status = Status("whole", "dcgan", 0, "failed", "why", "Traceback ...")
        (self._whole / "status.json").write_text(json.dumps(status.to_dict()), "utf-8")
        shutil.rmtree(self._faces, ignore_errors=True)
        write_toyfaces(self._faces, 4, 16, 0)
        self._honest.write_text(json.dumps(real_card(2)), "utf-8")

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one damaged file."""
        whole = rng.choice(self._files)
        how, data = _mutant(whole, rng)
        label = f"{whole.name} {how}"
        if whole.parent == self._faces:
            return self._toyfaces(label, data)
        folder = self.folder / "mutant"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._whole, folder)
        (folder / whole.relative_to(self._whole)).write_bytes(data)
        faults = self._ask(folder, label)
        paths = [folder, self._honest]
        board, more = guard(label, lambda: Leaderboard.of(collect(paths, partial(_no_plan, label))))
        faults += more
        if board is not None:
            if not any(entry.path == self._honest for one in board.boards for entry in one.entries):
                faults.append(f"{label}: costs the honest scorecard its place")
            faults += export(board, label, page=number % 2 == 0)
        return faults

    def _ask(self, folder: Path, label: str) -> list[str]:
        """Ask the folder for its facts, one by one, and rewind it as a resumed training does."""
        opened = RunFolder(folder)
        questions: dict[str, Callable[[], object]] = {
            "recipe": opened.recipe,
            "log": opened.read_metrics,
            "steps": lambda: steps_done(folder),
            "step elsewhere": lambda: _step_elsewhere(folder),
            "status": lambda: Status.read(opened.status),
            "bench": lambda: _survey(folder),
            "claim": lambda: Claim(1, (folder / "status.json").read_text("utf-8", "replace")).is_open(),
            "probed": lambda: is_probed(folder, 0, 4),
            "curves": lambda: read_curves(opened.probe),
            "recorded": lambda: text_before(opened.probe, _HEAD, 3),
            "images": lambda: images_of(opened),
            "explained": lambda: explanation_of(folder, ""),
            "scored": lambda: is_scored(folder, "", 12),
            "doctor": lambda: diagnose(folder).to_json(),
            "sent to loggers": lambda: logged(opened, 4),
            "rewound": lambda: opened.rewind(2),
        }
        return [fault for what, ask in questions.items() for fault in guard(f"{label}, {what}", ask)[1]]

    def _toyfaces(self, label: str, data: bytes) -> list[str]:
        """Read damaged attributes of drawn faces."""
        file = self._faces / "attributes.csv"
        whole = file.read_bytes()
        try:
            file.write_bytes(data)
            return guard(label, lambda: reader_of(open_source(self._faces)))[1]
        finally:
            file.write_bytes(whole)


def _step_elsewhere(folder: Path) -> int:
    """Ask for the step of a run whose checkpoint was not copied."""
    checkpoint, aside = folder / "checkpoint.pt", folder / "aside"
    checkpoint.rename(aside)
    try:
        return steps_done(folder)
    finally:
        aside.rename(checkpoint)


def _survey(folder: Path) -> None:
    """Read the bench that a folder says it is, and look at its cells."""
    written = Written.read(folder)
    refuse_strangers(written, survey(written, [folder.parent]))


def _no_plan(label: str) -> Plan:
    raise GanbenchError(f"{label}: nothing is to be scored here")


def _mutant(path: Path, rng: random.Random) -> tuple[str, bytes]:
    """Return how a file is changed, and its new content."""
    data = path.read_bytes()
    if path.suffix == ".jsonl" and rng.random() < 0.6:
        lines = [json.loads(line) for line in data.decode().splitlines()]
        lines[rng.randrange(len(lines))] = bend(rng.choice(lines), rng)
        return "bent", "\n".join(map(json.dumps, lines)).encode("utf-8", "surrogatepass")
    if path.suffix == ".json" and rng.random() < 0.6:
        return "bent", json.dumps(bend(json.loads(data), rng)).encode("utf-8", "surrogatepass")
    if path.suffix == ".toml" and rng.random() < 0.6:
        import tomlkit

        return "bent", toml(bend(tomlkit.parse(data.decode()).unwrap(), rng)).encode("utf-8", "surrogatepass")
    return damage(data, rng)
