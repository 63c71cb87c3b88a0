"""Fixtures shared by all tests."""

from __future__ import annotations

import functools
import gc
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if "PYTEST_XDIST_WORKER" in os.environ:  # before NumPy and PyTorch are imported
    # Threads of several processes on the same cores spend most of their time waiting for each other.
    _threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ.setdefault("OMP_NUM_THREADS", str(_threads))

import numpy as np
import pytest
from PIL import Image
from waiting import wait_for

from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions

pytest_plugins = [  # what several files share, made when a test asks for it
    "s3_server", "bench_fixtures", "scoring_fixtures", "report_fixtures", "reference_files", "export_fixtures",
]  # fmt: skip

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

    from ray_cluster import TwoNodes


def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Not mktemp for each home: it looks through all folders that were made before, and there are thousands.
    homes = tmp_path_factory.getbasetemp() / "ganbench-homes"
    homes.mkdir(exist_ok=True)
    return homes


def _make_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new home for ganbench, with the exported networks that all tests of a run share."""
    home = Path(tempfile.mkdtemp(dir=_homes(tmp_path_factory)))
    exports = tmp_path_factory.getbasetemp().parent / "exported-networks"
    exports.mkdir(exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "onnx").symlink_to(exports, target_is_directory=True)
    return home


@pytest.fixture(scope="session", autouse=True)
def _home_of_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give what is made for many tests a home too: it is made before that of the first of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANBENCH_HOME", str(_make_home(tmp_path_factory)))
        yield


@pytest.fixture(autouse=True)
def ganbench_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own assets and caches, so that nothing on the machine can make it pass.

    Only exported networks are shared within one run: an export takes seconds, and its files are checked when read.
    """
    home = _make_home(tmp_path_factory)
    monkeypatch.setenv("GANBENCH_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return what makes homes, for processes that fixtures of many tests start."""
    return functools.partial(_make_home, tmp_path_factory)


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return random weights of Inception in a file that all tests of a run share, and with it the exported network."""
    from random_inception import write_weights

    path = tmp_path_factory.getbasetemp().parent / "inception-weights" / "random.pth"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=path.parent))
        write_weights(beside / path.name).replace(path)
        beside.rmdir()
    return path


@pytest.fixture(scope="session")
def lite0() -> Extractor:
    """Return the lite0 extractor on the CPU."""
    return load_extractor("lite0", BuildOptions(device="cpu"))


def pytest_collection_finish() -> None:
    """Leave what all imports made out of every later search for garbage: a tenth of the time went there."""
    gc.collect()
    gc.freeze()


# What takes long to make and is then shared: words in a test's file that ask for it. Each process would make its own.
_SHARED = {"processes": r"\b(forkserver|warm|whole_bench|s3)\b", "page": r"\bmade_page\b"}


@functools.cache
def _group_of(file: Path) -> str | None:
    text = file.read_text("utf-8")
    for name, word in _SHARED.items():
        if re.search(word, text):
            return name
    return file.stem if 'scope="module"' in text else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process of pytest-xdist run all tests that share something; the largest groups come first.

    They share the Ray cluster (told by ``cluster`` in the names of file, function or parameters, since tests of the
    examples start one too), the process that others are copies of, the S3 server, or what their file makes once. All
    other tests go wherever there is room.
    """
    from xdist.scheduler import LoadScopeScheduling

    class InGroups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = config.rootpath / nodeid.partition("::")[0]
            return "cluster" if "cluster" in nodeid else _group_of(file) or nodeid

    return InGroups(config, log)


@pytest.fixture(scope="session")
def ray_cluster(forkserver: ForkServerContext) -> Iterator[TwoNodes]:
    """Return a cluster of two one-core nodes, which all tests of a run share; started when the first one asks.

    What speaks with it for this process has Ray imported already.
    """
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ganbench[ray]'")
    from ray_cluster import TwoNodes

    cluster = TwoNodes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganbench.system.ray_workers.CONTEXT", forkserver)
        yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def forkserver() -> ForkServerContext:
    """Return what starts processes of their own in milliseconds."""
    from forkserver import context

    return context()


@pytest.fixture(scope="session")
def warm(forkserver: ForkServerContext) -> Iterator[list[str]]:
    """Return the words that stand for ``ganbench``, as a process of its own that starts in milliseconds."""
    import warm as command

    with tempfile.TemporaryDirectory() as folder:  # a short path, as sockets want it
        place = str(Path(folder) / "s")
        server = forkserver.Process(target=command.serve, args=(place,))
        server.start()
        wait_for(Path(place).exists)
        yield [sys.executable, "-SE", command.__file__, place]
        server.kill()
        server.join()


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
