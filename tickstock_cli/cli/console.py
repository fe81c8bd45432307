"""The console on which commands draw their data: standard output, as wide as whatever reads it can take."""

from __future__ import annotations

import os

from rich.console import Console

PIPE_COLUMNS = 160
"""Width where there is no terminal: rich's own 80 would cut columns off in a pipe or a file."""


def data_console(stderr: bool = False) -> Console:
    """Give the console for a command's data.

    It is as wide as its terminal, or ``PIPE_COLUMNS`` where it is none; the variable ``COLUMNS`` beats both.

    Parameters
    ----------
    stderr
        Standard output is taken by something else, so draw on standard error.
    """
    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_COLUMNS
    return console
