"""TensorBoard's events: the scalars of them, by step."""

from __future__ import annotations

from pathlib import Path

from ganbench.doctor.names import STEP
from ganbench.errors import GanbenchError
from ganbench.system.wall import wall

EVENTS = "events.out.tfevents"  # how TensorBoard's files are called
_MOST_BYTES = 1 << 30
_MOST_POINTS = 200_000  # of a scalar


def read_events(path: Path) -> list[dict[str, float]]:
    """Return the scalars of a file of events, or of all in a folder: one dict per step, with ``step`` in it.

    Raises:
        GanbenchError: no events there, more than could be read, or the package ``tensorboard`` is missing.
    """
    files = [path] if path.is_file() else sorted(path.glob(f"{EVENTS}*"))
    if not files:
        raise GanbenchError(f"{path}: neither a run (no recipe.toml in it) nor a folder of TensorBoard's events")
    if sum(file.stat().st_size for file in files) > _MOST_BYTES:
        raise GanbenchError(f"{path}: more than {_MOST_BYTES >> 30} GiB of events")
    try:
        from tensorboard.backend.event_processing import event_accumulator
    except ImportError as e:
        raise GanbenchError("TensorBoard's events need a package: pip install 'ganbench[tensorboard]'") from e
    lines: dict[int, dict[str, float]] = {}
    with wall(lambda why: GanbenchError(f"{path}: no readable events: {why}")):
        sizes = {event_accumulator.SCALARS: _MOST_POINTS, event_accumulator.TENSORS: 0, event_accumulator.IMAGES: 1}
        events = event_accumulator.EventAccumulator(str(path), size_guidance=sizes)
        events.Reload()
        for name in events.Tags()["scalars"]:
            for point in events.Scalars(name):
                lines.setdefault(int(point.step), {STEP: float(point.step)})[name] = float(point.value)
    return [lines[step] for step in sorted(lines)]
