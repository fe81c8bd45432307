"""Bounds on what an error repeats of a request: whoever sends 100 kB of nonsense gets one line back."""

from __future__ import annotations

MAX_SHOWN = 40
"""Most characters of a wrong value or key that an error repeats."""
MAX_MESSAGE = 1_000
"""Most characters of an error's message."""
MAX_TICKER = 64
"""Most characters of a ticker in a request."""


def shortened(text: str, most: int = MAX_SHOWN) -> str:
    """Return ``text``, cut behind ``most`` characters and marked so if it is longer.

    Examples
    --------
    >>> shortened("colour", 3)
    'col…'
    """
    return text if len(text) <= most else f"{text[:most]}…"
