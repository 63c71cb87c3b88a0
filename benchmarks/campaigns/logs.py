"""Mutated logs of other programs: CSV, JSON lines, TensorBoard's events. The doctor reads them or refuses them."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from campaigns.base import Sweep, guard
from campaigns.mutate import bend, damage
from ganbench.doctor.diagnosis import diagnose

_STEPS = range(1, 40)
_LINES = [{"step": i, "lossD": 1 / i, "Loss_G": float(i), "fid": 300.0 - i, "note": "x"} for i in _STEPS]


def _events(folder: Path) -> bytes | None:
    """Return a file of TensorBoard's events; None where the package is missing."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        return None
    writer = EventFileWriter(str(folder))
    for step in _STEPS:
        value = Summary.Value(tag="Loss/D/loss", simple_value=1 / step)
        writer.add_event(Event(step=step, summary=Summary(value=[value])))
    writer.close()
    (file,) = folder.iterdir()
    data = file.read_bytes()
    shutil.rmtree(folder)
    return data


class Logs(Sweep):
    """One log is damaged or bent, and read."""

    name = "logs"
    count = 500

    def __init__(self, folder: Path) -> None:
        """Write one log of each form."""
        super().__init__(folder)
        table = [",".join(_LINES[0]), *(",".join(map(str, line.values())) for line in _LINES)]
        self._seeds = {
            "log.csv": "\n".join(table).encode(),
            "log.tsv": "\n".join(table).replace(",", "\t").encode(),
            "log.jsonl": "\n".join(map(json.dumps, _LINES)).encode(),
        }
        events = _events(folder / "events")
        if events is not None:
            self._seeds["events.out.tfevents.1"] = events

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one damaged log."""
        del number
        name = rng.choice(sorted(self._seeds))
        how, data = damage(self._seeds[name], rng)
        if name.endswith(".jsonl") and rng.random() < 0.6:
            lines = [dict(line) for line in _LINES]
            lines[rng.randrange(len(lines))] = bend(rng.choice(lines), rng)
            how, data = "bent", "\n".join(map(json.dumps, lines)).encode("utf-8", "surrogatepass")
        path = self.folder / name
        path.write_bytes(data)
        return guard(f"{name} {how}", lambda: diagnose(path).to_json())[1]
