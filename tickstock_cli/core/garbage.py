"""Keeps Python's garbage collections from objects that stay.

A full collection visits every object of the process while all threads wait. Modules, schemas and compiled kernels are a
hundred thousand permanent objects: visiting them takes longer than the latency limit of an event.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SELDOM = (50_000, 20, 50)
"""Thresholds of the collections of a process that makes and drops many objects, none of them in cycles."""

LATE = 500_000
"""Limit of new objects before the first collection of a command: all modules of a backtest have fewer."""


def collect_late() -> None:
    """Put off the first garbage collection of a process until its modules are loaded; then collect as usual.

    Collections at the usual rate take an eighth of the time of a short run, and find nothing: what loads, stays.
    """
    usual = gc.get_threshold()
    gc.set_threshold(LATE, *usual[1:])

    def collected(phase: str, info: dict[str, Any]) -> None:  # noqa: ARG001 - as gc calls it
        if phase == "stop":
            gc.callbacks.remove(collected)
            gc.set_threshold(*usual)

    gc.callbacks.append(collected)


def freeze_gc() -> None:
    """Run a collection, then exclude all present objects of the process from later collections."""
    gc.collect()
    gc.freeze()


def unfreeze_gc() -> None:
    """Include all objects in later collections again."""
    gc.unfreeze()


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Collect seldom within the context, and leave all present objects out.

    Encoding rows as objects makes dozens of them a row: collections at the usual rate take a third of its time.
    """
    freeze_gc()
    before = gc.get_threshold()  # the usual ones, now that there was a collection
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        unfreeze_gc()


@contextmanager
def no_gc() -> Iterator[None]:
    """Make no collection within the context: for making many objects, all of which stay, at once."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
