"""``ganbench reference build | list | show | verify | export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import put_json, tell
from ganbench.system.location import Location, told_as

if TYPE_CHECKING:
    from ganbench.references.reference import Reference

app = typer.Typer(no_args_is_help=True, help="Build, list, show and verify reference statistics.")

Name = Annotated[str, typer.Argument(metavar="R", help="A reference's name or file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def build(
    source: options.SourceArg,
    output: Annotated[
        Location,
        typer.Option(
            "--output", "-o", parser=options.place, metavar="FILE", help="The .npz to write, at a path or URL."
        ),
    ],
    features: Annotated[str, typer.Option(metavar="NAME", help="Extractor.")] = "lite0",
    size: Annotated[
        str | None, typer.Option(metavar="RULE", help="Resize images to this: 64, or 64x64:lanczos.")
    ] = None,
    sample: Annotated[int, typer.Option(metavar="M", min=2, help="Images whose features are kept.")] = 3000,
    limit: options.Limit = None,
    held_out: Annotated[
        str | None,
        typer.Option(
            "--held-out", metavar="M", help="Hold so many out, to say what real images reach: 0.1, 2000, last:2000."
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="PARTS",
            help="Make a reference of each part, FILE-part.npz; no two share an image: private:0.3,public.",
        ),
    ] = None,
    weights: options.Weights = None,
    precision: options.Precision = "fp32",
    device: options.Device = "auto",
    recursive: options.Recursive = False,
    skip_bad: options.SkipBad = 0,
    seed: options.Seed = 0,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    quiet: options.Quiet = False,
) -> None:
    """Compute the statistics of real images, once.

    [bold]Examples[/bold]

      ganbench reference build ./faces --size 64 -o faces.npz

      ganbench reference build faces.zip --size 64 --features inception --weights inception.pth -o faces-inception.npz

      ganbench reference build faces.zip --size 64 --split private:0.3,public --held-out 0.1 -o faces.npz
    """
    from ganbench.features.spec import BuildOptions
    from ganbench.images.sources import open_source
    from ganbench.references.build import build_parts
    from ganbench.references.parts import choose
    from ganbench.system.outputs import check_outputs

    del quiet
    where = options.site(jobs, cluster)
    opened = open_source(source, recursive=recursive, resize=size, skip_bad=skip_bad)
    opened = opened if limit is None else opened.first(limit)
    parts = choose(opened, split, held_out, seed)
    places = [_place_of(output, part.name) for part in parts]
    check_outputs(binary=tuple(places))
    for text in opened.notes:
        warn(text)
    file = None if weights is None else Location.of(weights).fetched()
    references = build_parts(
        parts,
        features,
        BuildOptions(file, device, precision),
        names=[place.name.split(".")[0] for place in places],
        sample_size=sample,
        seed=seed,
        cache=where.jobs > 1 or where.cluster is not None,
        site=where,
    )
    for reference, place in zip(references, places, strict=True):
        written = reference.save(place)
        tell(f"wrote {place} ({written / 1e6:.1f} MB): {reference.origin()}; {reference.memory()}")


def _place_of(output: Location, part: str) -> Location:
    """Return where the reference of a part goes: its name before the ending."""
    if not part:
        return output
    before, dot, ending = output.text.rpartition(".")
    return Location(f"{before}-{part}{dot}{ending}" if dot and "/" not in ending else f"{output.text}-{part}")


@app.command("list")
def list_references(json_output: Json = False, quiet: options.Quiet = False) -> None:
    """List the references that --reference knows by name.

    [bold]Example[/bold]

      ganbench reference list
    """
    from ganbench.references.library import installed_references
    from ganbench.references.reference import Reference
    from ganbench.system.text import pad

    del quiet
    entries = [(path, Reference.load(path)) for path in installed_references()]
    if json_output:
        put_json([{"file": str(path), **reference.meta()} for path, reference in entries])
        return
    for path, reference in entries:
        tell(f"{pad(path.stem, 32)} {_summary(reference)}", f"{'':32} {path}")


@app.command()
def show(reference: Name, json_output: Json = False, quiet: options.Quiet = False) -> None:
    """Show what a reference is made of.

    [bold]Example[/bold]

      ganbench reference show anime-faces-64
    """
    del quiet
    loaded = _load(reference)
    if json_output:
        put_json(loaded.meta())
        return
    tell(_summary(loaded))
    for key, value in loaded.meta().items():
        tell(f"  {key}: {json.dumps(value, ensure_ascii=False)}")


@app.command()
def verify(
    reference: Name,
    source: Annotated[
        str | None, typer.Option(metavar="SRC", help="The images it should be made of; their digest is compared.")
    ] = None,
    json_output: Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check a reference: intact, finite, a covariance, consistent with its own sample; exit 1 if not.

    [bold]Examples[/bold]

      ganbench reference verify anime-faces-64

      ganbench reference verify faces.npz --source ./faces
    """
    from ganbench.errors import GateFailed
    from ganbench.references.library import check_reference

    del quiet
    checks = check_reference(_load(reference), source)
    if json_output:
        put_json([{"check": c.what, "ok": c.ok, "found": c.found} for c in checks])
    else:
        for check in checks:
            tell(f"{'ok  ' if check.ok else 'FAIL'} {check.what}: {check.found}")
    if not all(check.ok for check in checks):
        raise GateFailed(f"{reference} does not verify: {', '.join(c.what for c in checks if not c.ok)}")


@app.command()
def export(
    reference: Name,
    out: Annotated[
        Path,
        typer.Argument(
            parser=options.local("an exported reference"),
            metavar="OUT",
            help="The .npz to write; for clean-fid, its statistics folder.",
        ),
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="pytorch-fid|clean-fid", help="For which tool.")
    ] = "pytorch-fid",
    quiet: options.Quiet = False,
) -> None:
    """Write a reference as another tool's statistics file (and read theirs with --reference).

    [bold]Examples[/bold]

      ganbench reference export faces-inception.npz stats.npz

      ganbench reference export faces-clean.npz STATS_FOLDER --format clean-fid
    """
    from ganbench.errors import UnknownName
    from ganbench.references.interop import write_clean_fid, write_pytorch_fid
    from ganbench.registry import did_you_mean

    del quiet
    if form not in ("pytorch-fid", "clean-fid"):
        raise UnknownName(f"unknown format {form!r}.{did_you_mean(form, ['pytorch-fid', 'clean-fid'])}")
    loaded = _load(reference)
    if form == "pytorch-fid":
        write_pytorch_fid(loaded, out)
        written = [out]
    else:
        written = list(write_clean_fid(loaded, out, loaded.name))
    for path in written:
        tell(f"wrote {path}")


def _load(name: str) -> Reference:
    from ganbench.errors import ReferenceError
    from ganbench.references.interop import open_reference
    from ganbench.references.library import find_reference

    given = Location.of(name)
    file = given.fetched() if given.is_remote or given.path.is_file() else find_reference(name, "lite0")
    if file is None:
        raise ReferenceError(f"{name}: no such reference for lite0; give its file")
    with told_as(given, file):
        return open_reference(file)


def _summary(reference: Reference) -> str:
    if reference.extractor is None or reference.image_size is None:
        return f"{reference.origin()}; {reference.memory()}"
    height, width = reference.image_size
    return f"{reference.origin()}, {height}x{width}, {reference.extractor.protocol}; {reference.memory()}"
