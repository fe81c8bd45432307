"""The nouns of tickstock: records, events, symbols, times. No files, no sockets, no clocks."""
