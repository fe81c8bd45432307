"""Reports that kernels are being compiled: in the first run on a machine, or in every run without a cache."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tickstock_cli.config.settings import Settings
    from tickstock_cli.replaying import Request


def say_if_new(kernel: Any, check: Callable[[], object]) -> None:
    """Print that kernels will be compiled, unless the cache has this one and all that it calls.

    Parameters
    ----------
    check
        Called first if they will be: raises errors that would stop the command, before the user waits.
    """
    from tickstock_cli.kernels.machine_code import is_compiled

    if not is_compiled(kernel):
        check()
        _say_compiling()
        print(file=sys.stderr)


def say_if_compiling(request: Request) -> None:
    """Load every kernel before a run, and print a message if that compiles them.

    Raises
    ------
    TickstockError
        The request contradicts itself, or its recordings cannot be read; see ``replaying.check``.
    """
    from tickstock_cli.replaying import check

    warm_up_saying_so(request.effective_settings, lambda: check(request))


def warm_up_saying_so(settings: Settings, check: Callable[[], object], also: Callable[[], None] | None = None) -> None:
    """Load every kernel that a run with these settings uses, and print a message if that compiles one.

    Parameters
    ----------
    check
        Called before the first kernel is compiled, if one is: raises errors that would stop the command.
    also
        Loads the kernels that the command needs beside those of a run.
    """
    from tickstock_cli.kernels.compiling import before_compiling
    from tickstock_cli.warmup import warm_up, warm_up_many_files, warm_up_reading

    begun = perf_counter()
    with before_compiling(check, _say_compiling) as compiled:
        warm_up(settings)
        if also is not None:
            also()
        if compiled:
            warm_up_reading()
            warm_up_many_files()
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
