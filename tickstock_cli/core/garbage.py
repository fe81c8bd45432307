"""Excludes permanent objects from Python's garbage collections while a market runs.

A full collection visits every object of the process while all threads wait. Modules, schemas and compiled kernels are a
hundred thousand permanent objects: visiting them takes longer than the latency limit of an event.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (50_000, 20, 50)
"""Thresholds of the collections of a process that makes and drops many objects, none of them in cycles."""


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
    before = gc.get_threshold()
    freeze_gc()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        unfreeze_gc()
