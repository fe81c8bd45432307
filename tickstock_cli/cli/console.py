"""The console on which commands draw their data: standard output, as wide as whatever reads it can take."""

from __future__ import annotations

import os
import re
import sys
from typing import IO, Any, cast

from rich.console import Console

PIPE_COLUMNS = 160
"""Width where there is no terminal: rich's own 80 would cut columns off in a pipe or a file."""


def data_console(stderr: bool = False) -> Console:
    """Return the console for a command's data.

    It is as wide as its terminal, or ``PIPE_COLUMNS`` where it is none; the variable ``COLUMNS`` beats both.

    Parameters
    ----------
    stderr
        Standard output is taken by something else, so draw on standard error.
    """
    console = Console(stderr=stderr)
    if console.is_terminal:
        return console
    console = Console(file=cast(IO[str], Trimmed(sys.stderr if stderr else sys.stdout)))
    if "COLUMNS" not in os.environ:
        console.width = PIPE_COLUMNS
    return console


class Trimmed:
    """A text stream without the blanks that rich fills lines up with: in a pipe or a file they are only in the way.

    Takes whole lines at a time, as a console writes them.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write lines."""
        return self._stream.write(re.sub(" +$", "", text, flags=re.MULTILINE))
