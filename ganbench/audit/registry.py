"""The checks by name, in the order of the tables. A new one is a file, a line here, and a test."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.audit.check import Check
from ganbench.audit.sizes import Sizes
from ganbench.registry import Registry

CHECKS: Registry[type[Check]] = Registry("check", Check, classes=True)
CHECKS.add("sanity", "ganbench.audit.sanity:Sanity")
CHECKS.add("corruptions", "ganbench.audit.corruption:Corruptions")
CHECKS.add("sizes", "ganbench.audit.sizes:Sizes")
CHECKS.add("modes", "ganbench.audit.modes:Modes")
CHECKS.add("drawn", "ganbench.audit.drawn:Drawn")
CHECKS.add("outliers", "ganbench.audit.outliers:Outliers")
CHECKS.add("copies", "ganbench.audit.copying:Copying")
CHECKS.add("matched", "ganbench.audit.matched:Matched")
CHECKS.add("order", "ganbench.audit.order:Order")
CHECKS.add("cost", "ganbench.audit.cost:Cost")


def chosen_checks(names: Sequence[str] | None) -> list[Check]:
    """Return checks by their names, in the order of the tables; all of them for None.

    The one that measures spreads comes along with those that need them.

    Raises:
        UnknownName: no such check.
    """
    asked = set(CHECKS) if names is None else {CHECKS[name].name for name in names}
    if asked - {"sanity", "order", "cost"}:
        asked.add(Sizes.name)
    return [CHECKS[name]() for name in CHECKS if name in asked]
