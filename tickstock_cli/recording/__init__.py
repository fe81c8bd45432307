"""The recording of live runs: rows and events as they came, in a folder that replays to the same events."""
