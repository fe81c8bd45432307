"""The engine: the pure core, and the drivers that feed it."""
