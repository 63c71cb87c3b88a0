"""Protocols that others have published: their facts, each a small file with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.metrics.registry import METRICS
from ganbench.protocols.facts import Facts, Side, flat
from ganbench.registry import did_you_mean
from ganbench.system.parse import MOST_TOML_BYTES, parse_toml, read_text
from ganbench.system.wall import wall

_FOLDER = Path(__file__).parent / "public"
PILLOW_CONVERT = "pillow-convert-rgb"  # Image.open(...).convert("RGB"): no orientation, transparency dropped


def names() -> list[str]:
    """Return the names of all stated protocols."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def public(name: str) -> Side:
    """Return the facts of a stated protocol.

    Args:
        name: one of ``names()``.

    Raises:
        GanbenchError: there is none of this name.
    """
    if name not in names():
        raise GanbenchError(f"no stated protocol is called {name!r}.{did_you_mean(name, names())}")
    path = _FOLDER / f"{name}.toml"
    with wall(lambda why: GanbenchError(f"{path}: not a protocol's facts: {why}. Reinstall ganbench")):
        data = parse_toml(read_text(path, MOST_TOML_BYTES))
        general = {key: _none(value) for key, value in flat(data["general"]).items()}
        instruments: dict[str, Facts] = {}
        for kind in ("extractor", "detector"):
            if kind in data:
                facts: dict[str, Any] = {kind: data[kind]}
                if kind == "extractor":
                    facts["reference"] = data.get("reference", {})
                instruments[data[kind]["name"]] = {"kind": kind, **flat(facts)}
        results = {}
        for metric, facts in data["results"].items():
            kind = "detector" if METRICS[metric].needs == "detections" else "extractor"
            results[f"{metric}[{data[kind]['name']}]"] = flat(facts)
        values = dict.fromkeys(results)
        return Side(
            data["title"], general, instruments, results, values, False, data["source"], tuple(data.get("notes", ()))
        )


def _none(value: Any) -> Any:
    """Return the value of a fact: TOML has no null."""
    return None if value == "none" else value
