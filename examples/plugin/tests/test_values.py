"""What the contracts cannot know: that the numbers are right."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ganbench_example.lsgan import LeastSquares
from ganbench_example.one_face import one_face
from ganbench_example.skin import Skin
from ganbench_example.spread import spread
from ganbench_example.thumbnail import thumbnail

from ganbench.errors import GanbenchError
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.toyfaces import toyfaces
from ganbench.training.recipe import load_recipe
from ganbench.training.trainer import Trainer

RECIPE = Path(__file__).parent.parent / "lsgan-residual.toml"


def test_one_face_counts_images_with_one() -> None:
    found = [(np.zeros((count, 4)), np.ones(count)) for count in (1, 0, 2, 1)]
    assert one_face(fake=DetectionSet.of(found, (64, 64))).value == 0.5


def test_spread_is_a_ratio_of_variances() -> None:
    x = np.random.default_rng(0).normal(size=(400, 8))
    real = FeatureSet.of(x)
    assert spread(real=real, fake=real).value == pytest.approx(1)
    assert spread(real=real, fake=FeatureSet.of(3 * x + 5)).value == pytest.approx(9, rel=1e-5)
    assert spread(real=real, fake=FeatureSet.of(np.repeat(x[:1], 50, axis=0))).value == pytest.approx(0, abs=1e-9)


def test_a_thumbnail_is_the_pixels() -> None:
    features = thumbnail()(torch.full((1, 3, 8, 8), 51.0))
    torch.testing.assert_close(features, torch.full((1, 192), 0.2))


def test_skin_tells_faces_from_noise() -> None:
    faces = np.stack([image for _, image in toyfaces(50)])
    noise = np.random.default_rng(0).integers(0, 256, faces.shape, dtype=np.uint8)
    assert sum(len(found.boxes) for found in Skin().detect(faces)) > 40
    assert sum(len(found.boxes) for found in Skin().detect(noise)) == 0
    assert all(len(found.boxes) == 0 for found in Skin(Skin.Settings(least=0.99)).detect(faces))
    with pytest.raises(GanbenchError, match="expected a number between 0 and 1"):
        Skin.Settings(least=2)


def test_the_loss_of_a_discriminator_that_knows_nothing() -> None:
    objective = LeastSquares(LeastSquares.Settings(real_label=0.9))
    images = torch.zeros(8, 3, 64, 64)
    loss = objective.discriminator_loss(lambda x: x.mean((1, 2, 3)), images, images, 0, None)
    assert float(loss.total) == pytest.approx(0.405)


def test_the_recipe_trains() -> None:
    trainer = Trainer(load_recipe(str(RECIPE), "smoke"), torch.device("cpu"))
    before = [p.clone() for p in trainer.generator.parameters()]
    for _ in range(3):
        trainer.train_step(torch.zeros(16, 64, 64, 3, dtype=torch.uint8))
    assert 0 < trainer.losses()["discriminator_loss"] < 10
    assert any(not torch.equal(a, b) for a, b in zip(before, trainer.generator.parameters(), strict=True))
