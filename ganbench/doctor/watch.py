"""Watches a run while it trains: the rules, applied to what it has recorded so far."""

from __future__ import annotations

from ganbench.doctor.finding import Finding
from ganbench.doctor.ours import read_run
from ganbench.doctor.records import Scores, Sheet
from ganbench.doctor.rules import examine
from ganbench.doctor.stopping import PATIENCE, improvement
from ganbench.training.run_folder import RunFolder
from ganbench.training.watch import Sign


class Doctor:
    """See ``ganbench.training.watch.Watch``. Of a resumed run it says what it would have said without the break."""

    def __init__(self, stop_when: tuple[str, str] | None = None, patience: int = PATIENCE) -> None:
        """Set up.

        Args:
            stop_when: the result whose standstill ends a run (``fd[lite0]``), and which direction of it is better
                (``lower`` or ``higher``); None: a run goes on to its end.
            patience: looks without an improvement that make a standstill.
        """
        self._stop_when = stop_when
        self._patience = patience
        self._seen: dict[int, Sheet] = {}

    def signs(self, run: RunFolder) -> list[Sign]:
        """Return the findings of what is recorded.

        Raises:
            GanbenchError: the records are damaged.
        """
        return [_sign(finding) for finding in examine(read_run(run.path, self._seen))]

    def enough(self, run: RunFolder) -> str | None:
        """Say why the run may stop: its score has not improved for some looks, see ``stopping``."""
        if self._stop_when is None:
            return None
        name, better = self._stop_when
        scores: Scores | None = read_run(run.path, self._seen).scores.get(name)
        if scores is None:
            return None
        looks = improvement(scores, better)
        if looks.best < 0 or looks.since < self._patience:
            return None
        value, low, high = (x[looks.best] for x in (looks.value, looks.low, looks.high))
        return (
            f"stopped: {name} has not improved beyond its interval at the last {looks.since} looks; at step "
            f"{looks.steps[looks.best]} it was {value:.4g} ({low:.4g} to {high:.4g}, an interval that holds at all "
            f"looks together), now it is {looks.value[-1]:.4g}"
        )


def _sign(finding: Finding) -> Sign:
    text = f"{finding.kind} ({finding.where}): {finding.text}. {finding.remedy}"
    return Sign(finding.kind, finding.since, finding.when, text, finding.grave)
