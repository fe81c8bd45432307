"""Channels: one a record type. Each admits its rows, runs its detectors over them, and counts both."""
