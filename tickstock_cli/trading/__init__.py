"""Orders, fills and books of a strategy, and its figures."""
