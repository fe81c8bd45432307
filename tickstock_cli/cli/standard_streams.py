"""Standard streams on which every text can be printed, whatever the terminal's encoding, and whether they are open."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress

_HANDLER = "tickstock.plain"
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("–—−‐‑", "-"),
        **dict.fromkeys("‘’", "'"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("·•●○", "*"),
        **dict.fromkeys("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉░▒▓", "#"),
        "…": "...",
        "→": "->",
        "←": "<-",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "±": "+/-",
        "µ": "u",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
    }
)
"""Characters that many encodings lack -> ASCII for people."""


def prepare_streams() -> None:
    """Open closed standard streams on nothing, and let those of output print every text.

    A character that the encoding lacks becomes the ASCII for it, or an escape that JSON reads back: the byte of a file
    name that is no UTF-8 is shown so, too. A closed stream would otherwise give its number to the next opened file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, stream)
    codecs.register_error(_HANDLER, _plain)
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            with suppress(OSError):  # its file was replaced by a pipe, unknown to it
                output.reconfigure(errors=_HANDLER)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what to print for characters that the encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(character if character.isascii() else _escape(character) for character in lacking), error.end


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
