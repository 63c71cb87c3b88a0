"""Starts or resumes a run: recipe, images and run folder come together here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.source import Source
from ganbench.loggers.registry import require_loggers
from ganbench.system.cores import available_cores
from ganbench.system.notes import Note, log_note
from ganbench.system.urls import is_url, masked
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.data import TrainingImages, decode_source, held_out_of
from ganbench.training.distributed import World, join_world
from ganbench.training.hold import Hold
from ganbench.training.loop import Loop
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.stored import take
from ganbench.training.trainer import Observer, Trainer

_MAY_CHANGE = ("training.steps", "training.epochs")  # a run can be made longer


def train(
    recipe: Recipe,
    source: Source,
    folder: Path | str,
    *,
    device: str = "auto",
    resume: bool = False,
    options: LoopOptions | None = None,
    observers: list[Observer] | None = None,
    beside: Callable[[Trainer, RunFolder], AbstractContextManager[None]] | None = None,
    warn: Callable[[str], None] = lambda text: None,
    hold: Hold | None = None,
) -> RunFolder:
    """Train a recipe on a source; under ``torchrun``, together with the other processes.

    Args:
        recipe: what to train.
        source: images of the recipe's size (see ``open_source``'s ``resize``).
        folder: the run folder, or the URL of one in an object store.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: go on with the run in the folder, or start it when there is none.
        options: what to write how often.
        observers: see ``Trainer.observers``.
        beside: makes a block that the training runs in, of the trainer and the run folder; of several processes, in
            the first.
        warn: is told what a person should know while the run goes on.
        hold: on the folder, where the caller has it already.

    Returns:
        The run folder.

    Raises:
        GanbenchError: the images do not fit, the folder holds another run, or what ``Loop.train`` raises.
    """
    check_size(source, recipe)
    place = torch.device(resolve_device(device))
    with join_world(place) as world, _held(folder, hold, world, warn) as (run, holder):
        # Whatever may be refused comes before anything is written: the folder stays as it was, and can be used.
        options = options or LoopOptions()
        require_loggers(options.loggers)
        begun = run.is_begun()
        if begun:
            _refuse_other_run(run, recipe, resume=resume)
        elif resume and world.first:
            warn(f"{run.path} holds no run to go on with: a new one starts")
        stored = load_checkpoint(run.checkpoint, place) if begun and run.checkpoint.is_file() else None
        images = _load_images(source, recipe, world, warn, _held_out(options, stored))
        trainer = Trainer(recipe, place, world)
        trainer.observers += observers or []
        loop = Loop(trainer, images, run, options, warn, holder)
        if stored is not None:
            _go_on(loop, stored, warn)
        if world.first:
            _say_what_differs(source, images, recipe, place, warn)
            _write_down(run, recipe, source, place, trainer.step if begun else None)
        with nullcontext() if beside is None or not world.first else beside(trainer, run):
            loop.train()
    return run


@contextmanager
def _held(folder: Path | str, hold: Hold | None, world: World, note: Note) -> Iterator[tuple[RunFolder, Hold | None]]:
    """Hold the run folder for the time of the block; of several processes the first does."""
    if is_url(folder) and world.size > 1:
        raise GanbenchError(
            f"{masked(str(folder))}: several processes train into one folder that all of them see. Give such a folder "
            "to --run"
        )
    if hold is not None or not world.first:
        yield (RunFolder(Path(folder)) if hold is None else hold.run), hold
        return
    taken = take(folder, note, patient=True)
    try:
        yield taken.run, taken
    finally:
        taken.release()


def check_size(source: Source, recipe: Recipe) -> None:
    """Check that the images have the recipe's size.

    Raises:
        GanbenchError: they have another.
    """
    size, (height, width) = recipe.model.size, source.image_size()
    if (height, width) != (size, size):
        other = f", or --set model.size={height}" if height == width and _takes_size(recipe, height) else ""
        sheets = source.sheet_advice((size, size))
        raise GanbenchError(
            f"{source.label}: images are {height}x{width}, the recipe trains on {size}x{size}"
            + (f". {sheets}" if sheets else f": add --resize {size}{other}")
        )


def _takes_size(recipe: Recipe, size: int) -> bool:
    """Tell whether the recipe's model could be built for images of this size."""
    try:
        type(recipe.model).model_validate(recipe.model.model_dump() | {"size": size})
    except ValidationError:
        return False
    return True


def _say_what_differs(
    source: Source, images: TrainingImages, recipe: Recipe, device: torch.device, warn: Callable[[str], None]
) -> None:
    """Tell where the run is not what was asked for to the letter."""
    for text in source.notes:
        warn(text)
    if len(images) < len(source):
        names = "".join(f"; {bad.name}: {bad.why}" for bad in source.bad)
        warn(f"{len(source) - len(images)} of {len(source)} images could not be read and are left out{names}")
    if recipe.training.precision == "tf32" and device.type == "cpu":
        warn("TF32 is arithmetic of NVIDIA GPUs; on the CPU this run is float32")


def _refuse_other_run(run: RunFolder, recipe: Recipe, *, resume: bool) -> None:
    """Check that what is in the folder is this very run, and is to go on."""
    if not resume:
        raise GanbenchError(
            f"{run.path} holds a run already. Add --resume to go on with it, or give another folder to --run"
        )
    before, now = run.recipe().flat(), recipe.flat()
    changed = [
        f"{key} was {before.get(key, 'not set')}, now {now.get(key, 'not set')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key not in _MAY_CHANGE
    ]
    if changed:
        raise GanbenchError(
            f"{run.path}: a resumed run keeps its settings; {'; '.join(changed)}. Give those that it began "
            "with, or another folder to --run"
        )


def _write_down(run: RunFolder, recipe: Recipe, source: Source, device: torch.device, step: int | None) -> None:
    """Write what is trained, and drop what was logged after the step from which a run goes on; None: a new run."""
    run.sweep()
    if step is not None or run.metrics.is_file():
        run.rewind(step or 0)
    if step is not None:
        run.write_recipe(recipe)
        return
    environment = {
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "cores": available_cores(),
        "images": {"label": source.label, "count": len(source), "digest": source.digest()},
    }
    run.start(recipe, environment)


def _held_out(options: LoopOptions, stored: dict[str, Any] | None) -> int | None:
    """Return how many images are not trained on: what a run began with it keeps; earlier versions held out none.

    Raises:
        GanbenchError: another number is asked for.
    """
    if stored is None:
        return options.held_out
    kept: int = stored.get("held_out", 0)
    if options.held_out not in (None, kept):
        raise GanbenchError(f"the run holds out {kept} images, and keeps to that: --held-out {kept}, or leave it out")
    return kept


def _go_on(loop: Loop, state: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Load what the checkpoint holds.

    Raises:
        GanbenchError: other settings, other images, or more steps done than are asked for.
    """
    run, trainer = loop.run, loop.trainer
    if state["images"] != loop.images.digest:
        raise GanbenchError(f"{run.path} was trained on other images; the bits would not be the same")
    if state["step"] > loop.total:
        raise GanbenchError(f"{run.path} has {state['step']} steps done, more than the {loop.total} asked for: --steps")
    trainer.load_state_dict(state)
    if trainer.world.first:
        now = torch.get_num_threads()
        if trainer.device.type == "cpu" and state["threads"] != now:
            warn(
                f"the run had {state['threads']} threads and now has {now}: it goes on, but not to the same bits "
                f"as without the break. For those, set OMP_NUM_THREADS={state['threads']}"
            )


def _load_images(
    source: Source, recipe: Recipe, world: World, warn: Callable[[str], None], held_out: int | None
) -> TrainingImages:
    """Decode the images; of several processes on one machine the first decodes and the others find the cache."""
    if not world.first:
        torch.distributed.barrier()
    pixels = decode_source(source, warn if world.first else log_note)
    if world.first and world.size > 1:
        torch.distributed.barrier()
    training = recipe.training
    held_out = held_out_of(len(pixels)) if held_out is None else held_out
    return TrainingImages(pixels, source.digest(), batch=training.batch, seed=training.seed, held_out=held_out)
