"""The benchmark: a grid of variants, seeds and overrides; every cell is trained, sampled, scored and probed."""
