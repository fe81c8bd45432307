"""Says that kernels are being compiled, the first time a machine runs them."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any


def say_if_new(name: str) -> None:
    """Say on a terminal that kernels will be compiled, if no former run left ``module.function`` as it is now."""
    from tickstock_cli.kernels.jit import is_compiled

    if sys.stderr.isatty() and not is_compiled(name):
        print("compiling kernels, once on this machine…", file=sys.stderr)


def say_if_compiling(settings: Any) -> None:
    """Have every kernel ready before a run, and say so if that means compiling them."""
    from tickstock_cli.kernels.jit import is_compiled
    from tickstock_cli.warmup import warm_up

    fresh = not is_compiled("admission.admit_ticks")
    if fresh:
        print("compiling the kernels, once on this machine…", end="", file=sys.stderr, flush=True)
    begun = perf_counter()
    warm_up(settings)
    if fresh:
        print(f" done in {perf_counter() - begun:.0f} s", file=sys.stderr)
