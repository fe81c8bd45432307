"""Sources: what feeds rows into a run. Recordings are the one that commands know; see docs/add-a-source.md."""
