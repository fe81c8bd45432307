"""A process of a load test, seen from outside: started, told, listened to, and ended by its id."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

END_SECONDS = 5.0
"""How long a process may take to end once its input has ended."""

Inbox = Queue[tuple[str, dict[str, Any]]]
"""What processes report, each with the name of its sender; ``{"kind": "exit"}`` is the last of each."""


class ChildProcess:
    """One process.

    Parameters
    ----------
    name
        Of its module, without ``_process``.
    job
        What it is to do; ``folder`` in it is where it may write, and where its complaints go.
    """

    def __init__(self, name: str, job: dict[str, Any], inbox: Inbox) -> None:
        self.name = name
        self._inbox = inbox
        self._errors = Path(job["folder"], f"{name}.stderr")
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tickstock_cli.loadtest.{name}_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                process_group=0,  # Ctrl-C on the terminal is for the orchestrator alone
            )
        self._reader = Thread(target=self._read, name=f"tickstock-{name}", daemon=True)
        self._reader.start()
        self._write(job)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def order(self, word: str, **facts: Any) -> None:
        """Tell it; one that is gone has told so already."""
        self._write({"order": word, **facts})

    def last_words(self) -> str:
        """Return the last line of what it complained of; empty if there is none."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").split("\n") if self._errors.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def how_it_ended(self) -> str:
        """Say how it ended."""
        code = self._process.wait()
        if code >= 0:
            return f"it ended with exit code {code}"
        return f"signal {-code} ended it"

    def end(self) -> None:
        """End it: by the end of its input, or by force. Idempotent."""
        assert self._process.stdin is not None
        self.order("leave")
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()

    def kill(self) -> None:
        """End it at once. Idempotent."""
        self._process.kill()
        self._process.wait()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # a line that a killed process left half written
                    self._inbox.put((self.name, json.loads(line)))
        self._inbox.put((self.name, {"kind": "exit"}))
