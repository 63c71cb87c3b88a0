"""The documentation is true: commands parse, options exist, links resolve, worked examples and scripts run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from forkserver import run_script
from waiting import wait_for_end

from ganbench.cli.app import app

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "reference_stats/README.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "detectors").rglob("*.md")),
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LOOPS = {"gradnorm_lightning.py": "lightning", "gradnorm_accelerate.py": "accelerate", "gradnorm_ignite.py": "ignite"}
OPTION = re.compile(r"--[a-z][a-z-]*|-o\b")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return (language, text) of every fenced block."""
    return BLOCK.findall(page.read_text("utf-8"))


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text("utf-8"))


def commands() -> dict[tuple[str, ...], object]:
    """Return every command of the app that does something, by its words."""
    found = {}

    def walk(command: object, words: tuple[str, ...]) -> None:
        if hasattr(command, "commands"):
            for name, part in command.commands.items():
                walk(part, (*words, *name.split()))
        else:
            found[words] = command

    walk(typer.main.get_command(app), ())
    return found


COMMANDS = commands()


def find(words: list[str]) -> tuple[object, list[str]]:
    """Return the command that a command line calls, and its arguments."""
    for length in (2, 1):
        if tuple(words[:length]) in COMMANDS:
            return COMMANDS[tuple(words[:length])], words[length:]
    raise AssertionError(f"no such command: ganbench {' '.join(words)}")


def options_of(command: object) -> set[str]:
    return {text for p in command.params for text in (*p.opts, *p.secondary_opts) if text.startswith("-")} - {"--help"}


def command_lines(page: Path) -> list[list[str]]:
    """Return the arguments of every ``ganbench ...`` that a page tells to type."""
    lines = []
    for language, text in blocks(page):
        if language in ("", "sh", "bash", "console"):
            for line in text.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if "ganbench" in words[:6] and not line.startswith("#"):
                    lines.append(words[words.index("ganbench") + 1 :])
    return lines


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_shown_parses(page: Path) -> None:
    for words in command_lines(page):
        if words != ["--version"]:
            command, arguments = find(words)
            command.make_context("ganbench", arguments).close()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_a_page_that_names_all_its_options(words: tuple[str, ...]) -> None:
    page = DOCS / "commands" / f"{words[0]}.md"
    text = page.read_text("utf-8")
    assert f"ganbench {' '.join(words)}" in text
    named = {option for span in SPAN.findall(prose(page)) for option in OPTION.findall(span)}
    assert options_of(COMMANDS[words]) - named == set()


@pytest.mark.parametrize("page", sorted((DOCS / "commands").glob("*.md")), ids=name_of)
def test_command_pages_name_only_what_exists(page: Path) -> None:
    mine = [command for words, command in COMMANDS.items() if page.stem in ("README", words[0])]
    assert mine, "a page of no command"
    known = {option for command in mine for option in options_of(command)}
    if page.stem == "README":  # of the root command
        known |= {"--help", "--version", "--verbose", "--install-completion", "--show-completion"}
    for span in SPAN.findall(prose(page)):
        if span.startswith("-"):
            assert set(OPTION.findall(span)) <= known, span
        elif span.startswith("ganbench "):  # of another command
            words = [word for word in span.split()[1:] if not word.startswith("-")]
            if words and words[0].islower():
                assert set(OPTION.findall(span)) - {"--help"} <= options_of(find(words)[0]), span


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_what_is_written(words: tuple[str, ...]) -> None:
    """Rich takes ``[word ...]`` for markup and drops it; typer's ``show_default`` is the way to state a default."""
    command = COMMANDS[words]
    texts = [command.help, *(getattr(p, "help", None) for p in command.params)]
    for text in texts:
        rest = re.sub(r"\[/?bold\]", "", text or "")
        assert re.search(r"(?<!\\)\[[a-z/]", rest) is None, rest


@pytest.mark.slow
def test_no_help_loads_a_heavy_library() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom ganbench.cli.app import app\n"
        f"for words in {list(COMMANDS)!r}:\n"
        "    assert CliRunner().invoke(app, [*words, '--help']).exit_code == 0, words\n"
        "heavy = {'torch', 'cv2', 'onnxruntime', 'scipy', 'pandas', 'matplotlib', 'PIL', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target), link


def headings(page: Path) -> set[str]:
    """Return the anchors that a page's headings get on the usual hosts of Markdown."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_index_leads_to_every_page() -> None:
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(prose(DOCS / "README.md"))}
    pages = {page.resolve() for page in [*DOCS.glob("*.md"), DOCS / "commands" / "README.md"]}
    assert pages - linked - {(DOCS / "README.md").resolve()} == set()
    commands_index = prose(DOCS / "commands" / "README.md")
    assert all(f"]({words[0]}.md)" in commands_index for words in COMMANDS)


def run(script: Path, folder: Path, forkserver: ForkServerContext) -> None:
    """Run a script in a folder, in a process of its own."""
    said = folder / "said.txt"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    child = forkserver.Process(target=run_script, args=(script, folder, said, environment))
    child.start()
    wait_for_end(child)
    assert child.exitcode == 0, said.read_text("utf-8", "replace")[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=name_of)
def test_example_scripts_run(script: Path, tmp_path: Path, forkserver: ForkServerContext) -> None:
    if (package := LOOPS.get(script.name)) is not None:
        pytest.importorskip(package, reason="not installed: pip install 'ganbench[dev]'")
    run(script, tmp_path, forkserver)


@pytest.mark.slow
def test_the_tour_runs_from_top_to_bottom(tmp_path: Path, forkserver: ForkServerContext) -> None:
    # The other notebook: test_hw6.py.
    cells = json.loads((ROOT / "examples" / "tour.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code
    (tmp_path / "notebook.py").write_text("\n".join(code), "utf-8")
    run(tmp_path / "notebook.py", tmp_path, forkserver)


@pytest.mark.parametrize("notebook", sorted((ROOT / "examples").glob("*.ipynb")), ids=name_of)
def test_notebooks_are_small(notebook: Path) -> None:
    assert notebook.stat().st_size < 200_000
