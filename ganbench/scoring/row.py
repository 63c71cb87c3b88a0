"""One result: a row of a scorecard."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ganbench.scoring.numbers import fixed_decimals, format_fixed, format_number

COLUMNS = ("id", "value", "low", "high", "better", "n", "seed", "protocol")
ARROWS = {"lower": "↓", "higher": "↑", "none": ""}


@dataclass(frozen=True)
class Row:
    """One result.

    Attributes:
        id: ``metric[what it was measured with]``, such as ``fd[lite0]``.
        value: the estimate, or None when it could not be measured; ``reason`` then says why.
        low: lower end of the 95 % interval, or None without one.
        high: upper end.
        better: ``lower``, ``higher`` or ``none``.
        n: number of images that the value rests on.
        seed: seed of the random choices, None where there are none.
        protocol: every choice that the value depends on; only rows of equal protocol and n compare.
        title: the metric in words.
        unit: unit of the value, empty for a plain number.
        interval: method of the interval.
        reason: why there is no value.
        version: of the metric; it stands in the protocol too. None in scorecards of the first release, which had none.
        p: of the metric's test: the chance of such a value, or a worse one, where nothing is wrong; or None.
    """

    id: str
    value: float | None
    low: float | None = None
    high: float | None = None
    better: str = "none"
    n: int | None = None
    seed: int | None = None
    protocol: str = ""
    title: str = ""
    unit: str = ""
    interval: str = ""
    reason: str = ""
    version: int | None = None
    p: float | None = None

    @property
    def metric(self) -> str:
        """What was measured: the part of the id before the brackets."""
        return self.id.partition("[")[0]

    @property
    def instrument(self) -> str:
        """What the value was measured with: the part of the id in brackets."""
        return self.id.partition("[")[2].removesuffix("]")

    @property
    def metric_version(self) -> str:
        """The last part of the protocol, such as ``fd v1``; empty where no version is known."""
        last = self.protocol.rpartition("; ")[2]
        return last if self.version is not None and last.endswith(f" v{self.version}") else ""

    def formatted(self) -> list[str]:
        """Return value, low and high as texts for a table."""
        numbers = (self.value, self.low, self.high)
        decimals = fixed_decimals(self.id, numbers)
        return [format_number(x) if decimals is None else format_fixed(x, decimals) for x in numbers]

    def cells(self) -> dict[str, object]:
        """Return the eight columns; a missing value leaves its reason in the protocol column."""
        cells = {name: getattr(self, name) for name in COLUMNS}
        if self.value is None:
            cells["protocol"] = f"not measured: {self.reason}"
        return cells

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain data; ``p`` is among them where a test was made."""
        content = asdict(self)
        if self.p is None:
            del content["p"]
        return content
