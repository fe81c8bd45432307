"""Channels: one for each record type. A channel admits its rows, runs its detectors, and counts rows and events."""
