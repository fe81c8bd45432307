"""The live run: a vendor's feed in, events out, and a recording that replays to the same events."""
