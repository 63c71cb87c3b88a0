"""Perceptual path length: the trimmed mean, walks whose length is known, and the command on real networks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.diagnostics.path_length import path_length
from ganbench.errors import GanbenchError, MetricError
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_for_floats
from ganbench.features.spec import BuildOptions
from ganbench.metrics.path_length import ppl
from ganbench.models import dcgan, stylegan2
from ganbench.models.draw import Draw
from ganbench.models.walk import lerp, slerp, walk_of
from ganbench.statistics.paths import PathSet

OWN = '''
import torch

class Line(torch.nn.Module):
    """Images that are a linear map of their latents: two grays, one per half of the image."""

    latent = 2

    def forward(self, z):
        top, bottom = (z[:, i, None, None, None].expand(-1, 3, 4, 8) / 100 for i in range(2))
        return torch.cat([top, bottom], 2)

class Styled(Line):
    def map(self, z):
        return 5 * z

    def synthesise(self, w):
        return self(w)

class Bare(torch.nn.Module):
    def forward(self, z):
        return z

class Broken(Line):
    def forward(self, z):
        raise ValueError("no such thing")

class Sideways(Line):
    def forward(self, z):
        return z

class Halves(torch.nn.Module):
    """Features: the mean grey of both halves of an image."""

    input_size = 8
    name = "halves"

    def forward(self, x):
        return torch.stack([x[:, :, :4].mean((1, 2, 3)), x[:, :, 4:].mean((1, 2, 3))], 1)

def nothing():
    return 3
'''


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_walks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_walks", raising=False)  # of another test's folder
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_mean_is_trimmed_at_both_ends():
    lengths = np.arange(1000.0)
    lengths[-5:] = 1e9
    estimate = ppl(fake=PathSet(lengths))
    kept = lengths[9:991]  # the values at the two percentiles, 9.99 and 989.01, and all between them
    assert estimate.value == pytest.approx(kept.mean())
    assert estimate.n == 1000
    assert estimate.detail == "mean of the 1 to 99 % of paths"
    pulled = stats.mstats.winsorize(lengths, (0.009, 0.009)).data
    half = stats.t.ppf(0.975, 981) * pulled.std(ddof=1) / (0.98 * 1000**0.5)
    assert estimate.high - estimate.value == pytest.approx(half)


def test_the_interval_holds_what_it_promises():
    rng = np.random.default_rng(5)
    draws = rng.lognormal(0, 1, (400, 500))
    truth = ppl(fake=PathSet(rng.lognormal(0, 1, 400_000))).value
    found = [ppl(fake=PathSet(one)) for one in draws]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.9 < held < 0.98


def test_few_paths_are_told_and_one_is_refused():
    assert ppl(fake=PathSet(np.arange(20.0))).warnings == ("only 20 paths: too few to trim any",)
    with pytest.raises(MetricError, match="at least 2 paths, got 1"):
        ppl(fake=PathSet(np.ones(1)))
    for wrong in (np.array([-1.0, 2]), np.array([np.nan, 2]), np.ones((2, 2))):
        with pytest.raises(MetricError, match="finite numbers from 0 up"):
            PathSet(wrong)


def test_points_lie_on_their_lines_and_circles():
    start, end = torch.tensor([[2.0, 0, 0, 0]]), torch.tensor([[0.0, 7, 0, 0]])
    half = torch.tensor([0.5])
    assert lerp(start, end, half).tolist() == [[1, 3.5, 0, 0]]
    torch.testing.assert_close(slerp(start, end, half), 2 * torch.tensor([[0.5**0.5, 0.5**0.5, 0, 0]]))
    torch.testing.assert_close(slerp(start, end, torch.zeros(1)), torch.tensor([[2.0, 0, 0, 0]]))
    torch.testing.assert_close(slerp(start, end, torch.ones(1)), torch.tensor([[0.0, 2, 0, 0]]))


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(("factory", "space"), [("Line", "z"), ("Styled", "w"), ("Styled", "z")])
def test_a_linear_generator_has_a_known_length(factory: str, space: str):
    card = path_length(f"own_walks:{factory}", "own_walks:Halves", count=40, space=space, seed=2)
    stream = Draw(torch.Generator().manual_seed(2), 8)
    expected = []
    for _ in range(5):
        one, other = (stream.normal(2).double() for _ in range(2))
        stream.uniform(1)
        if space == "w":
            expected += (127.5 * 5 / 100 * (other - one)).square().sum(1).tolist()
        else:  # on a circle of radius root 2 the speed is the angle
            angle = torch.acos(torch.nn.functional.cosine_similarity(one, other))
            expected += (127.5 / 100 * 2**0.5 * angle).square().tolist()
    row = card["ppl[halves]"]
    assert row.value == pytest.approx(ppl(fake=PathSet(np.array(expected))).value, rel=2e-2)
    assert row.n == 40
    assert ("straight lines in w" if space == "w" else "great circles in z") in row.protocol
    assert row.protocol.endswith("steps of 0.0001 anywhere on the path; mean of the 1 to 99 % of paths; ppl v1")


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("factory", "why"),
    [
        ("own_walks:Bare", "latent must be the length of its latents, not None"),
        ("own_walks:Broken", r"the generator own_walks:Broken fails in own_walks.py, line 26: ValueError: no such"),
        ("own_walks:Sideways", r"made \(16, 2\) of 16 latents, not images"),
        ("own_walks:nothing", "returned int, not a torch.nn.Module"),
        ("own_walks:OTHER", "has no 'OTHER'"),
        ("elsewhere.pth", "no such run or file"),
    ],
)
def test_what_is_no_generator_is_refused_in_one_line(factory: str, why: str):
    with pytest.raises(GanbenchError, match=why):
        path_length(factory, "own_walks:Halves", count=16)


@pytest.mark.usefixtures("own")
def test_the_seed_decides_the_paths_and_the_batch_does_not():
    first = path_length("own_walks:Line", "own_walks:Halves", count=21, batch=1).rows[0].value
    assert path_length("own_walks:Line", "own_walks:Halves", count=21, batch=3).rows[0].value == pytest.approx(first)
    assert path_length("own_walks:Line", "own_walks:Halves", count=21, seed=1).rows[0].value != first
    at_end = path_length("own_walks:Line", "own_walks:Halves", count=21, sampling="end").rows[0]
    assert "at the start of the path" in at_end.protocol


@pytest.mark.parametrize("network", [dcgan.Generator(32, 8, 4), stylegan2.Generator(32, 16, 2, 8, 2)])
def test_a_walk_starts_at_the_images_of_its_latents(network: torch.nn.Module):
    with torch.no_grad():
        network.eval()
        walk = walk_of(network)
        assert walk.space == ("w" if isinstance(network, stylegan2.Generator) else "z")
        ends = walk.draw(Draw(torch.Generator().manual_seed(1), 3))
        inputs = network.inputs(Draw(torch.Generator().manual_seed(1), 3))
        at_start = walk.images(ends, torch.zeros(3))
        if walk.space == "z":  # on the sphere of the usual length
            inputs = (8**0.5 * torch.nn.functional.normalize(inputs[0]), *inputs[1:])
        torch.testing.assert_close(at_start, network(*inputs), atol=1e-5, rtol=1e-4)
        assert not torch.allclose(walk.images(ends, torch.full((3,), 0.5)), at_start)
    if walk.space == "z":
        with pytest.raises(GanbenchError, match="has no space W"):
            walk_of(network, "w")
    with pytest.raises(GanbenchError, match="unknown space 'x'"):
        walk_of(network, "x")


@pytest.mark.slow
def test_whole_grey_levels_have_the_extractors_own_features(lite0: Extractor, rng: np.random.Generator):
    images = rng.integers(0, 256, (3, 24, 32, 3), np.uint8)
    between = load_for_floats("lite0", BuildOptions(device="cpu"))
    assert between.spec == lite0.spec
    floats = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    np.testing.assert_allclose(between(floats), lite0(images)[0], atol=2e-4)
    moved = between(floats + 1e-3)  # less than any grey level
    assert 0 < np.abs(moved - between(floats)).max() < 1e-2


@pytest.mark.slow
@pytest.mark.usefixtures("own")
def test_the_command_measures_a_file_and_writes_a_scorecard(tmp_path: Path):
    torch.manual_seed(0)
    torch.save(dcgan.Generator(32, 8, 4).state_dict(), tmp_path / "G.pth")
    run = CliRunner().invoke
    out = tmp_path / "card.json"
    result = run(app, ["ppl", "G.pth", "--features", "own_walks:Halves", "--count", "120", "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert "ppl[halves]" in result.output
    assert "120 paths of G.pth" in result.output
    card = ganbench.Scorecard.from_json(out)
    row = card["ppl"]
    assert row.low <= row.value <= row.high
    assert card.source["image_size"] == [32, 32]
    printed = run(app, ["ppl", "G.pth", "--features", "own_walks:Halves", "--count", "120", "--json", "-"])
    assert json.loads(printed.stdout)["results"][0]["value"] == row.value
    for wrong in (["--sampling", "half"], ["--epsilon", "0"], ["--space", "w"], ["--truncation", "2"]):
        assert run(app, ["ppl", "G.pth", "--features", "own_walks:Halves", *wrong]).exit_code != 0


def test_images_have_no_paths(image_folder: Path):
    with pytest.raises(GanbenchError, match="ppl is measured on a generator, not on images: ganbench ppl RUN"):
        ganbench.score(image_folder, metrics=["ppl"])
