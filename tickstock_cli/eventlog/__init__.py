"""The event log: events with sequence numbers 1, 2, 3 …, which any number of consumers pull at their own pace.

    append ─▶ open blocks ─▶ closed blocks ─▶ (memory bound) gone from memory      writer.py
                 │ at once        │ when full
                 ▼                ▼
              journal          segments ─▶ (retention) deleted                     journal.py, segments.py
                                  │
    read ◀─ snapshot ◀────────────┘ through a small cache                          view.py

A consumer's cursor is a sequence number that the consumer keeps; the log does not know its consumers. See
``docs/event-log.md``.
"""
