"""The command as a user runs it: a process of its own, from a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_tickstock(
    *arguments: str | Path, folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``tickstock`` with arguments, without a terminal, and give what it printed and its exit code.

    Warnings are errors there too; no variable of ours but those given reaches it, nor the width of a terminal.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("TICKSTOCK_") and name != "COLUMNS"
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tickstock_cli", *map(str, arguments)],
        cwd=folder,
        env={**inherited, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def error_line(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line a failed command told, without its prefix."""
    assert result.stdout == ""
    prefix, _, line = result.stderr.partition("error: ")
    assert prefix == ""
    assert line.count("\n") == 1
    assert "Traceback" not in line
    return line.rstrip("\n")
