"""Mutated weights and checkpoints: read without running anything, whole and finite, or refused."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from campaigns.base import Sweep, guard
from campaigns.mutate import damage
from ganbench.features.weights import read_state
from ganbench.models.dcgan import Generator
from ganbench.models.imported import load_generator_file
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.training.sampling import sample


def special(state: dict[str, torch.Tensor]) -> list[tuple[str, Any]]:
    """Return contents that a file of a generator may hold and should not, with what is odd about them."""
    whole = {name: value for name, value in state.items() if value.is_floating_point()}
    far = torch.zeros(1, 1, 1, 1).expand(5000, 3, 5, 5)  # one number, that says it is 375,000
    return [
        ("a key that is no text", {5: torch.zeros(2)}),
        ("nothing", {}),
        ("a list", [1, 2]),
        ("a tensor", torch.zeros(3)),
        ("None", None),
        ("one tensor", {"a": torch.zeros(2)}),
        ("the first layers", dict(list(state.items())[:3])),
        ("one tensor more", {**state, "x": torch.zeros(1)}),
        ("plain values inside", {"generator": {"a": 1}}),
        ("nested in itself", _nested(state, 200)),
        ("whole numbers", {name: value.to(torch.int64) for name, value in state.items()}),
        ("complex numbers", {name: value.to(torch.complex64) for name, value in state.items()}),
        ("sparse", {name: value.to_sparse() if value.ndim > 1 else value for name, value in state.items()}),
        ("NaN", {**state, **{name: torch.full_like(value, float("nan")) for name, value in whole.items()}}),
        ("infinite", {**state, **{name: torch.full_like(value, float("inf")) for name, value in whole.items()}}),
        ("one NaN", {**state, **_with_one(whole, float("nan"))}),
        ("on no device", {name: value.to("meta") for name, value in state.items()}),
        ("64 levels", {f"{i}.weight": torch.zeros(1, 1) for i in range(64)}),
        ("20 levels", {f"{i}.weight": torch.zeros(1, 1) for i in range(20)}),
        ("no channels", {"0.weight": torch.zeros(1, 1), "1.weight": torch.zeros(0, 1, 5, 5)}),
        ("larger than stored", {"0.weight": torch.zeros(1, 1).expand(10**4, 10**4), "1.weight": far}),
    ]


def _nested(state: dict[str, Any], depth: int) -> dict[str, Any]:
    for _ in range(depth):
        state = {"generator": state}
    return state


def _with_one(state: dict[str, torch.Tensor], number: float) -> dict[str, torch.Tensor]:
    name, value = next(iter(state.items()))
    value = value.clone()
    value.view(-1)[0] = number
    return {name: value}


class Weights(Sweep):
    """Each file is read as a generator (and samples are drawn), as weights of an extractor, and as a checkpoint."""

    name = "weights"
    count = 700

    def __init__(self, folder: Path) -> None:
        """Save the whole files: in both formats of torch, and a checkpoint of ours."""
        super().__init__(folder)
        torch.manual_seed(0)
        torch.set_num_threads(1)
        generator = Generator(32, 8, 4)
        state = generator.state_dict()
        self._special = special(dict(state))
        self._files = []
        for form in (True, False):
            buffer = io.BytesIO()
            torch.save(state, buffer, _use_new_zipfile_serialization=form)
            self._files.append(buffer.getvalue())
        save_checkpoint(folder / "checkpoint.pt", {"step": 3, "generator": state})
        self._files.append((folder / "checkpoint.pt").read_bytes())
        self._state = state

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one file; the special contents come first."""
        path = self.folder / "mutant.pth"
        if number < len(self._special):
            label, content = self._special[number]
            torch.save(content, path)
        else:
            chosen = rng.randrange(len(self._files))
            how, data = damage(self._files[chosen], rng)
            label = f"{('new format', 'old format', 'checkpoint')[chosen]}, {how}"
            path.write_bytes(data)
        read, faults = guard(f"{label}, weights", lambda: read_state(path, "a network"))
        kept, more = guard(f"{label}, checkpoint", lambda: load_checkpoint(path)["generator"])
        # The old format has no checksums: who wants to know is told by the hash in the protocol.
        for one in (read, kept):
            if number >= len(self._special) and "old" not in label and one is not None and not self._same(one):
                more.append(f"{label}: loads with other numbers")
        return faults + more + self._draw(path, label)

    def _same(self, state: Any) -> bool:
        """Tell whether what was read are the numbers that were saved, under whatever names."""
        values = [value for value in state.values() if isinstance(value, torch.Tensor)]
        known = list(self._state.values())
        return len(values) == len(known) and all(map(torch.equal, values, known))

    def _draw(self, path: Path, label: str) -> list[str]:
        """Load a generator and draw samples: what is not finite makes black images, and must not come so far."""
        generator, faults = guard(f"{label}, generator", lambda: load_generator_file(path))
        if generator is None:
            return faults
        images, more = guard(f"{label}, drawn", lambda: np.concatenate(list(sample(generator, 2, seed=0))))
        broken = not all(torch.isfinite(value).all() for value in generator.state_dict().values())
        if images is not None and broken:
            more.append(f"{label}: images are drawn from weights that are not finite")
        return faults + more
