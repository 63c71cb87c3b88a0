"""The fault campaigns: hostile, odd and unlucky input, made from a seed; ``benchmarks/faults.py`` is their door."""
