"""A number with its noun, for sentences."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2_000, "row"), counted(0, "event")
    ('1 row', '2,000 rows', '0 events')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
