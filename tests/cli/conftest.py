"""The command in an empty folder, its kernels ready."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.running import run_tickstock
from tests.differential.against import compile_kernels

Here = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile the kernels, so that no command of a test says that it does."""
    compile_kernels()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Return `run_tickstock` for an empty folder, which is the test's own, too."""
    monkeypatch.chdir(tmp_path)
    return partial(run_tickstock, folder=tmp_path)
