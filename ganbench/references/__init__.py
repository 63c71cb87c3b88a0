"""References: statistics of real images, computed once and scored against."""
