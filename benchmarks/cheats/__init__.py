"""A cheating student's kit: what benchmarks/attacks.py hands in, and how it is judged."""
