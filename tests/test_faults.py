"""A short run of every fault campaign, and a look through the package: is there a reader that none of them tries?"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import ganbench
from ganbench.images.decode import _FORMATS, EXTENSIONS
from ganbench.images.sources import ARCHIVES, ARRAYS

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import faults
from campaigns import bombs, containers, images, kills
from campaigns.registry import COMMANDS, READERS, SWEEPS, TRUSTED

PACKAGE = Path(ganbench.__file__).parent
# What parses: functions by their names, methods and functions of modules by the last two parts.
PARSERS = {
    *("wall", "read_text", "read_bytes", "cache_dir", "CascadeClassifier", "InferenceSession", "ZipFile", "GzipFile"),
    *("np.load", "np.loadtxt", "np.genfromtxt", "np.fromfile", "torch.load", "json.load", "json.loads", "pickle.load"),
    *("pickle.loads", "tomlkit.parse", "tomlkit.load", "tomllib.load", "tomllib.loads", "yaml.safe_load", "Image.open"),
    *("tarfile.open", "zipfile.ZipFile", "pd.read_csv", "pd.read_json", "pd.read_parquet", "csv.reader", "cv2.imread"),
    *("csv.DictReader", "onnx.load", "h5py.File", "safetensors.torch.load_file", "ElementTree.parse", "lmdb.open"),
    *("cv2.imdecode", "model_validate_json", "literal_eval", "memmap", "LZMAFile", "BZ2File", "DictReader", "urlopen"),
    *("url_to_fs", "build_opener"),  # what answers at URLs
    *(
        "parse_json",
        "parse_toml",
        "read_tensors",
        "open_tensors",
        "read_reference",
        "read_features",
        "checked",
        "Cache",
    ),  # our doors
}
DEFINE = {"system/storage.py", "system/wall.py"}  # where some of them are defined


def parsers_in(path: Path) -> set[str]:
    """Return which parsers a module calls."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            parts = ast.unparse(node.func).split(".")
            found |= {".".join(parts[-2:]), parts[-1]} & PARSERS
    return found


def test_every_reader_of_the_package_has_a_campaign() -> None:
    modules = {path.relative_to(PACKAGE).as_posix(): parsers_in(path) for path in PACKAGE.rglob("*.py")}
    reading = {name for name, parsers in modules.items() if parsers} - DEFINE
    known = READERS.keys() | TRUSTED.keys()
    forgotten = [f"{name} calls {', '.join(sorted(modules[name]))}" for name in sorted(reading - known)]
    assert forgotten == [], "give it a campaign: READERS in benchmarks/campaigns/registry.py"
    assert sorted(known - reading) == [], "they read nothing any more: READERS, TRUSTED"
    assert READERS.keys() & TRUSTED.keys() == set()
    assert {name for names in READERS.values() for name in names} <= SWEEPS.keys() | COMMANDS.keys()


def test_every_format_that_is_opened_is_tried() -> None:
    assert set(images.seeds()) == set(_FORMATS) == set(images.EXTENSION_OF)
    assert set(images.EXTENSION_OF.values()) <= EXTENSIONS
    assert set(containers.seeds()) == {*ARCHIVES, *ARRAYS}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("images", 60),
        ("containers", 60),
        ("shards", 40),
        ("references", 60),
        ("recipes", 40),
        ("classes", 60),
        pytest.param("weights", 40, marks=pytest.mark.slow),
        pytest.param("onnx", 40, marks=pytest.mark.slow),
        pytest.param("scorecards", 30, marks=pytest.mark.slow),
        pytest.param("runs", 10, marks=pytest.mark.slow),
        pytest.param("caches", 15, marks=pytest.mark.slow),
        ("logs", 60),
        ("remote", 40),
    ],
)
def test_mutants_never_crash_hang_or_change_a_number(name: str, count: int, ganbench_home: Path) -> None:
    found = faults.campaign(name, count, 1, ganbench_home)
    assert found.faults == []
    assert found.tried == count


def test_no_campaign_is_left_out_of_the_short_run() -> None:
    (marked,) = [
        mark for mark in test_mutants_never_crash_hang_or_change_a_number.pytestmark if mark.name == "parametrize"
    ]
    assert {getattr(one, "values", one)[0] for one in marked.args[1]} == SWEEPS.keys()


@pytest.mark.slow
def test_bombs_stay_within_the_memory(ganbench_home: Path) -> None:
    chosen = ("huge images among small ones, score", "zip that lies", "npz that claims", "generator", "deep JSON")
    found = bombs.run(None, 0, ganbench_home, names=chosen, seconds=100)  # an end to what hangs, not a measurement
    assert found.faults == []
    assert found.tried == len(chosen)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills are signals")
def test_a_killed_process_leaves_nothing_behind(ganbench_home: Path) -> None:
    found = kills.run(1, 0, ganbench_home, names=("build",))
    assert found.faults == []
    assert found.tried == 1
