"""``ganbench data check | pack | slice | toyfaces``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import put_json, tell
from ganbench.cli.toyfaces import toyfaces

app = typer.Typer(no_args_is_help=True, help="Check and pack submissions, cut sheets, draw toy faces.")
app.command("toyfaces")(toyfaces)


@app.command()
def check(
    submission: Annotated[
        Path,
        typer.Argument(parser=options.local("a submission"), metavar="SRC", help="The .tgz that would be handed in."),
    ],
    rules: Annotated[
        str, typer.Option(metavar="hw6|FILE.toml", help="The assignment's rules, or a file of what differs from them.")
    ] = "hw6",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Check a submission: 1,000 images 1.jpg ... 1000.jpg of 64x64, no folder, under 2,000,000 bytes. Exit 1 if not.

    [bold]Examples[/bold]

      ganbench data check submission.tgz

      ganbench data check submission.zip --rules rules.toml
    """
    from ganbench.errors import GanbenchError, GateFailed
    from ganbench.images.rules import Rules
    from ganbench.images.submission import check_submission

    del quiet
    asked = Rules.of(rules)
    if asked is None:
        raise GanbenchError(f"--rules {rules}: there is nothing to check by no rules")
    checks = check_submission(submission, asked)
    if json_output:
        put_json([{"rule": check.what, "ok": check.ok, "found": check.found} for check in checks])
    else:
        for check in checks:
            tell(f"{'ok  ' if check.ok else 'FAIL'} {check.what}: {check.found}")
    broken = [check.what for check in checks if not check.ok]
    if broken:
        raise GateFailed(f"{submission} is not a valid submission: {'; '.join(broken)}")


@app.command()
def pack(
    source: options.SourceArg,
    out: Annotated[
        Path,
        typer.Argument(parser=options.local("a submission"), metavar="OUT.tgz", help="The archive to write."),
    ],
    quality: Annotated[
        int | None, typer.Option(metavar="Q", show_default="the highest that fits", help="JPEG quality 1-95.")
    ] = None,
    max_bytes: Annotated[int, typer.Option(metavar="BYTES", min=1, help="The archive must be smaller.")] = 2_000_000,
    limit: Annotated[
        int | None, typer.Option("--limit", "--first", metavar="N", min=2, help="Use the first N images only.")
    ] = None,
    grid: options.Grid = None,
    pad: options.Pad = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    quiet: options.Quiet = False,
) -> None:
    """Pack 1,000 images as a valid submission, at the best JPEG quality that fits.

    [bold]Examples[/bold]

      ganbench data pack ./generated submission.tgz

      ganbench data pack ./many submission.tgz --first 1000
    """
    from ganbench.images.sources import open_source
    from ganbench.images.submission import pack_submission
    from ganbench.system.outputs import check_outputs

    del quiet
    check_outputs(binary=(out,))
    opened = open_source(source, grid=options.parse_grid(grid), pad=pad, resize=resize, recursive=recursive)
    for text in opened.notes:
        warn(text)
    opened = opened if limit is None else opened.first(limit)
    packed = pack_submission(opened, out, quality=quality, max_bytes=max_bytes)
    how = "files copied unchanged" if packed.quality is None else f"JPEG quality {packed.quality}"
    tell(f"wrote {packed.path}: {packed.size:,} bytes, {how}")


@app.command("slice")
def slice_sheets(
    sheet: Annotated[
        Path,
        typer.Argument(parser=options.local("a sheet"), metavar="SHEET", help="A sheet, or a folder of sheets."),
    ],
    out: Annotated[
        Path,
        typer.Argument(parser=options.local("the folder of images"), metavar="OUT", help="Folder for the images."),
    ],
    grid: Annotated[str, typer.Option(metavar="RxC|guess", help="Rows and columns.")] = "guess",
    pad: options.Pad = None,
    only: Annotated[str, typer.Option(metavar="GLOB", help="Cut only the sheets of a folder with such names.")] = "*",
    force: Annotated[bool, typer.Option("--force", help="Write into OUT although it is not empty.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Cut sheets of tiles into single PNG images, such as those of [bold]stylegan2_pytorch --generate[/bold].

    [bold]Examples[/bold]

      ganbench data slice sheet.png ./images --grid 10x10 --pad 2

      ganbench data slice ./results/default ./images --only 'generated-*-ema.jpg'
    """
    from ganbench.errors import GanbenchError
    from ganbench.images.names import is_image_name, natural_key
    from ganbench.images.sheets import SheetSource
    from ganbench.system.progress import track
    from ganbench.system.storage import atomic_write

    del quiet
    try:
        names = [p.name for p in sheet.iterdir() if is_image_name(p.name) and p.match(only)] if sheet.is_dir() else []
        held = sum(1 for _ in out.iterdir()) if out.exists() else 0
    except OSError as e:
        raise GanbenchError(f"{e.filename}: {e.strerror}; expected a folder that can be read") from e
    sheets = [sheet / name for name in sorted(names, key=natural_key)] if sheet.is_dir() else [sheet]
    if not sheets or not sheets[0].exists():
        raise GanbenchError(f"{sheet}: no sheet there" + (f" that matches {only}" if only != "*" else ""))
    if held and not force:
        raise GanbenchError(f"{out} is not empty; choose another folder or add --force")
    from PIL import Image

    geometry = options.parse_grid(grid) or "guess"
    number = 0
    with track("cutting", len(sheets), unit="sheets") as advance:
        for path in sheets:
            source = SheetSource(path, grid=geometry, pad=pad)
            blank = f", {source.blank} blank at the end left out" if source.blank else ""
            tell(f"{path.name}: {source.geometry}{blank}")
            for index in range(len(source)):
                number += 1
                with atomic_write(out / f"{number}.png") as f:
                    Image.fromarray(source.load(index)).save(f, "PNG")
            advance(1)
    beside = sum(1 for _ in out.iterdir()) - number
    tell(f"wrote {number} images to {out}" + (f", beside {beside} older files" if beside else ""))
