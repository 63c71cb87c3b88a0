"""Gradient norms, layer by layer, of any module: the raw material of the plot of the WGAN-GP paper.

The norms are taken by hooks at the end of every backward pass, so they are those before clipping and before the
optimizer step, wherever ``record`` is called. All layers are measured in one fused call and stay on their device until
somebody reads them: nothing waits for a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganbench.diagnostics.layers import Layer, find_layers, input_gradient_norm, unwrapped
from ganbench.errors import GanbenchError

if TYPE_CHECKING:
    import pandas as pd

_KEPT_ON_DEVICE = 256  # records that wait before they are moved to the CPU in one go


class ProbeError(GanbenchError):
    """The probe was used in a way that cannot give a number."""


class GradNormProbe:
    """Records the gradient norm of every layer of a module, step by step.

    Example:
        with GradNormProbe(discriminator) as probe:
            for step, batch in enumerate(batches):
                optimizer.zero_grad()
                loss(batch).backward()
                probe.record(step)
                optimizer.step()
        probe.to_frame()

    Works with autocast, gradient accumulation (the accumulated gradient counts), several backward passes per step,
    ``DistributedDataParallel`` (the averaged gradient counts), ``torch.compile`` and shared weights (listed once).
    With alternating networks, call ``record`` before another loss is sent backward through the same module.
    """

    def __init__(
        self,
        module: nn.Module,
        layers: str | Sequence[str] = "weights",
        *,
        clip: float | None = None,
        scaler: torch.amp.GradScaler | None = None,
    ) -> None:
        """Choose the layers.

        Args:
            module: any module; compiled and data-parallel ones too.
            layers: ``weights`` (convolutions and linear layers, in the order in which the first forward pass uses
                them), ``norms``, ``biases``, ``parameters`` (all), ``activations`` (gradients of the layers' outputs),
                or names of parameters.
            clip: the bound that weights are clamped to; the share of weights at it is then recorded, too.
            scaler: the GradScaler whose factor is divided out; a step that it will skip is NaN. Reading the factor
                synchronises once per step.

        Raises:
            UnknownName: a name that no parameter has.
            ProbeError: no layer of that kind, or none that takes gradients.
        """
        self._module = unwrapped(module)
        self.layers = find_layers(self._module, layers)
        if not any(layer.parameter.requires_grad for layer in self.layers):
            raise ProbeError("no layer of this module takes gradients: requires_grad is False everywhere")
        self._activations = layers == "activations"
        self._clip = clip
        self._scaler = scaler
        self._hooks: list[Any] = []
        self._order: dict[int, int] = {}
        self._task: int | None = None  # the backward pass at whose end we are called
        self._looking_at_inputs = False
        self._latest: torch.Tensor | None = None
        self._squares: dict[int, torch.Tensor] = {}
        self._steps: list[int] = []
        self._pending: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []

    def __enter__(self) -> GradNormProbe:
        self.attach()
        return self

    def __exit__(self, *exception: object) -> None:
        self.detach()

    def attach(self) -> None:
        """Install the hooks.

        Raises:
            ProbeError: they are installed already.
        """
        if self._hooks:
            raise ProbeError("this probe is attached already; one probe serves one loop at a time")
        for layer in self.layers:
            if layer.parameter.requires_grad:
                self._hooks.append(layer.parameter.register_post_accumulate_grad_hook(self._on_gradient))
            if layer.owner is not None:
                self._hooks.append(layer.owner.register_forward_hook(self._on_forward(layer)))

    def detach(self) -> None:
        """Remove every hook; what was recorded stays."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        self._latest = None

    def record(self, step: int, *, inputs: torch.Tensor | None = None) -> None:
        """Keep the norms of the backward pass that ended last.

        Args:
            step: number of the step, larger than the one before.
            inputs: images (N, ...) at which the norm of the module's input gradient is measured as well: one more
                pass forward and backward, which leaves the module and the random state as they were.

        Raises:
            ProbeError: not attached, no backward pass since the last record, or a step that does not go forward.
        """
        if not self._hooks:
            raise ProbeError("the probe is not attached: use it in a with block, or call attach() before backward")
        if self._steps and step <= self._steps[-1]:
            raise ProbeError(f"step {step} does not follow step {self._steps[-1]}, which is recorded already")
        if self._latest is None:
            raise ProbeError("no backward pass has ended since the last record, so there are no gradients to measure")
        slope = self._latest.new_tensor(math.nan) if inputs is None else self._input_gradient(inputs)
        self._pending.append(torch.cat([self._latest, slope.reshape(1)]))
        self._steps.append(step)
        self._latest = None
        if len(self._pending) >= _KEPT_ON_DEVICE:
            self._collect()

    def to_frame(self) -> pd.DataFrame:
        """Return what was recorded, one row per step and layer.

        Columns: ``step``, ``layer`` (from 1 at the input), ``name``, ``norm`` (2-norm of the gradient; NaN where a
        layer got none, infinite where the gradient is not finite), ``log_norm`` (natural), ``weight_norm``, ``ratio``
        (norm / weight norm), ``at_bound`` (share of weights at the clipping bound) and ``input_gradient`` (mean norm
        over the images given to ``record``).
        """
        import numpy as np
        import pandas as pd

        self._collect()
        order = sorted(range(len(self.layers)), key=lambda i: self._order.get(i, i))
        count = len(self.layers)
        table = torch.cat(self._values).numpy() if self._values else np.empty((0, 3 * count + 1))
        columns = {
            "step": np.repeat(self._steps, count),
            "layer": np.tile(np.arange(1, count + 1), len(self._steps)),
            "name": np.tile([self.layers[i].name for i in order], len(self._steps)),
        }
        for position, name in enumerate(("norm", "weight_norm", "at_bound")):
            columns[name] = table[:, position * count : (position + 1) * count][:, order].reshape(-1)
        columns["input_gradient"] = np.repeat(table[:, -1], count)
        frame = pd.DataFrame(columns)
        with np.errstate(divide="ignore"):
            frame["log_norm"] = np.log(frame["norm"])
        frame["ratio"] = frame["norm"] / frame["weight_norm"]
        order_of_columns = ("step", "layer", "name", "norm", "log_norm", "weight_norm", "ratio", "at_bound")
        return frame[[*order_of_columns, "input_gradient"]]

    def _on_gradient(self, parameter: torch.Tensor) -> None:
        """Ask, once per backward pass, to be called when it ends."""
        del parameter
        task = torch._C._current_graph_task_id()
        if task != self._task:  # not a flag: a pass that fails half-way would never take it down
            self._task = task
            # Twice around: DistributedDataParallel writes its averages in a callback of its own, queued before ours.
            engine = torch.autograd.Variable._execution_engine
            engine.queue_callback(lambda: engine.queue_callback(self._on_backward_end))

    @torch.no_grad()
    def _on_backward_end(self) -> None:
        parameters = [layer.parameter.detach() for layer in self.layers]
        if self._activations:
            squares = [self._squares.get(i) for i in range(len(self.layers))]
            norms = _stack([None if s is None else s.sqrt() for s in squares], parameters[0].device)
            self._squares = {}
        else:
            norms = _norms([layer.parameter.grad for layer in self.layers], parameters[0].device)
        if self._scaler is not None:
            norms = torch.where(norms.isinf(), math.nan, norms / self._scaler.get_scale())
        self._latest = torch.cat([norms, _norms(parameters, parameters[0].device), self._at_bound(parameters)])

    def _input_gradient(self, images: torch.Tensor) -> torch.Tensor:
        self._looking_at_inputs = True
        try:
            return input_gradient_norm(self._module, images)
        finally:
            self._looking_at_inputs = False

    def _at_bound(self, parameters: list[torch.Tensor]) -> torch.Tensor:
        if self._clip is None:
            return torch.full((len(parameters),), math.nan, device=parameters[0].device)
        return torch.stack([(p.abs() >= self._clip * (1 - 1e-6)).float().mean() for p in parameters])

    def _on_forward(self, layer: Layer) -> Callable[..., None]:
        index = self.layers.index(layer)

        def hook(owner: nn.Module, inputs: object, output: torch.Tensor) -> None:
            del owner, inputs
            if torch.compiler.is_compiling():
                return  # a compiled graph keeps the order of definition
            if self._looking_at_inputs:
                return
            if torch.is_grad_enabled():
                self._order.setdefault(index, len(self._order))
            if self._activations and output.requires_grad:
                output.register_hook(lambda gradient: self._on_activation(index, gradient))

        return hook

    def _on_activation(self, index: int, gradient: torch.Tensor) -> None:
        if gradient.requires_grad:
            return  # the inner gradient of a penalty, not the loss's
        square = gradient.detach().float().square().sum()
        self._squares[index] = self._squares[index] + square if index in self._squares else square

    def _collect(self) -> None:
        if self._pending:
            self._values.append(torch.stack(self._pending).double().cpu())
            self._pending = []


def _norms(tensors: Sequence[torch.Tensor | None], device: torch.device) -> torch.Tensor:
    """Return the 2-norms as float32 (len,), all in one fused call; see ``_stack``."""
    present = [t for t in tensors if t is not None]
    wide = [t if t.dtype in (torch.float32, torch.float64) else t.float() for t in present]
    values = iter(torch._foreach_norm(wide)) if wide else iter(())
    return _stack([None if t is None else next(values) for t in tensors], device)


def _stack(norms: Sequence[torch.Tensor | None], device: torch.device) -> torch.Tensor:
    """Return scalars as float32 (len,): NaN for None, infinity for NaN, so that no gradient and a broken one differ."""
    absent = torch.full((), -1.0, device=device)
    stacked = torch.stack([absent if norm is None else norm.float() for norm in norms])
    return torch.where(stacked.isnan(), math.inf, torch.where(stacked < 0, math.nan, stacked))
