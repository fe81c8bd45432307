"""A process of a load test as the orchestrator sees it: started, sent commands, read from, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

END_SECONDS = 5.0
"""Limit for a process to end after its input has ended."""

Inbox = Queue[tuple[str, dict[str, Any]]]
"""Reports, each with the name of its process; ``{"kind": "exit"}`` is the last report of each process."""


def start_python(module: str, **how: Any) -> subprocess.Popen[str]:
    """Start a module in a new Python interpreter.

    Parameters
    ----------
    how
        As for ``subprocess.Popen``.
    """
    return subprocess.Popen([sys.executable, "-m", module], **how)


class ChildProcess:
    """One process.

    Parameters
    ----------
    name
        Name of its module without ``_process``.
    job
        Its job; ``folder`` in it holds its files and its standard error.
    """

    def __init__(self, name: str, job: dict[str, Any], inbox: Inbox) -> None:
        self.name = name
        self._inbox = inbox
        self._errors = Path(job["folder"], f"{name}.stderr")
        with self._errors.open("wb") as errors:
            self._process = start_python(
                f"tickstock_cli.loadtest.{name}_process",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, "TMPDIR": job["folder"]},  # a killed process leaves nothing beside that folder
                process_group=0,  # Ctrl-C on the terminal is for the orchestrator alone
            )
        self._reader = Thread(target=self._read, name=f"tickstock-{name}", daemon=True)
        self._reader.start()
        self._write(job)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, command: str, **facts: Any) -> None:
        """Send a command; a process that has ended ignores it."""
        self._write({"command": command, **facts})

    def last_error_line(self) -> str:
        """Return the last line of its standard error; empty if there is none."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").split("\n") if self._errors.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def how_it_ended(self) -> str:
        """Return its exit code or signal in words."""
        code = self._process.wait()
        if code >= 0:
            return f"exit code {code}"
        return f"signal {-code}"

    def end(self) -> None:
        """End it: by a command, then by the end of its input, then by force. Idempotent."""
        assert self._process.stdin is not None
        self.send("leave")
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # a killed process may leave half a line
                    self._inbox.put((self.name, json.loads(line)))
        self._inbox.put((self.name, {"kind": "exit"}))
