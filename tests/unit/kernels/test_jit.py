"""Kernels: kept where that is possible, and compiled all the same where it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cli.market import write_recording
from tests.cli.prepared import run_prepared
from tests.unit.engine.events import TEN
from tickstock_cli.kernels.machine_code import PACKAGE
from tickstock_cli.testing import Tick

ROOT = Path(__file__).parents[3]
FAILING_COMMANDS = """
import json, sys
from tests.cli.running import error_line, run_tickstock

for command in json.loads(sys.argv[1]):
    result = run_tickstock(*command)
    error_line(result)
    print(result.returncode)
"""
"""Runs commands in one process without compiled kernels; each must print one line, the error, and its exit code."""

WITHOUT_A_FOLDER = """
import sys
from tickstock_cli.cli.compiling import say_if_new
from tickstock_cli.kernels import machine_code
from tickstock_cli.kernels.survey import tally

machine_code.config.CACHE_DIR = sys.argv[1]
machine_code.cache_folder.cache_clear()
say_if_new(tally, lambda: None)
"""
"""What `synth market` and `inspect` do before they begin, where no folder can be made."""

NOWHERE = "/dev/null/kernels"
"""A folder that not even root can make."""


def places_of_a_process(**variables: str) -> list[str]:
    """Ask a process with other variables where it would keep kernels."""
    program = "from tickstock_cli.kernels.machine_code import cache_places; print(*cache_places(), sep='\\n')"
    environment = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "HOME")}
    return subprocess.run(
        [sys.executable, "-c", program], env={**environment, **variables}, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_kernels_are_cached_in_the_configured_folder_or_a_default() -> None:
    """A configured folder is the only one: kernels must not fill another."""
    assert places_of_a_process(NUMBA_CACHE_DIR="/mine") == ["/mine/tickstock"]
    assert places_of_a_process(HOME="/srv/ann", XDG_CACHE_HOME="") == [
        str(PACKAGE / "__pycache__" / "kernels"),
        "/srv/ann/.cache/tickstock/kernels",
    ]


def test_a_machine_without_a_writable_folder_is_told_so_before_kernels_are_compiled() -> None:
    """A read-only installation and no home: the command is slow to begin, and says why.

    That it works all the same is shown by `test_machine_code`, with a kernel that does not take half a minute.
    """
    result = run_prepared(NOWHERE, program=WITHOUT_A_FOLDER)

    assert result.returncode == 0, result.stderr
    note, compiling = result.stderr.splitlines()
    assert note == (
        f"note: kernels cannot be kept once compiled: {NOWHERE}/tickstock cannot be written; "
        "NUMBA_CACHE_DIR names a folder"
    )
    assert compiling == "compiling the kernels, for this run alone…"


def test_an_invalid_option_is_an_error_before_kernels_are_compiled(tmp_path: Path) -> None:
    """Compiling takes half a minute, so a wrong name must be reported before it."""
    write_recording([Tick("IBM", TEN, 100.0)], tmp_path / "recorded")
    kernels = tmp_path / "kernels"
    commands = (
        ("replay", "nosuch"),
        ("replay", "nosuch", "--pipeline", "compare"),
        ("verify", "nosuch"),
        ("explain", "nosuch", "--ticker", "IBM", "--at", "10:00"),
        ("replay", "recorded", "--start", "2024-06-13", "--end", "2024-06-12"),
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kernels), "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", FAILING_COMMANDS, json.dumps(commands)]
    codes = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert set(codes.split()) <= {"2", "3"}
    assert len(codes.split()) == len(commands)
    assert [path for path in kernels.rglob("*") if path.is_file()] == []
