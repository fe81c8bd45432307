"""Errors of memory: every library has its own, and none of them is damage of a recording or a bug of ours."""

from __future__ import annotations

import errno

import pyarrow as pa
import pytest

from tickstock_cli.core.memory_errors import error_words, memory_shortage, raise_if_short
from tickstock_cli.errors import DataError, MemoryShortError

REFUSED = [
    (MemoryError(), "the system refuses more"),
    (MemoryError("Unable to allocate 14.7 MiB for an array with shape (80044,)"), "14.7 MiB more were refused"),
    (pa.ArrowMemoryError("malloc of size 1048576 failed"), "1,048,576 bytes more were refused"),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), "the system refuses more"),
    (RuntimeError("can't start new thread"), "the system has no room for a further thread"),
    (
        OSError("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
        "the system has no room for a further thread",
    ),
    (ImportError("libfoo.so: failed to map segment from shared object"), "the system refuses more"),
]


@pytest.mark.parametrize(("error", "asked"), REFUSED)
def test_an_error_of_memory_says_what_was_asked_and_what_to_do(error: Exception, asked: str) -> None:
    """One line, whichever library refused."""
    told = str(memory_shortage(error))

    assert told.startswith(f"memory is short: {asked}; raise the limit (ulimit -v")
    assert "\n" not in told


@pytest.mark.parametrize(("error", "asked"), REFUSED)
def test_an_error_that_memory_caused_is_one_of_memory(error: Exception, asked: str) -> None:
    """A message that calls a file damaged because memory is short sends the user the wrong way."""
    damaged = DataError("cannot read ticks.parquet: it is damaged")
    damaged.__cause__ = error

    assert asked in str(memory_shortage(damaged))
    with pytest.raises(MemoryShortError):
        raise_if_short(damaged)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no such column"),
        OSError(errno.ENOSPC, "No space left on device"),
        DataError("ticks.parquet is out of memory bounds: out of memory"),
        pa.ArrowInvalid("Invalid: Parquet magic bytes not found in footer"),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    """A full disk is no shortage of memory, and a message of ours is not searched for words."""
    assert memory_shortage(error) is None
    raise_if_short(error)
    assert str(error) in error_words(error)
