"""Runs a function in a process of its own, so that no subject warms another's caches or grows its memory.

This process itself imports nothing heavy: on Linux, a new process's peak memory begins at what its parent held.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

Sample = dict[str, Any]
"""What one run of a subject measured."""


def call(function: Callable[..., Sample], **arguments: Any) -> Sample:
    """Call a module's function in a fresh interpreter.

    Parameters
    ----------
    function
        Stands at the top level of an importable module, and return what JSON can hold.
    arguments
        What JSON can hold.

    Returns
    -------
    Sample
        What the function gave, and ``peak_rss_bytes`` of its process.
    """
    target = f"{function.__module__}:{function.__qualname__}"
    command = [sys.executable, "-m", "benchmarks.fresh", target, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: {target} failed:\n{done.stderr}")
    sample: Sample = json.loads(done.stdout)
    return sample


def plain_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without settings of tickstock: what is measured are its defaults."""
    return {name: text for name, text in os.environ.items() if not name.startswith("TICKSTOCK_")} | more


def peak_rss_bytes() -> int:
    """Return the greatest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Call the function that the command line names, and print what it gives."""
    target, arguments = sys.argv[1:]
    module, _, name = target.partition(":")
    sample = getattr(import_module(module), name)(**json.loads(arguments))
    print(json.dumps({**sample, "peak_rss_bytes": peak_rss_bytes()}))


if __name__ == "__main__":
    main()
