"""The loggers by name. A new one is a file, a line here, and a test."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from ganbench.errors import GanbenchError
from ganbench.loggers.base import Logger
from ganbench.registry import Registry

LOGGERS: Registry[type[Logger]] = Registry("logger", Logger, "ganbench.loggers", classes=True)
LOGGERS.add("tensorboard", "ganbench.loggers.tensorboard:TensorBoard")
LOGGERS.add("wandb", "ganbench.loggers.wandb:WeightsAndBiases")
LOGGERS.add("mlflow", "ganbench.loggers.mlflow:MLflow")
LOGGERS.add("csv", "ganbench.loggers.csv:CSV")


def require_loggers(names: Sequence[str]) -> None:
    """Check that loggers can be opened, before anything is written and without importing their packages.

    Raises:
        UnknownName: there is no such logger.
        GanbenchError: a package is missing.
    """
    for name in names:
        logger = LOGGERS[name]
        missing = [module for module in logger.needs if not _is_there(module)]
        if missing:
            remedy = f"pip install 'ganbench[{logger.extra}]'" if logger.extra else f"install {', '.join(missing)}"
            raise GanbenchError(f"--log {name} needs a package that is not there ({missing[0]}): {remedy}")


def _is_there(module: str) -> bool:
    """Tell whether a module can be imported; a folder of its name, such as one of logs, is none."""
    if module in sys.modules:
        return sys.modules[module] is not None
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None
