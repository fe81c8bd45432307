"""Inspection of recordings: their content, their faults, and how a replay reads them."""
