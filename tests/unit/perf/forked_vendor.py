"""A benchmark of a live run whose vendor is a fork of the template, not a new interpreter: each saves two seconds."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from subprocess import Popen
from typing import Any

from tests.cli.prepared import start_process
from tickstock_cli.perf import benchmark_runs

RUN_BENCHMARK = "from tests.unit.perf.forked_vendor import main; main()"
"""The program of such a benchmark, for a process that is itself a fork; see ``forks`` of `start_process`."""


def start_vendor(arguments: Sequence[str], **how: Any) -> Popen[str]:
    """Start ``tickstock`` in a fork."""
    assert arguments[:3] == ("-P", "-m", "tickstock_cli")
    return start_process(*arguments[3:], **how)


def main() -> None:
    """Run the script that the arguments name."""
    benchmark_runs.start_python = start_vendor
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
