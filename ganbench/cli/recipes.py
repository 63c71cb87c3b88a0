"""``ganbench recipes``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.train import Overrides, Preset

app = typer.Typer(no_args_is_help=True, help="The baselines: list them, show one, say how two differ.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_recipes(json_output: Json = False, quiet: options.Quiet = False) -> None:
    """List the variants.

    [bold]Examples[/bold]

      ganbench recipes list
    """
    from ganbench.training.recipe import load_recipe, recipe_names

    del quiet
    recipes = [load_recipe(name) for name in recipe_names()]
    if json_output:
        typer.echo(
            json.dumps([{"variant": r.variant, "title": r.title, "source": r.source} for r in recipes], indent=2)
        )
        return
    for recipe in recipes:
        typer.echo(f"{recipe.variant:16} {recipe.title}")


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
    typer.echo(json.dumps(recipe.flat(), indent=2) if json_output else recipe.to_toml(), nl=json_output)


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A variant or a .toml file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    preset: Preset = "paper",
    json_output: Json = False,
    markdown: Annotated[Path | None, typer.Option(metavar="F", help="Write a Markdown table; - prints it.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Say how two recipes differ, setting by setting, and why it matters.

    [bold]Examples[/bold]

      ganbench recipes diff dcgan wgan

      ganbench recipes diff wgan-gp wgan-gp-report --json

      ganbench recipes diff dcgan wgan --markdown answer.md
    """
    from rich.console import Console

    from ganbench.system.storage import atomic_write, check_outputs
    from ganbench.training.recipe import load_recipe
    from ganbench.training.recipe_diff import diff_recipes
    from ganbench.training.recipe_table import to_markdown, to_table

    del quiet
    printed = str(markdown) == "-"
    check_outputs(None if printed else markdown)
    differences = diff_recipes(load_recipe(first, preset), load_recipe(second, preset))
    if json_output:
        typer.echo(json.dumps([asdict(d) for d in differences], indent=2))
        return
    if printed:
        typer.echo(to_markdown(differences, first, second), nl=False)
        return
    if markdown is not None:
        with atomic_write(markdown, "w") as f:
            f.write(to_markdown(differences, first, second))
        typer.echo(f"wrote {markdown}")
        return
    if not differences:
        typer.echo(f"{first} and {second} do not differ")
        return
    console = Console(highlight=False)
    console.print(to_table(differences, first, second, console.width))
