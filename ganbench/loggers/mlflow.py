"""MLflow: a run of the experiment ``ganbench``, wherever MLflow keeps its runs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganbench.loggers.base import Begin, Logger

if TYPE_CHECKING:
    import numpy as np

_MOST = 100  # parameters of one call ...
_MOST_METRICS = 1000  # ... and numbers
_LONGEST = 500  # characters of a parameter, as the strictest servers have it


class MLflow(Logger):
    """Logs into one run of MLflow: at ``MLFLOW_TRACKING_URI``, or where MLflow itself looks (``mlflow ui`` shows it).

    ``MLFLOW_EXPERIMENT_NAME`` names another experiment. A resumed run goes on with the run of the same id. MLflow takes
    nothing back: of steps that a resumed run does again, its history holds both values.
    """

    needs = ("mlflow",)
    extra = "mlflow"

    def open(self, begin: Begin) -> None:
        """See ``Logger``."""
        from mlflow import MlflowClient
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        self._client: Any = MlflowClient()
        self._id = "" if begin.step == 0 else begin.known_id() or ""
        if self._id:
            try:
                self._client.update_run(self._id, status="RUNNING")
                return
            except MlflowException:  # another store, or one without this run: it gets one that begins here
                self._id = ""
        self._id = self._client.create_run(self._experiment(), run_name=begin.name).info.run_id
        begin.keep_id(self._id)
        settings = [Param(_name(name), str(value)[:_LONGEST]) for name, value in begin.settings.items()]
        for first in range(0, len(settings), _MOST):
            self._client.log_batch(self._id, params=settings[first : first + _MOST])

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "ganbench")
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found is not None else self._client.create_experiment(name))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """See ``Logger``."""
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        metrics = [Metric(_name(key), value, now, step) for key, value in values.items()]
        for first in range(0, len(metrics), _MOST_METRICS):
            self._client.log_batch(self._id, metrics=metrics[first : first + _MOST_METRICS])

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """See ``Logger``."""
        self._client.log_image(self._id, pixels, key=name, step=step)

    def close(self, *, finished: bool) -> None:
        """See ``Logger``."""
        self._client.set_terminated(self._id, "FINISHED" if finished else "KILLED")


def _name(name: str) -> str:
    """Return a name as MLflow takes it, which knows no brackets: ``fd/lite0`` for ``fd[lite0]``."""
    return re.sub(r"[^\w\-. /]", "_", name.replace("[", "/").replace("]", ""), flags=re.ASCII)[:250]
