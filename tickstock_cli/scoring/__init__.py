"""Scores of events against the injected moves of a synthetic market."""
