"""Notice of the moment in which kernels begin to be compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


@contextmanager
def before_compiling(*actions: Callable[[], object]) -> Iterator[list[bool]]:
    """Take the actions before numba compiles its first function; the list is empty until then."""
    compiled: list[bool] = []

    class Compiling(event.Listener):
        def on_start(self, event: Any) -> None:
            del event
            if not compiled:
                compiled.append(True)
                for act in actions:
                    act()

        def on_end(self, event: Any) -> None:
            """Do nothing; the base class asks for it."""

    with event.install_listener("numba:compile", Compiling()):
        yield compiled
