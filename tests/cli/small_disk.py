"""A disk that takes no large file: events fit as Parquet, and not as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from resource import RLIM_INFINITY, RLIMIT_FSIZE, setrlimit

LARGEST = 100_000
"""Bytes of the largest file."""


@contextmanager
def small_disk(largest: int = LARGEST) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    setrlimit(RLIMIT_FSIZE, (largest, RLIM_INFINITY))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))
