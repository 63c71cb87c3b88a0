"""``ganbench assets list | fetch | add | verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import put_json, tell
from ganbench.system.location import Location, told_as
from ganbench.system.text import pad

app = typer.Typer(no_args_is_help=True, help="Files that ganbench uses and cannot ship: detector cascade, Inception.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="An asset; see [bold]ganbench assets list[/bold].")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _states() -> list[dict[str, str]]:
    from ganbench.errors import AssetError
    from ganbench.system.assets import ASSETS, find

    states = []
    nowhere = "nowhere yet: there is no home folder; set GANBENCH_HOME"
    for asset in ASSETS.values():
        try:
            path = find(asset.name)
            state = "absent" if path is None else "ok"
        except AssetError as e:
            path, state = asset.path, str(e)
        states.append(
            {
                "name": asset.name,
                "state": state,
                "path": str(path or next(iter(asset.places()), nowhere)),
                "what": asset.what,
                "licence": asset.licence,
                "sha256": asset.sha256,
                "url": asset.urls[0],
            }
        )
    return states


@app.command("list")
def list_assets(json_output: Json = False, quiet: options.Quiet = False) -> None:
    """List assets, whether they are installed, and where.

    [bold]Example[/bold]

      ganbench assets list
    """
    del quiet
    states = _states()
    if json_output:
        put_json(states)
        return
    for s in states:
        tell(f"{pad(s['name'], 22)} {pad(s['state'], 8)} {s['what']} ({s['licence']})", f"{'':31} {s['path']}")


@app.command()
def fetch(name: Name, quiet: options.Quiet = False) -> None:
    """Download an asset from its public address; a download that was cut off goes on where it stopped.

    [bold]Example[/bold]

      ganbench assets fetch inception
    """
    from ganbench.system.assets import fetch as fetch_asset

    del quiet
    tell(f"{name}: {fetch_asset(name)}")


@app.command()
def add(
    name: Name,
    path: Annotated[
        Location,
        typer.Argument(parser=Location.of, metavar="PATH|URL", help="A copy of the file; it is checked."),
    ],
    quiet: options.Quiet = False,
) -> None:
    """Install an asset from a file that you have.

    [bold]Example[/bold]

      ganbench assets add lbpcascade_animeface ~/Downloads/lbpcascade_animeface.xml
    """
    from ganbench.system.assets import add as add_asset

    del quiet
    with told_as(path, local := path.fetched()):
        tell(f"{name}: {add_asset(name, local)}")


@app.command()
def verify(json_output: Json = False, quiet: options.Quiet = False) -> None:
    """Check the hash of every installed asset; exit 1 if one is damaged.

    [bold]Example[/bold]

      ganbench assets verify
    """
    from ganbench.errors import GateFailed

    del quiet
    states = _states()
    if json_output:
        put_json(states)
    else:
        for s in states:
            tell(f"{pad(s['name'], 22)} {s['state']}")
    damaged = [s["name"] for s in states if s["state"] not in ("ok", "absent")]
    if damaged:
        raise GateFailed(f"damaged: {', '.join(damaged)}")
