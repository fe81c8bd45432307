"""A replay that is served while it runs: event log, server, and what it takes to watch and steer it."""
