"""What a model of your own derives from: ``Model``, and its first network from ``Generator``."""

from ganbench.models.generator import Generator
from ganbench.models.model import Model

__all__ = ["Generator", "Model"]
