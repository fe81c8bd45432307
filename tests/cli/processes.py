"""Commands that run beside a test: read from, signalled, and always waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

LONGEST_SECONDS = 120
"""After which a command that hangs is killed, so that its test fails instead of hanging, too."""


ROOT = Path(__file__).parents[2]


@contextmanager
def running(
    *arguments: str | Path, folder: Path, unbuffered: bool = False, detector: str | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start ``tickstock`` in a folder, with pipes for what it prints; at the end it is gone, whatever happened.

    ``detector`` replaces one of its detectors; see `tests.cli.altered`.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TICKSTOCK_", "PYTHONUN"))}
    module = ["tickstock_cli"]
    if detector is not None:
        module = ["tests.cli.altered", detector]
        environment["PYTHONPATH"] = str(ROOT)
    with subprocess.Popen(
        [sys.executable, "-W", "error", *(["-u"] if unbuffered else []), "-m", *module, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
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
