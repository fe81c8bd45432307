"""Shows how far objects are fetched: the program registers how, because nobody between it and a fetch needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[int, int], object]
"""Called with the bytes that were fetched, and with those of all objects."""
Display = Callable[[int, int], AbstractContextManager[Progress]]
"""Begins to show a fetch of so many objects with so many bytes together."""

_displays: list[Display] = []


@contextmanager
def fetches_shown(display: Display) -> Iterator[None]:
    """Show every fetch of this process by ``display`` within the context."""
    _displays.append(display)
    try:
        yield
    finally:
        _displays.remove(display)


@contextmanager
def shown(objects: int, size: int) -> Iterator[Progress]:
    """Return the progress of a fetch, as it is shown; nothing happens where nobody registered."""
    if not _displays:
        yield lambda done, whole: None  # noqa: ARG005
        return
    with _displays[-1](objects, size) as progress:
        yield progress
