"""The command within this process: for the many cases that need no process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.differential.against import compile_kernels
from tickstock_cli.cli.main import run

Here = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def compiled() -> None:
    """Compile the kernels, so that no command of a test says that it does."""
    compile_kernels()


@pytest.fixture
def here(
    compiled: None,  # noqa: ARG001 - wanted for what it does
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Here:
    """Return a function that runs the entry point in an empty folder, as `run_tickstock` does in a new process."""
    for name in os.environ:
        if name.startswith("TICKSTOCK_") or name == "COLUMNS":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["tickstock", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
        told = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(ended.value.code or 0), told.out, told.err)

    return run_here
