"""The console for a command's data: standard output, as wide as its terminal, or wide in a pipe."""

from __future__ import annotations

import os
import re
import sys
from typing import IO, Any, cast

from rich.console import Console

PIPE_COLUMNS = 160
"""Width without a terminal: rich's default of 80 would cut columns off in a pipe or a file."""


def data_console(stderr: bool = False) -> Console:
    """Return the console for a command's data.

    It is as wide as its terminal, or ``PIPE_COLUMNS`` without one; the variable ``COLUMNS`` overrides both. At 0, which
    terminals without a size export, nothing would be drawn: it counts as unset.

    Parameters
    ----------
    stderr
        Whether to draw on standard error, because standard output has other data.
    """
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS" or value.strip("0")}
    console = Console(stderr=stderr, _environ=variables)
    if console.is_terminal:
        return console
    console = Console(file=cast(IO[str], Trimmed(sys.stderr if stderr else sys.stdout)), _environ=variables)
    if "COLUMNS" not in variables:
        console.width = PIPE_COLUMNS
    return console


class Trimmed:
    """A text stream without trailing blanks, with which rich fills lines. It takes whole lines at a time."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write lines."""
        return self._stream.write(re.sub(" +$", "", text, flags=re.MULTILINE))
