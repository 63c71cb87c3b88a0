"""Reads what loggers wrote with the packages that they belong to."""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

from waiting import wait_for

Points = dict[str, list[tuple[int, float]]]  # by name: step and value


def tensorboard(folder: Path) -> tuple[Points, dict[str, list[tuple[int, int, int]]], dict[str, Any]]:
    """Return the scalars, the pictures (step, height, width) and the hyper-parameters in event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    events = EventAccumulator(str(folder)).Reload()
    tags = events.Tags()
    scalars = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]}
    images = {tag: [(e.step, e.height, e.width) for e in events.Images(tag)] for tag in tags["images"]}
    settings: dict[str, Any] = {}
    for content in events.PluginTagToContent("hparams").values():
        for name, value in HParamsPluginData.FromString(content).session_start_info.hparams.items():
            settings[name] = getattr(value, value.WhichOneof("kind"))
    return scalars, images, settings


def wandb(folder: Path) -> tuple[Points, dict[str, list[tuple[int, int, int]]], dict[str, Any], set[str]]:
    """Return the same of all offline runs below a folder, in order of time, and the ids of these runs."""
    scalars: Points = defaultdict(list)
    images: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    settings: dict[str, Any] = {}
    ids = set()
    for file in sorted(folder.rglob("*.wandb")):
        for record in _finished(file):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                ids.add(record.run.run_id)
            elif kind == "config":
                settings |= {item.key: json.loads(item.value_json) for item in record.config.update if item.key}
            elif kind == "history":
                items = [("/".join(i.nested_key) or i.key, json.loads(i.value_json)) for i in record.history.item]
                line = dict(items)
                for name, value in items:
                    if name.endswith("/format"):
                        stem = name.partition("/")[0]
                        images[stem].append((line["step"], line[f"{stem}/height"], line[f"{stem}/width"]))
                    elif "/" not in name and not name.startswith("_") and name != "step":
                        scalars[name].append((line["step"], value))
    return dict(scalars), dict(images), settings, ids


def _finished(file: Path) -> list[Any]:
    """Return the records of a run; the process that writes them may end them a moment after the run has."""
    from wandb.proto import wandb_internal_pb2

    def read() -> list[Any]:
        return [wandb_internal_pb2.Record.FromString(content) for content in _records(file.read_bytes())]

    wait_for(lambda: any(record.WhichOneof("record_type") == "exit" for record in read()), 60)
    return read()


def _records(data: bytes) -> list[bytes]:
    """Return the records of a file in LevelDB's log format, which W&B keeps its offline runs in."""
    block, header = 32768, 7
    position, part, found = header, b"", []
    while position + header <= len(data):
        left = block - position % block
        if left < header:
            position += left
            continue
        _, size, kind = struct.unpack("<IHB", data[position : position + header])
        part += data[position + header : position + header + size]
        position += header + size
        if kind in (1, 4):  # whole, or the last piece
            found.append(part)
            part = b""
    return found


def mlflow(uri: str) -> list[tuple[Points, dict[str, Any], list[str], str]]:
    """Return of each run of the experiment ``ganbench`` its metrics, parameters, pictures and status."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("ganbench")
    assert experiment is not None
    runs = []
    for run in client.search_runs([experiment.experiment_id]):
        names = run.data.metrics
        points = {n: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, n)] for n in names}
        pictures = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
        runs.append((points, run.data.params, pictures, run.info.status))
    return runs
