"""Scoring: a source, references and instruments become a scorecard."""
