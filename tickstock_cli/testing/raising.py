"""Checks for an expected error, without a test framework."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raises(expected: type[BaseException], words: str) -> Iterator[None]:
    """Fail unless the block raises an error of this class whose message is one line that holds ``words``."""
    try:
        yield
    except expected as error:
        message = str(error)
        assert words in message, f"the message {message!r} must hold {words!r}"
        assert "\n" not in message, f"the message {message!r} must be one line"
    else:
        raise AssertionError(f"{expected.__name__} was not raised; it should say {words!r}")
