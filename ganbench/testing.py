"""The contracts, as checks that every implementation must pass: ganbench's own and those of other packages.

    from ganbench.features.registry import load_extractor
    from ganbench.testing import check_extractor

    def test_my_features():
        check_extractor(load_extractor("my_features:thumbnail"))

A check raises an ``AssertionError`` that says in one sentence what is wrong; it knows nothing of what the numbers mean.
"""

from ganbench.detectors.contract import check_detector
from ganbench.features.contract import check_extractor
from ganbench.images.contract import check_source
from ganbench.metrics.contract import check_metric
from ganbench.models.contract import check_model
from ganbench.models.objective_contract import check_objective

__all__ = ["check_detector", "check_extractor", "check_metric", "check_model", "check_objective", "check_source"]
