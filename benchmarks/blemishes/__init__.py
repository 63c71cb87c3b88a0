"""Known faults for sets of faces: what benchmarks/explain.py puts into images that had none."""
