"""The command as a user runs it, from a folder of its own: within this process, or in one of its own.

A process of its own is for what a process alone can show: what an installed plugin changes in it, a signal, a pipe.
It is a prepared one (``prepared.py``), because a new interpreter costs two to three seconds of processor time. What the
interpreter's start decides, as the entry point and ``-u`` do, needs a fresh one.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.prepared import run_prepared
from tickstock_cli.cli.main import run


def run_tickstock(
    *arguments: str | Path, folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``tickstock`` with arguments within this process, and return what it printed and its exit code.

    It has no terminal and no input. No variable of ours but those given reaches it, nor the size of a terminal.
    """
    written = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, encoding="utf-8", newline="") for stream in written)
    with pytest.MonkeyPatch.context() as patch, open(os.devnull, encoding="utf-8") as nothing:
        for name in os.environ.keys() - _inherited().keys():
            patch.delenv(name)
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        if folder is not None:
            patch.chdir(folder)
        patch.setattr(sys, "argv", ["tickstock", *map(str, arguments)])
        for name, file in (("stdin", nothing), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, file)
        with pytest.raises(SystemExit) as ended:
            run()
    for stream in (out, err):
        stream.flush()
    told = [stream.getvalue().decode() for stream in written]
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), *told)


def run_process(
    *arguments: str | Path, folder: Path | None = None, environment: dict[str, str] | None = None, fresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run ``tickstock`` as `run_tickstock` does, in a process of its own. Warnings are errors there too.

    Parameters
    ----------
    fresh
        Whether it is a new interpreter, for what its start decides.
    """
    variables = {**_inherited(), **(environment or {})}
    if not fresh:
        return run_prepared(*arguments, cwd=folder, env=variables)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tickstock_cli", *map(str, arguments)],
        cwd=folder,
        env=variables,
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


def _inherited() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("TICKSTOCK_", "COLUMNS", "LINES"))
    }
