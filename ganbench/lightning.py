"""The gradient probe as a Lightning callback, also for GANs with manual optimization.

    from ganbench.lightning import GradNorms
    trainer = L.Trainer(callbacks=[GradNorms({"D": "discriminator", "G": "generator"}, path="gradnorm.csv")])

Needs ``pip install "ganbench[lightning]"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganbench.diagnostics.gradnorm import GradNormProbe, ProbeError
from ganbench.diagnostics.records import joined
from ganbench.errors import GanbenchError
from ganbench.system.outputs import check_outputs, write_text
from ganbench.system.text import csv_frame

try:
    from lightning.pytorch.callbacks import Callback
except ImportError as e:
    raise GanbenchError('Lightning is not installed. Run: pip install "ganbench[lightning]"') from e

if TYPE_CHECKING:
    import pandas as pd


class GradNorms(Callback):
    """Records the gradient norms of networks of a LightningModule, each at the steps of its own optimizer.

    A record is made before an optimizer steps, of the networks whose parameters it holds: so automatic and manual
    optimization, gradient accumulation, several optimizers and several steps of one of them in a batch all give one
    record a step. Steps are counted per network, from 0, and go on where a checkpoint was saved.
    """

    def __init__(
        self,
        networks: Mapping[str, str] | str = "",
        path: str | Path | None = None,
        *,
        every: int = 1,
        **options: Any,
    ) -> None:
        """Say what to watch.

        Args:
            networks: name of each curve and the attribute of the LightningModule that is watched under it, such as
                ``{"D": "discriminator", "G": "generator"}``; or one attribute; an empty text is the whole module.
            path: of a CSV that is written when the training ends, for ``ganbench gradnorm --csv``; None: none.
            every: record every so many steps of a network.
            options: of ``GradNormProbe``.

        Raises:
            GanbenchError: ``every`` is no positive number, or the file cannot be written.
        """
        super().__init__()
        if every < 1:
            raise GanbenchError(f"GradNorms: every={every} records nothing; give 1 or more")
        if path is not None:
            check_outputs(path)
        self._networks = {networks or "module": networks} if isinstance(networks, str) else dict(networks)
        self._path = path
        self._every = every
        self._options = options
        self._steps = dict.fromkeys(self._networks, 0)
        self.probes: dict[str, GradNormProbe] = {}

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """What was recorded, by the names of the curves: as ``ganbench.plot_gradnorm`` takes it."""
        return {name: probe.to_frame() for name, probe in self.probes.items()}

    def on_train_start(self, trainer: Any, pl_module: nn.Module) -> None:
        """Attach the probes: now the modules are where, and what, they are trained as."""
        # Lightning's own scaler, when it trains in float16, multiplies gradients: the probe divides that out.
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        options: dict[str, Any] = {"scaler": scaler} | self._options
        self.probes = {
            name: GradNormProbe(self._find(pl_module, path), **options) for name, path in self._networks.items()
        }
        for probe in self.probes.values():
            probe.attach()

    def on_before_optimizer_step(self, trainer: Any, pl_module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Keep the norms of what this optimizer is about to change."""
        del trainer, pl_module
        moved = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, probe in self.probes.items():
            if any(id(layer.parameter) in moved for layer in probe.layers):
                if self._steps[name] % self._every == 0 and probe.measured:
                    probe.record(self._steps[name])
                self._steps[name] += 1

    def on_train_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """Remove the hooks and write the table."""
        del pl_module
        self._finish(trainer)

    def on_exception(self, trainer: Any, pl_module: nn.Module, exception: BaseException) -> None:
        """Remove the hooks of a training that failed, and write what there is."""
        del pl_module, exception
        self._finish(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: how many steps each network has done."""
        return {"steps": dict(self._steps)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting where the checkpoint was saved."""
        self._steps |= {name: step for name, step in state_dict["steps"].items() if name in self._steps}

    def _find(self, module: nn.Module, path: str) -> nn.Module:
        found: Any = module
        for part in filter(None, path.split(".")):
            found = getattr(found, part, None)
        if not isinstance(found, nn.Module):
            raise ProbeError(f"GradNorms: the LightningModule has no network called {path!r}")
        return found

    def _finish(self, trainer: Any) -> None:
        for probe in self.probes.values():
            probe.detach()
        if self._path is not None and trainer.is_global_zero and self.probes:
            write_text(self._path, csv_frame(joined(self.frames)))
