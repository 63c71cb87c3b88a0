"""Diagnostics: what happens inside a network while it trains, and which kinds of faces its samples never show."""
