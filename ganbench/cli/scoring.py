"""The options of every command that scores, declared once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options

if TYPE_CHECKING:
    from ganbench.scoring.options import ScoreOptions

# Of a command that trains: these options are for the training images, and so for real images to score against.
OF_TRAINING = {"device": "device", "resize": "resize", "recursive": "recursive", "limit": None, "skip_bad": None}


def _flags(
    features: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="lite0", help="Extractor; may be given several times."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compute only this metric; may be given several times."),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE|SRC",
            show_default="anime-faces-64",
            help="What to score against; a second one serves a second extractor.",
        ),
    ] = None,
    detector: options.DetectorOrNone = "yolo-nano",
    conf: options.Conf = None,
    iou: options.Iou = None,
    imgsz: options.Imgsz = None,
    layout: options.Layout = None,
    detector_set: options.DetectorSet = None,
    weights: options.Weights = None,
    precision: options.Precision = "fp32",
    device: options.Device = "auto",
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    limit: options.Limit = None,
    skip_bad: options.SkipBad = 0,
    seed: options.Seed = 0,
) -> ScoreOptions:
    """Return the choices; the signature is the declaration of the options."""
    from ganbench.scoring.options import DEFAULT_FEATURES, ScoreOptions

    return ScoreOptions(
        features=tuple(features or DEFAULT_FEATURES),
        metrics=None if metric is None else tuple(metric),
        references=tuple(reference or ()),
        detector=None if detector == "none" else detector,
        detector_settings=options.detector_options(device, detector_set, conf, iou, imgsz, layout).settings,
        weights=weights,
        precision=precision,
        device=device,
        resize=resize,
        recursive=recursive,
        limit=limit,
        skip_bad=skip_bad,
        seed=seed,
    )


def takes_scoring_options(
    *, renamed: Mapping[str, str] | None = None, own: Mapping[str, str | None] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command all options of scoring; it receives them as ``scoring: ScoreOptions``.

    Args:
        renamed: options that go by another name here, because the command uses theirs for something else.
        own: options that the command declares itself: under which of its parameters each is found, None for one that
            does not concern what is scored and keeps its default.
    """
    renamed, own = renamed or {}, own or {}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        # The type of `scoring` is slow to import, and no option.
        unimported = {"ScoreOptions": object}
        declared = inspect.signature(command, locals=unimported, eval_str=True).parameters
        flags = inspect.signature(_flags, locals=unimported, eval_str=True).parameters
        added = {
            renamed.get(name, name): (name, parameter.replace(name=renamed.get(name, name)))
            for name, parameter in flags.items()
            if name not in own
        }
        parameters = [parameter for name, parameter in declared.items() if name != "scoring"]
        keyword_only = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*(p for _, p in added.values()), *parameters)
        ]

        @functools.wraps(command)
        def run(**given: Any) -> Any:
            chosen = {name: given.pop(shown) for shown, (name, _) in added.items()}
            chosen |= {name: given[parameter] for name, parameter in own.items() if parameter is not None}
            return command(**given, scoring=_flags(**chosen))

        arguments = [p for p in keyword_only if p.default is inspect.Parameter.empty]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what typer reads the options from
            arguments + [p for p in keyword_only if p.default is not inspect.Parameter.empty]
        )
        run.__annotations__ = {p.name: p.annotation for p in keyword_only}
        return run

    return decorate
