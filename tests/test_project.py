"""The habits of the project: what its files promise to each other, and to those who join."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomlkit
import yaml

import ganbench

ROOT = Path(__file__).parent.parent
PYPROJECT = tomlkit.parse((ROOT / "pyproject.toml").read_text("utf-8")).unwrap()
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]


def jobs() -> dict[str, dict]:
    return yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]


def made(text: str) -> set[str]:
    """Return the targets that lines or code spans of a text call make for."""
    return set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, re.MULTILINE))


def check(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("*.py")), ids=lambda path: path.name)
def test_no_test_imports_another_test(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert [name for name in imported if name.rpartition(".")[2].startswith(("test_", "conftest"))] == []


@pytest.mark.parametrize(
    ("schema", "file"), [("github-workflows", WORKFLOW), ("citation-file-format", ROOT / "CITATION.cff")]
)
def test_files_for_others_follow_their_schemas(schema: str, file: Path) -> None:
    check("check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file))


def test_what_the_workflow_calls_exists() -> None:
    steps = [step["run"] for job in jobs().values() for step in job["steps"] if "run" in step]
    called = {target for step in steps for target in made(step)}
    assert called == {"lint", "portable", "test", "test-fast", "test-lowest", "docs", "wheel-check"}
    assert called <= TARGETS
    assert all(step.startswith(("make ", "choco install make")) for step in steps)


def test_the_workflow_covers_what_the_package_claims() -> None:
    matrix = jobs()["fast"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert PYPROJECT["project"]["requires-python"] == f">={matrix['python'][0]}"
    assert jobs()["lowest"]["steps"][1]["with"]["python-version"] == matrix["python"][0]
    claimed = [match[1] for c in PYPROJECT["project"]["classifiers"] if (match := re.search(r"Python :: (3\.\d+)$", c))]
    assert claimed
    assert set(claimed) <= set(matrix["python"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_targets_that_exist(page: Path) -> None:
    assert made(page.read_text("utf-8")) <= TARGETS


def test_hooks_use_the_projects_own_tools() -> None:
    check("pre_commit", "validate-config")
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    tools = {hook["entry"].split()[0] for hook in repo["hooks"]}
    assert tools == {".venv/bin/ruff", ".venv/bin/lint-imports", ".venv/bin/mypy"}
    lint = (ROOT / "Makefile").read_text("utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    assert {f".venv/bin/{name}" for name in re.findall(r"\$\(BIN\)/([\w-]+)", lint)} == tools


def test_every_dependency_is_pinned() -> None:
    def name(requirement: str) -> str:
        return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=;]", requirement)[0]).lower()

    pinned = {name(line) for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    groups = PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"].values()
    assert {name(requirement) for group in groups for requirement in group} - pinned == {"ganbench"}


def test_the_citation_names_this_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == ganbench.__version__


def test_contributors_are_told_of_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = {room for layer in layers for room in layer.split(" | ")} - {"__main__"}
    assert [room for room in sorted(rooms) if f"`{room}/`" not in text and f"`{room}.py`" not in text] == []


def test_public_names_are_the_same_for_programs_and_for_type_checkers() -> None:
    assert (ROOT / "ganbench" / "py.typed").is_file()
    assert set(ganbench.__all__) == {"__version__", *ganbench._PUBLIC, *ganbench._ROOMS}
    tree = ast.parse((ROOT / "ganbench" / "__init__.py").read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    rooms = dict.fromkeys(ganbench._ROOMS, "ganbench")
    assert {alias.asname: node.module for node in imports for alias in node.names} == {**ganbench._PUBLIC, **rooms}
    assert all(getattr(ganbench, name) is not None for name in ganbench.__all__)


@pytest.mark.slow
def test_a_type_checker_knows_the_public_names(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import ganbench\n"
        "card = ganbench.score('generated')\n"
        "reveal_type(card)\n"
        "reveal_type(ganbench.open_source('generated').names)\n"
        "reveal_type(ganbench.Reference.load)\n",
        "utf-8",
    )
    said = check("mypy", str(script))  # with the cache that make lint has filled
    assert 'Revealed type is "ganbench.scoring.scorecard.Scorecard"' in said
    assert 'Revealed type is "typing.Sequence[str]"' in said.replace("builtins.", "")
    assert "Any" not in said
