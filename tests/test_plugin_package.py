"""Plug-ins as a stranger writes them: the wheel is installed, and the files of docs/extending.md are all there is.

As single files in the folder of work, and as the package of examples/plugin, by name.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import tomlkit
import torch
from PIL import Image

from ganbench.toyfaces import toyfaces

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "examples" / "plugin"
PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
README = (PLUGIN / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UV = shutil.which("uv", path=str(Path(sys.executable).parent))

# One process for many commands: most of the time of each is that of importing PyTorch.
DRIVER = """
import contextlib, io, json, sys
from ganbench.cli.app import main

printed = []
for words in json.load(sys.stdin):
    sys.argv = ["ganbench", *words]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main()
        except SystemExit as e:
            if e.code:
                sys.exit(f"ganbench {' '.join(words)}: exit code {e.code}\\n{out.getvalue()}")
    printed.append(out.getvalue())
json.dump(printed, sys.stdout)
"""


def files_of_the_page() -> dict[str, str]:
    """Return the files that the page shows, by their names."""
    found = {}
    for _, text in BLOCK.findall(PAGE):
        head, _, body = text.partition("\n")
        if re.fullmatch(r"# \S+\.\w+", head):
            assert head[2:] not in found, head
            found[head[2:]] = body
    return found


def commands_of(text: str) -> list[list[str]]:
    """Return the arguments of every ``ganbench ...`` in a page's blocks."""
    lines = [line for language, block in BLOCK.findall(text) if not language for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("ganbench ")]


def test_the_page_shows_the_files_of_the_package() -> None:
    shown = files_of_the_page()
    shipped = {path.name: path.read_text("utf-8") for path in (PLUGIN / "ganbench_example").glob("[!_]*.py")}
    assert {name: shown.get(name) for name in shipped} == shipped
    others = {"wgan-gp-5.toml", "lsgan.toml", "residual.toml", "test_mine.py"}
    assert set(shown) - set(shipped) == others


def test_the_page_shows_the_entry_points_of_the_package() -> None:
    (block,) = [text for language, text in BLOCK.findall(PAGE) if language == "toml" and "[project." in text]
    shown = tomlkit.parse(block).unwrap()["project"]["entry-points"]
    project = tomlkit.parse((PLUGIN / "pyproject.toml").read_text("utf-8")).unwrap()["project"]
    assert shown == project["entry-points"]
    names = {name for group in shown.values() for name in group}
    assert all(f"| `{name}` |" in README for name in names)


class Environment:
    """A virtual environment with ganbench from a wheel, that borrows everything else from the one that runs this."""

    def __init__(self, folder: Path, packages: Iterable[Path]) -> None:
        assert UV is not None
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        self._bin = folder / ("Scripts" if os.name == "nt" else "bin")
        site = Path(
            self.run(["python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip()
        )
        # A path in a .pth comes after all that is installed here, and the .pth files there are not followed: the
        # editable ganbench of the outer environment is out of sight.
        (site / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        install = [UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
        subprocess.run([*install, "--python", str(folder), *map(str, packages)], check=True)
        code = "import ganbench, sys; print(ganbench.__file__)"
        assert Path(self.run(["python", "-c", code], folder).strip()).is_relative_to(site)

    def run(self, command: list[str], where: Path, stdin: str = "") -> str:
        """Run a program of the environment, and return what it printed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        program, *arguments = command
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd=where,
            env=kept | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def ganbench(self, commands: list[list[str]], where: Path) -> list[str]:
        """Run commands one after another, and return what each printed."""
        return json.loads(self.run(["python", "-I", "-c", DRIVER], where, json.dumps(commands)))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if UV is None:
        pytest.skip("uv is not in the environment that runs this: make .venv/.ready")
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """ganbench alone."""
    return Environment(tmp_path_factory.mktemp("plain") / "environment", [wheel])


@pytest.fixture(scope="module")
def plugged(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """ganbench, and the package of examples/plugin."""
    return Environment(tmp_path_factory.mktemp("plugged") / "environment", [wheel, PLUGIN])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the page's files and the data that its commands name."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in files_of_the_page().items():
        (folder / name).write_text(text, "utf-8")
    faces = np.stack([image for _, image in toyfaces(72)])
    noise = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    sources = {"generated": faces[:24], "real": faces[24:48], "faces": faces[48:], "not-faces": noise}
    for name, images in sources.items():
        (folder / name).mkdir()
        for number, image in enumerate(images, 1):
            Image.fromarray(image).save(folder / name / f"{number}.png")
    torch.save({"1.weight": torch.rand(64, 768)}, folder / "matrix.pth")
    (folder / "submissions").mkdir()
    for name in ("generated", "real"):
        shutil.make_archive(str(folder / name), "gztar", folder / name)
        (folder / f"{name}.tar.gz").rename(folder / "submissions" / f"{name}.tgz")
    return folder


def shortened(command: list[str], folder: Path) -> list[str]:
    """Return a command of the page as the shell hands it over; training is cut short."""
    words = [word.replace("submissions/*.tgz", "submissions") for word in command]
    at = words.index("submissions") if "submissions" in words else None
    if at is not None:
        words[at : at + 1] = sorted(str(path.relative_to(folder)) for path in (folder / "submissions").iterdir())
    words = ["smoke" if word == "cpu" else word for word in words]
    return [*words, "--steps", "2"] if words[0] == "train" else words


@pytest.mark.slow
def test_every_command_of_the_page_works_with_files_alone(plain: Environment, project: Path) -> None:
    single, package = PAGE.split("## A package")
    assert len(commands_of(package)) == 3  # by name: see below
    commands = [shortened(command, project) for command in commands_of(single) if command[0] != "bench"]
    printed = dict(zip(map(tuple, commands), plain.ganbench(commands, project), strict=True))

    def told(word: str) -> str:
        return " ".join(" ".join(text for words, text in printed.items() if word in words).split())

    assert "one_face[yolo-nano]" in told("one_face:one_face")
    assert "one_face[skin]" in told("skin:Skin")
    assert "skin v1, least 0.2" in told("least=0.2")
    assert "spread[thumbnail]" in told("spread:spread")
    assert "fd[projection]" in told("projection:ENTRY")
    assert "from thumbnail:thumbnail" in told("thumbnail:thumbnail")
    assert "--detector skin:Skin --detector-set least=" in told("calibrate")
    assert "mean (D(fake) - label)^2 / 2" in told("diff")
    assert "spectral = true" in told("residual.toml")
    lines = project / "runs" / "logged" / "logs" / "lines-Lines" / "lines.txt"
    assert lines.read_text("utf-8").endswith("finished\n")
    for run in ("five", "lsgan", "b", "residual"):
        assert (project / "runs" / run / "checkpoint.pt").is_file()


@pytest.mark.slow
def test_the_contracts_on_the_page_hold_and_python_takes_the_same_names(plain: Environment, project: Path) -> None:
    (snippet,) = re.findall(r'`(ganbench\.score\("generated".*?\))`', PAGE)
    tests = "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_mine.py']))"
    code = f"import sys, ganbench, pytest; print({snippet}); {tests}"
    assert "one_face[yolo-nano]" in plain.run(["python", "-I", "-c", code], project)


@pytest.mark.slow
def test_the_package_passes_its_own_tests(plugged: Environment, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "tests", tmp_path / "tests")
    shutil.copy(PLUGIN / "lsgan-residual.toml", tmp_path)
    plugged.run(["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], tmp_path)


@pytest.mark.slow
def test_every_command_of_its_readme_works_by_name(plugged: Environment, tmp_path: Path) -> None:
    shutil.copy(PLUGIN / "lsgan-residual.toml", tmp_path)
    *_, score, leaderboard, train = commands_of(README)
    *_, scored, ranked, trained = plugged.ganbench(commands_of(README), tmp_path)
    assert (score[0], leaderboard[0], train[0]) == ("score", "leaderboard", "train")
    assert all(name in scored for name in ("fd[thumbnail]", "spread[thumbnail]", "one_face[skin]", "least 0.2"))
    assert "Ranked by one_face[skin]" in ranked
    assert "trained runs/lsgan-residual" in trained
    recipe = tomlkit.parse((tmp_path / "runs" / "lsgan-residual" / "recipe.toml").read_text("utf-8")).unwrap()
    assert (recipe["model"]["name"], recipe["objective"]["name"]) == ("residual", "lsgan")
    assert (tmp_path / "runs" / "lsgan-residual" / "logs" / "lines" / "lines.txt").is_file()
    # the console script too, which has no folder of its own on the path
    assert "spread[thumbnail]" in plugged.run(["ganbench", *score], tmp_path)
