"""Looks: what the pixels of one image show in numbers, and what known faults do to these numbers."""
