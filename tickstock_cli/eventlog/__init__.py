"""The event log: events with sequence numbers 1, 2, 3 … that any number of consumers read at their own pace.

    append ─▶ open blocks ─▶ closed blocks ─▶ (memory bound) dropped               writer.py
                 │ at once        │ when full
                 ▼                ▼
              journal          segments ─▶ (retention) deleted                     journal.py, segments.py
                                  │
    read ◀─ state ◀───────────────┘ through a small cache                          view.py

A consumer keeps its own cursor, a sequence number; the log keeps no list of consumers. See ``docs/event-log.md``.
"""
