"""Inspection: what recordings hold, what is wrong with them, and how they will be read."""
