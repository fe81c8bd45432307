"""The performance gate: compares the cost of this version with that of another one, measured in turns."""
