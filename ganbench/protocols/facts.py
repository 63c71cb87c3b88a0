"""What a scorecard says of how its numbers were made: one value under each name, nothing nested.

Names are dotted: ``images.resize``, ``extractor.weights_sha256``, ``reference.data.count``, ``result.n``. Everything in
the card that is not a number measured is here, so what two cards differ in is what these tables differ in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.metrics.registry import metric_of, name_of
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

Facts = dict[str, Any]

_AGAINST = "; against "  # how a protocol goes on with the reference
MOST = 10_000  # names of one table; a card has some hundred
_OUTCOME = ("label", "run")  # of a source: what it is called, and which run drew it: the images themselves are compared

# What a version of a metric stands for, where other tools do otherwise.
FORMULAS: Mapping[tuple[str, int | None], Mapping[str, str]] = {
    ("fd", 1): {"covariance": "divided by n - 1", "root": "singular values of a product of factors"},
    ("kd", 1): {"kernel": "(x'y / D + 1)^3", "estimator": "unbiased, all pairs"},
    ("kd_subsets", 1): {"kernel": "(x'y / D + 1)^3", "estimator": "unbiased, 100 subsets of 1,000"},
    ("inception_score", 1): {"splits": "10"},
    ("afd", 1): {"counted": "images with a face or more"},
}


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: a scorecard, or a stated protocol.

    Attributes:
        label: what it is called.
        general: of the images and the libraries.
        instruments: of each instrument by its name; ``kind`` is ``extractor``, ``detector`` or ``pixels``.
        results: of each result by its id.
        values: of each result by its id; None where there is none.
        whole: whether it says all that decides its numbers; a stated protocol leaves open what it does not name.
        source: where a stated protocol is from.
        notes: what else a stated protocol says, one sentence each.
    """

    label: str
    general: Facts
    instruments: dict[str, Facts]
    results: dict[str, Facts]
    values: dict[str, float | None]
    whole: bool = True
    source: str = ""
    notes: tuple[str, ...] = ()


def side_of(card: Scorecard, label: str) -> Side:
    """Return what a scorecard says of its protocol."""
    images = {key: value for key, value in card.source.items() if key not in _OUTCOME}
    general = flat({"images": images, "versions": card.versions})
    instruments = {name: _instrument(card, name) for name in dict.fromkeys(row.instrument for row in card.rows)}
    results = {row.id: _result(card, row) for row in card.rows}
    return Side(label, general, instruments, results, {row.id: row.value for row in card.rows})


def flat(nested: Mapping[str, Any], prefix: str = "") -> Facts:
    """Return a nested table as one of dotted names; a list is one value."""
    found: Facts = {}
    waiting: list[tuple[str, Any]] = [(f"{prefix}{key}", value) for key, value in nested.items()]
    while waiting and len(found) < MOST:
        name, value = waiting.pop(0)
        if isinstance(value, Mapping):
            waiting = [*((f"{name}.{key}", inner) for key, inner in value.items()), *waiting]
        else:
            found[name] = value
    return found


def canonical(result_id: str) -> str:
    """Return the metric of a result by its own name: ``fd`` of ``fid[inception]``."""
    metric = metric_of(result_id)
    return name_of(result_id) if metric is None else metric.name


def _instrument(card: Scorecard, name: str) -> Facts:
    reference = card.reference.get(name) or {}
    stated = dict(card.instruments.get(name, {}))
    if not stated and isinstance(reference.get("extractor"), Mapping):  # a card of an earlier version
        stated = {"kind": "extractor", **reference["extractor"]}
    kind = str(stated.pop("kind", "")) or _kind_of(card, name)
    stated.setdefault("protocol", _protocol(card, name))
    rest = {key: value for key, value in reference.items() if key not in ("extractor", "schema")}
    return {"kind": kind, **flat({kind: stated}), **flat({"reference": rest})}


def _protocol(card: Scorecard, name: str) -> str:
    """Return the part of the protocol that all rows of an instrument share, without the reference."""
    found = card.instruments.get(name, {}).get("protocol") or card.shared_protocols().get(name, "")
    return str(found).partition(_AGAINST)[0]


def _kind_of(card: Scorecard, name: str) -> str:
    """Return the kind of an instrument of a card of an earlier version, by what its metrics read."""
    metric = next((metric_of(row.id) for row in card.rows if row.instrument == name), None)
    kinds = {"pixels": "pixels", "detections": "detector"}
    return "extractor" if metric is None else kinds.get(metric.needs, "extractor")


def _result(card: Scorecard, row: Row) -> Facts:
    if row.value is None:
        return {"result.measured": f"no: {row.reason}"}
    own = row.protocol.removeprefix(_protocol(card, row.instrument))
    parts = [part for part in own.removeprefix("; ").split("; ") if part and part != row.metric_version]
    parts = [part for part in parts if not part.startswith(_AGAINST.removeprefix("; "))]
    return {
        "result.measured": "yes",
        "result.n": row.n,
        "result.seed": row.seed,
        "result.version": row.version,
        "result.settings": "; ".join(parts),
        "result.interval": row.interval,
        **flat({"formula": FORMULAS.get((canonical(row.id), row.version), {})}),
    }
