"""Fixtures shared by all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions

pytest_plugins = ["s3_server", "bench_fixtures"]  # the S3 server and a whole bench, made when a test asks for them

if TYPE_CHECKING:
    from ray_cluster import TwoNodes


def _make_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ganbench-home")
    exports = tmp_path_factory.getbasetemp().parent / "exported-networks"
    exports.mkdir(exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "onnx").symlink_to(exports, target_is_directory=True)
    return home


@pytest.fixture(autouse=True)
def ganbench_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own assets and caches, so that nothing on the machine can make it pass.

    Only exported networks are shared within one run: an export takes seconds, and its files are checked when read.
    """
    home = _make_home(tmp_path_factory)
    monkeypatch.setenv("GANBENCH_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Extractor:
    """Return the lite0 extractor on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANBENCH_HOME", str(_make_home(tmp_path_factory)))
        return load_extractor("lite0", BuildOptions(device="cpu"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process of pytest-xdist run all tests that share the Ray cluster: each would start its own.

    They are told by their names: by ``cluster`` in the file, the function or the parameters.
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneCluster(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "cluster" if "cluster" in nodeid else nodeid

    return OneCluster(config, log)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[TwoNodes]:
    """Return a cluster of two one-core nodes, which all tests of a run share; started when the first one asks."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ganbench[ray]'")
    from ray_cluster import TwoNodes

    cluster = TwoNodes()
    yield cluster
    cluster.stop()


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with a fixed seed."""
    return np.random.default_rng(20260101)


@pytest.fixture
def image_folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Return a folder of twelve smooth 64x64 JPEGs named 1.jpg ... 12.jpg."""
    folder = tmp_path / "generated"
    folder.mkdir()
    for i in range(1, 13):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{i}.jpg", quality=95)
    return folder


@pytest.fixture
def plugin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Go to a folder that holds a loss, networks and a recipe of somebody's own, as a user would who wrote them."""
    import training_plugins as plugins

    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in (
        ("plug_losses.py", plugins.LOSS),
        ("plug_networks.py", plugins.NETWORKS),
        ("plug.toml", plugins.RECIPE),
    ):
        (folder / name).write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield folder
    for name, module in list(sys.modules.items()):
        if str(folder) in str(getattr(module, "__file__", None) or getattr(module, "__path__", "")):
            del sys.modules[name]


@pytest.fixture
def own_instruments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put somebody else's instruments into the current folder, which no console script has on its path."""
    from plugins import PACKAGE, write_package

    write_package(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    yield tmp_path / PACKAGE
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]
