"""Commands that run beside a test: read from, signalled, and always waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

from tests.cli.forked_load_test import COMMAND as FORKED_LOAD_TEST
from tests.cli.prepared import start_process

LONGEST_SECONDS = 240
"""After which a command that hangs is killed, so that its test fails instead of hanging, too."""

ALTERED = "import runpy; runpy.run_module('tests.cli.altered', run_name='__main__')"


@contextmanager
def running(
    *arguments: str | Path,
    folder: Path,
    fresh: Sequence[str] | None = None,
    detector: str | None = None,
    forked_load_test: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Start ``tickstock`` in a folder, with pipes for what it prints; at the end it is gone, whatever happened.

    Parameters
    ----------
    fresh
        Whether the interpreter is a new one, for what its start decides, with these options; else it is prepared.
    detector
        Replaces one of its detectors; see `tests.cli.altered`.
    forked_load_test
        Whether the processes of a load test are prepared, too.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TICKSTOCK_", "PYTHONUN"))}
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    how = {**pipes, "cwd": folder, "env": environment, "text": True}
    if fresh is not None:
        started = subprocess.Popen(
            [sys.executable, "-W", "error", *fresh, "-m", "tickstock_cli", *map(str, arguments)], **how
        )
    elif detector is not None:
        started = start_process(detector, *arguments, program=ALTERED, **how)
    elif forked_load_test:
        started = start_process(*arguments, program=FORKED_LOAD_TEST, forks=True, **how)
    else:
        started = start_process(*arguments, **how)
    with started as process:
        watchdog = Timer(LONGEST_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def read_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """Read some lines of what a command prints."""
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def last_words(process: subprocess.Popen[str]) -> str:
    """Close the reader's end of the pipe, wait, and return all that was told on standard error."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.wait()
    return told
