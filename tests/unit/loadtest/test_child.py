"""A process of a load test, from outside: what it says when something goes wrong in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

MEASURES = """
from tickstock_cli.loadtest.child import run_child

def work(child):
    anchor = child.ready()
    child.every_second(anchor, lambda end: {"share": 1 // 0})
    child.stopped.wait(60)

run_child(work)
"""


def test_an_error_in_a_report_ends_the_process_with_the_reason() -> None:
    """A run that goes on without them would look like one in which nothing was processed."""
    job, order = {"folder": ""}, {"command": "start", "anchor": time.monotonic_ns()}
    with subprocess.Popen(
        [sys.executable, "-c", MEASURES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(f"{json.dumps(job)}\n{json.dumps(order)}\n")
        process.stdin.flush()
        assert process.stdout is not None
        told = [json.loads(line) for line in process.stdout]

    assert [report["kind"] for report in told] == ["ready", "failed"]
    assert told[-1]["why"] == "ZeroDivisionError: integer division or modulo by zero"
    assert process.returncode == 1
