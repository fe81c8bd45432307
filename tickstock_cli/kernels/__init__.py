"""The hot loops: arrays in, arrays out. Imports numpy and numba only."""
