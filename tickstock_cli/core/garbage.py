"""What Python's garbage collector must look through while a market runs, and what it need not.

A full collection walks every object of the process with all threads waiting. Modules, schemas and compiled kernels are
a hundred thousand objects that stay to the end: walking them takes longer than an event may take on its way.
"""

from __future__ import annotations

import gc


def freeze_gc() -> None:
    """Take everything that is in memory now out of later collections, after a last one. For the whole process."""
    gc.collect()
    gc.freeze()


def unfreeze_gc() -> None:
    """Have later collections look through everything again."""
    gc.unfreeze()
