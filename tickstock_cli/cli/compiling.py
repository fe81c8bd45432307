"""Says that kernels are being compiled: the first time a machine runs them, or every time where none can be kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tickstock_cli.replay import Request


def say_if_new(name: str, check: Callable[[], object], *, end: str = "\n") -> bool:
    """Say that kernels will be compiled, if no former run left ``module.function`` as it is now; tells whether it did.

    Parameters
    ----------
    check
        Called first if they will be: raises what would stop the command anyway, so that nobody waits for that.
    """
    from tickstock_cli.kernels.jit import cache_folder, cache_places, is_compiled

    if is_compiled(name):
        return False
    check()
    if cache_folder() is None:
        places = " and ".join(map(str, cache_places()))
        print(
            f"note: kernels cannot be kept once compiled: {places} cannot be written; NUMBA_CACHE_DIR names a folder",
            file=sys.stderr,
        )
    often = "once on this machine" if cache_folder() is not None else "for this run alone"
    print(f"compiling the kernels, {often}…", end=end, file=sys.stderr, flush=True)
    return True


def say_if_compiling(request: Request) -> None:
    """Have every kernel ready before a run, and say so if that means compiling them.

    Raises
    ------
    TickstockError
        The request contradicts itself, or its recordings cannot be read; see ``replay.check``.
    """
    from tickstock_cli.build import settings_model
    from tickstock_cli.replay import check
    from tickstock_cli.warmup import warm_up, warm_up_reading

    fresh = say_if_new("admission.admit_ticks", lambda: check(request), end="")
    begun = perf_counter()
    warm_up(request.settings if request.settings is not None else settings_model()())
    if fresh:
        warm_up_reading()
        print(f" done in {perf_counter() - begun:.0f} s", file=sys.stderr)
