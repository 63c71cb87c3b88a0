"""``ganbench grade export``, and ``ganbench grade answer``, which the exported programs call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import tell
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.grade.alone import Judged
    from ganbench.grade.config import ClassConfig

GRADESCOPE, CODABENCH = "gradescope", "codabench"
Platform = Annotated[str, typer.Argument(metavar=f"{GRADESCOPE}|{CODABENCH}", help="For which platform.")]


def export(
    platform: Platform,
    config: Annotated[
        Path,
        typer.Option(
            "--config", parser=options.local("the file of a class"), metavar="F", help="What the class is graded by."
        ),
    ],
    output: Annotated[
        Location,
        typer.Option(
            "--output", "-o", parser=options.place, metavar="FILE", help="The .zip to write, at a path or URL."
        ),
    ],
    image: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Codabench: the Docker image in which it judges; the bundle has its Dockerfile."
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write an autograder for Gradescope, or a competition bundle for Codabench, that judges as the public board does.

    It holds the code, the networks, the rules and the references, and needs no network when it judges. The roster and
    the private board stay here.

    [bold]Examples[/bold]

      ganbench grade export gradescope --config class.toml -o autograder.zip

      ganbench grade export codabench --config class.toml --image you/ganbench:1 -o bundle.zip
    """
    from ganbench.errors import GanbenchError
    from ganbench.grade.config import load_class
    from ganbench.grade.export_codabench import export_codabench
    from ganbench.grade.export_gradescope import export_gradescope
    from ganbench.grade.run import plans_of
    from ganbench.system.outputs import check_outputs

    del quiet
    _check(platform)
    if (platform == CODABENCH) != (image is not None):
        raise GanbenchError(
            "--image: Gradescope builds an image of its own. Leave it out"
            if image is not None
            else "--image: say what the Docker image is called in which Codabench is to judge, such as you/ganbench:1; "
            "you build it once, from the Dockerfile in the bundle, and push it"
        )
    check_outputs(binary=(output,))
    settings = load_class(config)
    if image is None:
        written = export_gradescope(settings, output)
    else:
        results = plans_of(settings, device="cpu")["public"].results()
        written = export_codabench(settings, output, image, _columns(settings, results))
    tell(f"wrote {output} ({written / 1e6:.1f} MB)")


def answer(
    platform: Platform,
    folder: Annotated[Path, typer.Argument(parser=options.local("the autograder's folder"), metavar="DIR")],
    inputs: Annotated[Path | None, typer.Argument(parser=options.local("the input"), metavar="INPUT")] = None,
    output: Annotated[Path | None, typer.Argument(parser=options.local("the output"), metavar="OUTPUT")] = None,
) -> None:
    """Judge the one submission that a platform has put into a container: what an exported archive calls there."""
    from ganbench.errors import GanbenchError

    _check(platform)
    if platform == GRADESCOPE:
        _answer_gradescope(folder)
    elif inputs is None or output is None:
        raise GanbenchError("codabench: name the folders of the input and of the output")
    else:
        _answer_codabench(folder, inputs, output)


def _answer_gradescope(root: Path) -> None:
    from ganbench import __version__
    from ganbench.grade import export_gradescope as form
    from ganbench.grade.alone import judge
    from ganbench.system.outputs import write_text
    from ganbench.system.text import json_text

    judged = judge(root / form.SUBMISSION, root / form.SOURCE, root / form.REFERENCES)
    columns = _columns(judged.graded.config, judged.graded.public)
    write_text(root / form.RESULTS, json_text(form.to_results(judged, columns, __version__)))


def _answer_codabench(program: Path, inputs: Path, output: Path) -> None:
    from ganbench.grade import export_codabench as form
    from ganbench.grade.alone import judge
    from ganbench.system.outputs import write_text
    from ganbench.system.text import json_text

    judged = judge(inputs / "res", program, inputs / "ref", passed_over=form.PASSED_OVER)
    write_text(output / form.PAGE, _page(judged))
    write_text(
        output / form.SCORES, json_text(form.to_scores(judged, _columns(judged.graded.config, judged.graded.public)))
    )


def _page(judged: Judged) -> str:
    """Return the student's page of feedback."""
    import tempfile

    from ganbench.grade.parcel import STUDENT
    from ganbench.report.grading import STUDENTS, write_pages

    with tempfile.TemporaryDirectory(prefix="ganbench-") as folder:
        write_pages(judged.graded, folder)
        return (Path(folder) / STUDENTS / f"{STUDENT}.html").read_text("utf-8")


def _columns(config: ClassConfig, results: Mapping[str, str]) -> dict[str, str]:
    """Return the results that are columns, that ranked by first, with their directions.

    Args:
        config: the class.
        results: those of its public board with their directions.
    """
    from ganbench.leaderboard.choice import choose

    choice = choose(results, config.public.sort, config.public.columns)
    return {name: results[name] for name in choice.shown(results) if results[name] != "none"}


def _check(platform: str) -> None:
    from ganbench.errors import UnknownName
    from ganbench.registry import did_you_mean

    if platform not in (GRADESCOPE, CODABENCH):
        known = [GRADESCOPE, CODABENCH]
        raise UnknownName(f"unknown platform {platform!r}: {' or '.join(known)}.{did_you_mean(platform, known)}")
