"""Prices of a recording in one sequence, and its days."""
