"""Short trainings, healthy and broken in known ways: what benchmarks/doctor.py has judged."""
