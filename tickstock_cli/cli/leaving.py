"""Restores the terminal before the process ends without leaving its contexts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_restorers: list[Callable[[], object]] = []


@contextmanager
def restored(restore: Callable[[], object]) -> Iterator[None]:
    """Let ``restore_all`` call a function, in any thread, as long as the context lasts."""
    _restorers.append(restore)
    try:
        yield
    finally:
        _restorers.remove(restore)


def restore_all() -> None:
    """Restore what is still changed, the latest change first; an error in one hinders no other."""
    for restore in reversed(_restorers):
        with suppress(Exception):
            restore()
