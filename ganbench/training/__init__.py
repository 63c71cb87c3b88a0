"""The reference trainer: recipes, objectives, one loop, one checkpoint."""
