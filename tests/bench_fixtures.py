"""What the tests of the bench share: small faces, and a bench that ran through undisturbed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench_processes import bench
from PIL import Image
from waiting import wait_for_end

from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference
from ganbench.toyfaces import toyfaces

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext


@pytest.fixture(scope="session")
def bench_faces(tmp_path_factory: pytest.TempPathFactory, lite0: Extractor) -> tuple[Path, Path]:
    """Return a folder of small toy faces and a reference of them."""
    folder = tmp_path_factory.mktemp("faces")
    for i, (_, image) in enumerate(toyfaces(24, size=32, seed=3), 1):
        Image.fromarray(image).save(folder / f"{i}.png")
    file = tmp_path_factory.mktemp("reference") / "faces.npz"
    Reference.build(open_source(folder), lite0, name="faces").save(file)
    return folder, file


@pytest.fixture(scope="session")
def whole_bench(
    forkserver: ForkServerContext,
    bench_faces: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
    new_home: Callable[[], Path],
) -> Path:
    """Return the folder of a bench that ran through; no test writes into it."""
    home, out = new_home(), tmp_path_factory.mktemp("whole")
    child = forkserver.Process(target=bench, args=(str(home), *map(str, bench_faces), str(out), {}))
    child.start()
    wait_for_end(child)
    assert child.exitcode == 0
    return out
