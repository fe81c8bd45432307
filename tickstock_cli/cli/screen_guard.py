"""Leaves the alternate screen behind a process that is killed: after kill -9 it cannot do so itself."""

from __future__ import annotations

import os
from contextlib import suppress
from subprocess import DEVNULL, PIPE, Popen

LEAVE_SCREEN = b"\x1b[?1049l\x1b[?25h"
"""The main screen again, and its cursor."""
_SCRIPT = r"read -r _ || printf '\033[?1049l\033[?25h'"
"""Reads a line, which says that all is well; a pipe that ends without one is that of a dead process."""


class ScreenGuard:
    """A shell that waits for this process, in a session of its own: no signal of the terminal reaches it.

    It leaves the modes of the terminal alone: a shell sets those back itself behind a job that was killed.
    """

    def __init__(self) -> None:
        self._shell: Popen[bytes] | None = None

    def arm(self, terminal: int) -> None:
        """Begin to guard the screen of a terminal, a descriptor. Without a shell there is no guard."""
        with suppress(OSError):
            self._shell = Popen(
                ["/bin/sh", "-c", _SCRIPT], stdin=PIPE, stdout=terminal, stderr=DEVNULL, start_new_session=True
            )

    def release(self) -> None:
        """Say that the screen was left. Never waits; safe at any moment."""
        if self._shell is not None and self._shell.stdin is not None:
            with suppress(OSError, ValueError):  # the shell was killed, or the guard was disarmed before
                os.write(self._shell.stdin.fileno(), b"\n")

    def disarm(self) -> None:
        """Say that the screen was left, and end the shell. Idempotent."""
        self.release()
        if self._shell is not None:
            with suppress(OSError), self._shell:
                pass
            self._shell = None
