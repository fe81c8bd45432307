"""Excludes permanent objects from Python's garbage collections while a market runs.

A full collection visits every object of the process while all threads wait. Modules, schemas and compiled kernels are a
hundred thousand permanent objects: visiting them takes longer than the latency limit of an event.
"""

from __future__ import annotations

import gc


def freeze_gc() -> None:
    """Run a collection, then exclude all present objects of the process from later collections."""
    gc.collect()
    gc.freeze()


def unfreeze_gc() -> None:
    """Include all objects in later collections again."""
    gc.unfreeze()
