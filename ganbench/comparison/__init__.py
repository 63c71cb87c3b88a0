"""Comparisons that hold: differences with intervals and p-values between sets of images, scorecards and trainings."""
