"""``ganbench recipes``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import put_json, tell, write_documents
from ganbench.cli.train import Overrides, Preset
from ganbench.system.location import Location

app = typer.Typer(no_args_is_help=True, help="The baselines: list them, show one, say how two differ.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_recipes(json_output: Json = False, quiet: options.Quiet = False) -> None:
    """List the variants.

    [bold]Examples[/bold]

      ganbench recipes list
    """
    from ganbench.system.text import pad
    from ganbench.training.recipe import load_recipe, recipe_names

    del quiet
    recipes = [load_recipe(name) for name in recipe_names()]
    if json_output:
        put_json([{"variant": r.variant, "title": r.title, "source": r.source} for r in recipes])
        return
    for recipe in recipes:
        tell(f"{pad(recipe.variant, 16)} {recipe.title}")


@app.command()
def show(
    variant: Annotated[str, typer.Argument(metavar="V", help="A variant or a .toml file.")],
    preset: Preset = "paper",
    overrides: Overrides = None,
    json_output: Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Print a recipe in full, as a run would record it.

    [bold]Examples[/bold]

      ganbench recipes show wgan-gp

      ganbench recipes show wgan --preset cpu --set objective.clip=0.1
    """
    from ganbench.training.recipe import load_recipe

    del quiet
    recipe = load_recipe(variant, preset, overrides or ())
    if json_output:
        put_json(recipe.flat())
    else:
        tell(*recipe.to_toml().splitlines())


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A variant or a .toml file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    preset: Preset = "paper",
    json_output: Json = False,
    markdown: Annotated[
        Location | None, typer.Option(parser=options.place, metavar="F", help="Write a Markdown table; - prints it.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Say how two recipes differ, setting by setting, and why it matters.

    [bold]Examples[/bold]

      ganbench recipes diff dcgan wgan

      ganbench recipes diff wgan-gp wgan-gp-report --json

      ganbench recipes diff dcgan wgan --markdown answer.md
    """
    from ganbench.system.outputs import check_outputs
    from ganbench.system.streams import console
    from ganbench.training.recipe import load_recipe
    from ganbench.training.recipe_diff import diff_recipes
    from ganbench.training.recipe_table import to_markdown, to_table

    del quiet
    check_outputs(markdown)
    differences = diff_recipes(load_recipe(first, preset), load_recipe(second, preset))
    if json_output:
        put_json([asdict(d) for d in differences])
        return
    if markdown is not None:
        for path in write_documents((markdown, lambda: to_markdown(differences, first, second))):
            tell(f"wrote {path}")
        return
    if not differences:
        tell(f"{first} and {second} do not differ")
        return
    screen = console()
    screen.print(to_table(differences, first, second, screen))
