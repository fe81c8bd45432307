"""Says that kernels are being compiled: the first time a machine runs them, or every time where none can be kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tickstock_cli.config.settings import Settings
    from tickstock_cli.replaying import Request


def say_if_new(kernel: Any, check: Callable[[], object]) -> None:
    """Say that kernels will be compiled, if no former run left this one and what it calls as they are now.

    Parameters
    ----------
    check
        Called first if they will be: raises what would stop the command anyway, so that nobody waits for that.
    """
    from tickstock_cli.kernels.machine_code import is_compiled

    if not is_compiled(kernel):
        check()
        _say_compiling()
        print(file=sys.stderr)


def say_if_compiling(request: Request) -> None:
    """Have every kernel ready before a run, and say so if that means compiling them.

    Raises
    ------
    TickstockError
        The request contradicts itself, or its recordings cannot be read; see ``replaying.check``.
    """
    from tickstock_cli.replaying import check

    warm_up_saying_so(request.effective_settings, lambda: check(request))


def warm_up_saying_so(settings: Settings, check: Callable[[], object]) -> None:
    """Have every kernel ready that a run with these settings uses, and say so if that means compiling one.

    Parameters
    ----------
    check
        Called before the first kernel is compiled, if one is: raises what would stop the command anyway.
    """
    from tickstock_cli.kernels.compiling import before_compiling
    from tickstock_cli.warmup import warm_up, warm_up_reading

    begun = perf_counter()
    with before_compiling(check, _say_compiling) as compiled:
        warm_up(settings)
        if compiled:
            warm_up_reading()
    if compiled:
        print(f" done in {perf_counter() - begun:.0f} s", file=sys.stderr)


def _say_compiling() -> None:
    from tickstock_cli.kernels.machine_code import cache_folder, cache_places

    if cache_folder() is None:
        places = " and ".join(map(str, cache_places()))
        print(
            f"note: kernels cannot be kept once compiled: {places} cannot be written; NUMBA_CACHE_DIR names a folder",
            file=sys.stderr,
        )
    often = "once on this machine" if cache_folder() is not None else "for this run alone"
    print(f"compiling the kernels, {often}…", end="", file=sys.stderr, flush=True)
