"""Numbers with their nouns, for sentences."""

from __future__ import annotations

import re

_PLACES = re.compile(r"\{\}|\{([^{}|]*)\|([^{}|]*)\}")


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2_000, "row"), counted(0, "event")
    ('1 row', '2,000 rows', '0 events')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def worded(text: str, *counts: int) -> str:
    """Return a sentence with numbers, and with the words that fit them.

    Parameters
    ----------
    text
        Each ``{}`` stands for one of the counts; ``{row is|rows are}`` for what follows the count before it, of one and
        of others. Braces behind the last count stay as they are: they can be part of a name.

    Examples
    --------
    >>> worded("{} {row waits|rows wait} on disk", 1), worded("{} {row waits|rows wait} on disk", 2_000)
    ('1 row waits on disk', '2,000 rows wait on disk')
    """
    left = iter(counts)
    last: int | None = None

    def fill(place: re.Match[str]) -> str:
        nonlocal last
        if place[0] == "{}":
            last = next(left, None)
            return place[0] if last is None else f"{last:,}"
        return place[0] if last is None else place[1] if last == 1 else place[2]

    return _PLACES.sub(fill, text)
