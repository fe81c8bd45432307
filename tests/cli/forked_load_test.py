"""A load test whose processes are forks of the template, not new interpreters: each of four saves two seconds."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.cli.prepared import start_process
from tickstock_cli.cli.main import run
from tickstock_cli.loadtest import child_process

COMMAND = "from tests.cli.forked_load_test import main; main()"
"""The program ``tickstock``, for a process that is itself a fork; see ``forks`` of `start_process`."""


def fork_module(module: str, **how: Any) -> subprocess.Popen[Any]:
    """Run the module of a process of a load test in a fork."""
    program = f"from tickstock_cli.loadtest.child import run_child; from {module} import work; run_child(work)"
    return start_process(program=program, **how)


def main() -> None:
    """Run the command."""
    child_process.start_python = fork_module
    run()
