"""A page with everything in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import add_pictures, make_card, make_run
from yolo_networks import write_network, yolov8

from ganbench.detectors.registry import load_detector
from ganbench.images.sources import open_source
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.page import make_page
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import Row
from ganbench.toyfaces import write_toyfaces

FD = "fd[lite0]"
AFD = "afd[yolo:net.onnx]"
NAMES = {"wgan-gp-seed0": 100.0, "wgan-gp-seed1": 104.0, "dcgan-seed0": 200.0, "dcgan-seed1": 240.0}
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="session")
def made_page(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Entry], Path]:
    """Return a page with everything in it, its entries, and the folder they are in."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganbench.diagnostics.toy_modes.READABLE", 0.7)  # sixty labelled faces are few
        net = f"yolo:{write_network(folder / 'net.onnx', yolov8())}"
        protocol = load_detector(net).protocol
        write_toyfaces(folder / "real", 60, seed=9)
        paths = []
        for name, value in NAMES.items():
            variant, seed = name.split("-seed")
            card = make_card({FD: (value, value - 3, value + 3), "recall[lite0]": (1 / value, 0, 2 / value), AFD: None})
            card.rows[-1] = Row(AFD, 0.975, 0.9, 0.99, "higher", 40, None, protocol)
            card.warnings.append("fd[lite0]: few images")
            paths.append(make_run(folder / name, variant, int(seed), card))
            add_pictures(folder / name, seed=int(seed) + 20)
        images = np.load(paths[0] / "samples.npz")["images"]
        images[3] = 0  # the network finds nothing in black
        images[5] = open_source(folder / "real").load(7)[:, ::-1]  # a mirrored copy
        np.savez_compressed(paths[0] / "samples.npz", images=images)
        hostile = make_card({FD: (300.0, 299.0, 301.0)}, label=HOSTILE)
        hostile.flags.append(Flag("copied", 1.0, 0.0, f"{HOSTILE} is a copy"))
        hostile.write(json_file=folder / "hostile.json")
        entries = collect([*paths, folder / "hostile.json"], lambda: None)
        entries[-1] = Entry(HOSTILE, folder / "hostile.json", entries[-1].card)
        entries.append(Entry("broken.tgz", Path("broken.tgz"), error="not an archive"))
        page = make_page(
            Leaderboard.of(entries, FD, ["recall", "afd"]),
            real=open_source(folder / "real"),
            published=True,
            detector=net,
        )
    return page, entries, folder
