"""Metrics: arrays in, numbers out. Pure NumPy and SciPy; no files, no network, no torch."""
