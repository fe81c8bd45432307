"""Huge pages, which numpy asks for where an array is large.

A replay gains by them. A backtest does not: it makes many large arrays of which little is used, and the system clears
2 MiB for every first touch, a fifth of its processor time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def _setter() -> Callable[[bool], bool]:
    """Return what sets the variable NUMPY_MADVISE_HUGEPAGE, read at numpy's import, later; it returns what was set.

    A version of numpy without it keeps its huge pages.
    """
    module: Any = import_module("numpy._core.multiarray")
    found: Callable[[bool], bool] = getattr(module, "_set_madvise_hugepage", lambda wanted: wanted)
    return found


@contextmanager
def no_huge_pages() -> Iterator[None]:
    """Let new arrays of this process lie in usual pages within the context."""
    set_wanted = _setter()
    before = set_wanted(False)
    try:
        yield
    finally:
        set_wanted(before)
