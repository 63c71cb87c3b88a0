"""``ganbench ppl``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.system.location import Location


def ppl(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|G.pth|MODULE:FACTORY",
            help="A run folder, the assignment's generator (also a URL), or a function that makes a generator.",
        ),
    ],
    features: Annotated[
        str, typer.Option(metavar="NAME", help="Extractor whose features measure the steps.")
    ] = "lite0",
    count: Annotated[int, typer.Option(metavar="N", min=2, help="Number of paths.")] = 1000,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="w|z",
            help="Straight lines between mapped latents, or great circles between latents.",
            show_default="w where the generator has one",
        ),
    ] = None,
    sampling: Annotated[
        str, typer.Option(metavar="full|end", help="Steps anywhere on the path, or at its start as StyleGAN2 has it.")
    ] = "full",
    epsilon: Annotated[float, typer.Option(metavar="E", help="Length of a step, as a share of its path.")] = 1e-4,
    truncation: Annotated[float, typer.Option(metavar="PSI", min=0, max=1, help="Below 1: less varied images.")] = 1.0,
    batch: Annotated[
        int, typer.Option(metavar="B", min=1, help="How many times eight paths are computed together.")
    ] = 2,
    weights: options.Weights = None,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    json_file: Annotated[
        Location | None,
        typer.Option("--json", parser=options.place, metavar="F", help="Write a scorecard; - prints it."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Measure how smoothly a generator's images follow its latents: perceptual path length, with a 95 % interval.

    [bold]Examples[/bold]

      ganbench ppl runs/stylegan2

      ganbench ppl G.pth --space z --count 5000

      ganbench ppl my_networks:generator --device cuda
    """
    from ganbench.diagnostics.path_length import path_length
    from ganbench.system.outputs import check_outputs

    del quiet
    check_outputs(json_file)
    given = Location.of(source)
    generator: str | Path = given.fetched() if given.is_remote else source
    file = None if weights is None else Location.of(weights).fetched()
    card = path_length(
        generator, features, count=count, space=space, sampling=sampling, epsilon=epsilon, truncation=truncation,
        weights=file, batch=batch, device=device, seed=seed, label=str(given),
    )  # fmt: skip
    if is_stdout(json_file):
        put_json(card.to_dict())
        return
    written = write_documents((json_file, card.to_json))
    row = card.rows[0]
    value, low, high = row.formatted()
    tell(f"{row.id} {value} (95 %: {low} to {high}), {row.n:,} paths of {card.source['label']}", row.protocol)
    for text in (*card.warnings, *(f"wrote {place}" for place in written)):
        tell(text)
