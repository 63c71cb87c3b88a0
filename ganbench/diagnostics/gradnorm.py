"""Gradient norms, layer by layer, of any module: the raw material of the plot of the WGAN-GP paper.

The norms are taken by hooks at the end of every backward pass, so they are those before clipping and before the
optimizer step, wherever ``record`` is called. Beside them stands what tells why they are so: how large the weights are,
how far each step moves them, what the layers put out. All layers are measured together, at that one moment, and the
numbers stay on their device until somebody reads them: nothing waits for a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganbench.diagnostics.activity import QUANTITIES, Activity
from ganbench.diagnostics.layers import find_layers, input_gradient_norm, unwrapped
from ganbench.diagnostics.norms import Waiting, fused_norms, stacked, tensors_in
from ganbench.diagnostics.order import Order, note_traced
from ganbench.diagnostics.probe_frame import MEASURED, probe_frame
from ganbench.diagnostics.shards import Sharing, local
from ganbench.diagnostics.weights import Weights
from ganbench.errors import GanbenchError, UnknownName
from ganbench.registry import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

ALSO = ("spectral_norm", "update_ratio", "activations")  # what is recorded beside the norms


class ProbeError(GanbenchError):
    """The probe was used in a way that cannot give a number."""


class GradNormProbe:
    """Records the gradient norm of every layer of a module, step by step, and what belongs to it.

    Example:
        with GradNormProbe(discriminator) as probe:
            for step, batch in enumerate(batches):
                optimizer.zero_grad()
                loss(batch).backward()
                probe.record(step)
                optimizer.step()
        probe.to_frame()

    Works with autocast, gradient accumulation (the accumulated gradient counts), several backward passes per step,
    ``DistributedDataParallel`` (the averaged gradient counts), ``fully_shard`` and ``FullyShardedDataParallel`` (the
    whole gradient counts; every process needs a probe), ``torch.compile``, parametrized and shared weights (listed
    once). With alternating networks, give each a probe, and call ``record`` before another loss is sent backward
    through the same module.
    """

    def __init__(
        self,
        module: nn.Module,
        layers: str | Sequence[str] = "weights",
        *,
        clip: float | None = None,
        scaler: torch.amp.GradScaler | None = None,
        also: Collection[str] = ALSO,
    ) -> None:
        """Choose the layers.

        Args:
            module: any module; compiled, data-parallel and sharded ones too.
            layers: ``weights`` (convolutions and linear layers, in the order in which the first forward pass uses
                them), ``norms``, ``biases``, ``parameters`` (all), ``activations`` (gradients of the layers' outputs),
                or names of parameters.
            clip: the bound that weights are clamped to; the share of weights at it is then recorded, too.
            scaler: the GradScaler whose factor is divided out; a step that it will skip is NaN. Reading the factor
                synchronises once per step.
            also: what to record beside the norms: ``spectral_norm``, ``update_ratio`` (these two keep a float32 copy of
                the weights), ``activations``.

        Raises:
            UnknownName: a name that no parameter has, or that nothing to record has.
            ProbeError: no layer that takes gradients, or a lazy one that no batch has passed yet.
        """
        self._root = module
        self._module = unwrapped(module)
        self.layers = find_layers(module, layers)
        if not any(layer.parameter.requires_grad for layer in self.layers):
            raise ProbeError("no layer of this module takes gradients: requires_grad is False everywhere")
        lazy = [layer.name for layer in self.layers if isinstance(layer.parameter, nn.parameter.UninitializedParameter)]
        if lazy:
            raise ProbeError(f"{lazy[0]} has no shape yet: send a batch through the module first, then make the probe")
        for name in also:
            if name not in ALSO:
                raise UnknownName(f"the probe records no {name!r} beside the norms.{did_you_mean(name, list(ALSO))}")
        self._of_activations = layers == "activations"
        self._clip = clip
        self._scaler = scaler
        self._sharing = Sharing(self.layers)
        spectra, self._moves = "spectral_norm" in also, "update_ratio" in also
        self._weights = Weights(self.layers, self._sharing, spectra=spectra) if spectra or self._moves else None
        self._activity = Activity(self._module, self.layers) if "activations" in also else None
        self._hooks: list[Any] = []
        self._order = Order(len(self.layers))
        self._task: int | None = None  # the backward pass at whose end we are called
        self._looking_at_inputs = False
        self._latest: torch.Tensor | None = None
        self._squares: dict[int, torch.Tensor] = {}
        self._steps: list[int] = []
        self._records = Waiting()
        self._changes = Waiting()  # of the weights, by the step behind each record; the last may not be known yet
        self._open = False  # whether it is not

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
        for index, layer in enumerate(self.layers):
            if layer.parameter.requires_grad and layer.flat is None:
                self._hooks.append(layer.parameter.register_post_accumulate_grad_hook(self._on_gradient))
            self._hooks.append(layer.owner.register_forward_hook(self._on_forward(index)))
        if any(layer.flat is not None for layer in self.layers):  # whose own parameters get no gradient in the pass
            self._hooks.append(self._root.register_forward_hook(self._on_root))
        if self._activity is not None:
            self._hooks += self._activity.attach()

    def detach(self) -> None:
        """Remove every hook; what was recorded stays, and the step behind the last record counts as done."""
        if self._open:
            with torch.no_grad():
                self._follow([local(layer.weight()) for layer in self.layers], spectra=False)
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        self._latest = None

    @property
    def measured(self) -> bool:
        """Whether a backward pass has ended since the last record, so that there is something to record."""
        return self._latest is not None

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
        self._records.add(torch.cat([self._latest, slope.reshape(1)]))
        self._steps.append(step)
        self._latest = None
        self._open = self._moves

    def to_frame(self) -> pd.DataFrame:
        """Return what was recorded, one row per step and layer.

        Columns: ``step``, ``layer`` (from 1 at the input), ``name``, ``norm`` (2-norm of the gradient; NaN where a
        layer got none, infinite where the gradient is not finite), ``log_norm`` (natural), ``weight_norm``, ``ratio``
        (norm / weight norm), ``at_bound`` (share of weights at the clipping bound), ``input_gradient`` (mean norm
        over the images given to ``record``), ``spectral_norm`` (largest singular value of the weight as a matrix
        (outputs, rest)), ``update_ratio`` (2-norm of what the step behind this gradient, clamping included, changed of
        the weight / weight norm before; NaN where that step is not over), ``activation_mean``, ``activation_std``, and
        ``dead_units`` (share of units with one and the same output wherever it was looked at).
        """
        names = [layer.name for layer in self.layers]
        table = self._records.table(len(MEASURED) * len(names) + 1)
        return probe_frame(self._steps, names, self._order.layers(), table, self._changes.table(len(names)))

    def _on_gradient(self, _: torch.Tensor) -> None:
        """Ask, once per backward pass, to be called when it ends."""
        task = torch._C._current_graph_task_id()
        if task != self._task:  # not a flag: a pass that fails half-way would never take it down
            self._task = task
            # Twice around: DistributedDataParallel writes its averages in a callback of its own, queued before ours.
            engine = torch.autograd.Variable._execution_engine
            engine.queue_callback(lambda: engine.queue_callback(self._on_backward_end))

    def _on_root(self, module: nn.Module, inputs: object, output: object) -> None:
        del module, inputs
        for tensor in tensors_in(output):
            if tensor.requires_grad:
                tensor.register_hook(self._on_gradient)

    @torch.no_grad()
    def _on_backward_end(self) -> None:
        weights = [local(layer.weight()) for layer in self.layers]
        device = weights[0].device
        # Norms of all layers are one fused call.
        norms = fused_norms([*self._gradients(), *weights], device)
        gradient, weight = self._sharing.norms(norms.view(2, -1))
        if self._scaler is not None:
            gradient = torch.where(gradient.isinf(), math.nan, gradient / self._scaler.get_scale())
        absent = torch.full_like(gradient, math.nan)
        bound = absent if self._clip is None else self._at_bound(self._clip)
        spectra = self._follow(weights)
        spectral = stacked(spectra, device) if spectra else absent
        outputs = absent.repeat(len(QUANTITIES)) if self._activity is None else self._activity.take(device).flatten()
        self._latest = torch.cat([gradient, weight, bound, spectral, outputs])

    def _gradients(self) -> list[torch.Tensor | None]:
        """Return what the first column is the norm of; of activations, their summed squares hold it already."""
        if not self._of_activations:
            return [None if (g := layer.parameter.grad) is None else local(g) for layer in self.layers]
        squares, self._squares = self._squares, {}
        return [squares[i].sqrt() if i in squares else None for i in range(len(self.layers))]

    def _follow(self, weights: list[torch.Tensor], *, spectra: bool = True) -> list[torch.Tensor]:
        """Keep the weights as the next step finds them, and what the step behind the last record did to them.

        Returns:
            Their spectral norms, none where they are not asked for.
        """
        if self._weights is None:
            return []
        changes, found = self._weights.follow(weights, measure=self._open, spectra=spectra)
        if self._open:
            self._changes.add(*self._sharing.norms(stacked(changes, weights[0].device)[None]))
        self._open = False
        return found

    def _at_bound(self, clip: float) -> torch.Tensor:
        here = [local(layer.parameter.detach()) for layer in self.layers]
        shares = [p.abs().ge_(clip * (1 - 1e-6)).mean(dtype=torch.float32) for p in here]
        return self._sharing.shares(torch.stack(shares), [p.numel() for p in here])

    def _input_gradient(self, images: torch.Tensor) -> torch.Tensor:
        if self._sharing.active:
            raise ProbeError(
                "record(inputs=...) needs the whole module in every process; this one is shared among them"
            )
        self._looking_at_inputs = True
        try:
            return input_gradient_norm(self._module, images)
        finally:
            self._looking_at_inputs = False

    def _on_forward(self, index: int) -> Callable[..., None]:
        key = self._order.key
        parameter = self.layers[index].parameter

        def hook(owner: nn.Module, inputs: object, output: object) -> None:
            del owner, inputs
            if torch.compiler.is_compiling():
                note_traced(key, index)
                return
            if self._looking_at_inputs:
                return
            learns = torch.is_grad_enabled()
            if learns:
                self._order.note(index)
            if self._of_activations and isinstance(output, torch.Tensor) and output.requires_grad:
                output.register_hook(lambda gradient: self._on_activation(index, gradient))
            if self._activity is not None:
                # A frozen network only passes gradients on to another: that is not a step of its own.
                shown = output if learns and parameter.requires_grad and isinstance(output, torch.Tensor) else None
                self._activity.saw(index, shown)

        return hook

    def _on_activation(self, index: int, gradient: torch.Tensor) -> None:
        if gradient.requires_grad:
            return  # the inner gradient of a penalty, not the loss's
        square = gradient.detach().float().square().sum()
        self._squares[index] = self._squares[index] + square if index in self._squares else square
