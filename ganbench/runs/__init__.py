"""Facts of one training run: what it has done, how fast, its samples and its scorecard."""
