"""A replay that is served while it runs: event log, server, status and control."""
