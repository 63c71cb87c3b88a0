"""The campaigns by name, and which of them tries which reader of the package.

``READERS`` names every module that parses what comes from outside, with the campaigns that try it; a module that may
only meet what ganbench itself has written, made or pinned stands in ``TRUSTED``, with the reason. The tests look
through the package for calls of parsers, and fail where one stands in neither: so a new format cannot be forgotten.
"""

from __future__ import annotations

from importlib import import_module

from campaigns.base import Sweep

SWEEPS = {
    "images": "campaigns.images:Images",
    "containers": "campaigns.containers:Containers",
    "shards": "campaigns.shards:Shards",
    "references": "campaigns.references:References",
    "scorecards": "campaigns.scorecards:Scorecards",
    "recipes": "campaigns.recipes:Recipes",
    "classes": "campaigns.classes:Classes",
    "weights": "campaigns.weights:Weights",
    "onnx": "campaigns.detectors:Detectors",
    "runs": "campaigns.runs:Runs",
    "logs": "campaigns.logs:Logs",
    "caches": "campaigns.caches:Caches",
    "remote": "campaigns.remote:Remote",
}
COMMANDS = {
    "bombs": "campaigns.bombs:run",
    "injection": "campaigns.injection:run",
    "kills": "campaigns.kills:run",
}

READERS: dict[str, tuple[str, ...]] = {
    "audit/cells.py": ("caches",),
    "bench/grid.py": ("recipes",),
    "bench/status.py": ("runs",),
    "bench/written.py": ("runs",),
    "detectors/facts.py": ("onnx",),
    "detectors/network.py": ("onnx",),
    "detectors/yolo.py": ("onnx",),
    "diagnostics/records.py": ("runs",),
    "diagnostics/toy_modes.py": ("runs",),
    "doctor/events.py": ("logs",),
    "doctor/foreign.py": ("logs",),
    "doctor/ours.py": ("runs",),
    "features/cache.py": ("caches",),
    "features/export.py": ("caches",),
    "features/fidelity.py": ("weights",),
    "features/pieces.py": ("caches",),
    "features/registry.py": ("caches",),
    "features/weights.py": ("weights",),
    "grade/aliases.py": ("classes",),
    "grade/config.py": ("classes", "recipes"),
    "grade/exports.py": ("classes",),
    "grade/roster.py": ("classes",),
    "grade/state.py": ("classes", "scorecards"),
    "images/archives.py": ("containers",),
    "images/array_files.py": ("containers",),
    "images/decode.py": ("images",),
    "images/files.py": ("images",),
    "images/parquet.py": ("shards",),
    "images/parquet_files.py": ("shards",),
    "images/sheets.py": ("images",),
    "images/rules.py": ("recipes",),
    "images/shards.py": ("shards",),
    "images/submission.py": ("containers", "bombs"),
    "images/tar_files.py": ("containers", "shards"),
    "images/zips.py": ("containers",),
    "leaderboard/results.py": ("scorecards",),
    "models/imported.py": ("weights",),
    "overlap/earlier.py": ("caches",),
    "overlap/looked.py": ("caches",),
    "overlap/verdicts.py": ("caches",),
    "references/indexed.py": ("caches",),
    "references/interop.py": ("references",),
    "references/kept.py": ("caches", "references"),
    "references/library.py": ("references",),
    "references/stored.py": ("references",),
    "report/overlap.py": ("caches",),
    "runs/explained.py": ("runs",),
    "runs/facts.py": ("runs",),
    "scoring/cached.py": ("caches",),
    "scoring/card_file.py": ("scorecards",),
    "scoring/scorecard.py": ("scorecards",),
    "system/cache.py": ("caches",),
    "system/container.py": ("caches",),
    "system/lease.py": ("runs",),
    "system/leftovers.py": ("kills",),
    "system/npz.py": ("references", "containers"),
    "system/remote_cache.py": ("remote",),
    "system/remote_fsspec.py": ("remote",),
    "system/remote_http.py": ("remote",),
    "system/onnx_files.py": ("onnx",),
    "system/onnx_runtime.py": ("onnx", "caches"),
    "system/parse.py": ("scorecards", "recipes", "runs"),
    "system/tensors.py": ("weights",),
    "system/torch_files.py": ("weights",),
    "toyfaces/cached.py": ("caches",),
    "training/checkpoint.py": ("weights", "runs"),
    "training/data.py": ("caches",),
    "training/journal.py": ("runs",),
    "training/recipe_text.py": ("recipes",),
    "training/run_folder.py": ("runs",),
    "training/sampling.py": ("weights",),
    "training/state.py": ("weights",),
    "training/stored.py": ("remote",),
}
TRUSTED = {
    "audit/corruptions.py": "what the same process has just encoded",
    "grade/parcel.py": "files of this installation and of the user's, packed and not parsed",
    "cli/grade_export.py": "a page that the same process has just written",
    "report/grading.py": "what it wrote itself, compared byte for byte and not parsed",
    "system/memory.py": "what the system says of its memory",
    "detectors/cascade.py": "a file that is checked against a pinned hash",
    "images/contract.py": "what the same process has just pickled",
    "features/contract.py": "what the same process has just pickled",
    "features/lite.py": "a file that is checked against a pinned hash",
    "looks/changes_of_detail.py": "what the same process has just encoded",
    "models/contract.py": "what the same process has just pickled",
    "models/rehearsal.py": "what the same process has just saved",
    "system/download.py": "hashed before anything reads it",
    "system/ray_node.py": "what the driver has pickled: whoever can send tasks to a Ray cluster runs code on it anyway",
    "system/ray_workers.py": "what the driver's own tasks have pickled on the nodes, which run its code",
    "system/tasks.py": "what the same process has just pickled",
    "protocols/variants.py": "a file that images/decode.py, which is tried, has decoded before",
    "protocols/public.py": "files of this installation, with the facts of other tools",
    "selftest/data.py": "files that are checked against the hashes of their card",
    "system/code.py": "source files, hashed and not parsed",
}


def load(name: str) -> type[Sweep]:
    """Return the class of a campaign of small cases."""
    module, _, kind = SWEEPS[name].partition(":")
    found: type[Sweep] = getattr(import_module(module), kind)
    return found
