"""The US stocks feed of Polygon, now Massive: its wire format, a client, and a server that plays the vendor.

==================  ================================================================================================
``wire``            frames to columns of recorded rows (``core.recording_schema``)
``messages``        frames to messages, plain and odd ones
``conditions``      condition ids of trades to flags
``encode``          columns of recorded rows to events of the wire
``losses``          what of a recording cannot survive the wire
``subscriptions``   items that are asked for, and their acknowledgements
``connection``      the states of one connection, reconnects and gaps
``deduplication``   trades that are repeated after a reconnect
``source``          the rows of the feed as a source of a run
``server``          the vendor, played from a recording, with the faults of ``faults``
``relay``           rows of a feed for local clients, in the vendor's format, with ``relay_server``
``params``          the settings
==================  ================================================================================================

The modules above ``subscriptions`` are pure functions: they open no socket and read no clock.
"""
