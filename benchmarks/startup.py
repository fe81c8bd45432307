"""What a user waits for before anything happens: help, a small replay, and the first replay of all.

Protects that the command feels light: heavy imports wait until they are needed, kernels are compiled once.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Section
from benchmarks.fresh import ROOT, Sample, plain_environment
from benchmarks.rounds import Samples, column, interleave, ratios

TICKSTOCK = [str(Path(sys.executable).with_name("tickstock"))]
HELP, IMPORTS = "tickstock --help", 'python -c "import typer, rich"'
REPLAY, FIRST = "tickstock replay, warm", "tickstock replay, the first one ever"
HELP_BAR = 1.5
"""`--help` takes at most so many times what importing typer and rich takes."""
REPLAY_BAR_SECONDS = 2.0
SAMPLE_DATA = ROOT / "sample_data"


def run(command: Sequence[str], **environment: str) -> Sample:
    """Run a command from start to end, in a folder without a tickstock.toml.

    Returns
    -------
    Sample
        Its ``seconds`` and ``cpu_seconds``, and as ``talk`` what it said on stderr.
    """
    with tempfile.TemporaryDirectory() as nowhere:
        cpu, begun = _cpu_seconds_of_children(), time.perf_counter()
        done = subprocess.run(
            command, cwd=nowhere, env=plain_environment(**environment), capture_output=True, text=True
        )
        seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    return {"seconds": seconds, "cpu_seconds": _cpu_seconds_of_children() - cpu, "talk": done.stderr}


def _cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(recording: Path, rounds: int, announce: Callable[[str], None]) -> Samples:
    """Measure what starts warm: each command once before, so that files are cached and kernels compiled."""
    commands = {
        HELP: [*TICKSTOCK, "--help"],
        IMPORTS: [sys.executable, "-c", "import typer, rich"],
        REPLAY: [*TICKSTOCK, "replay", str(recording)],
    }
    for name, command in commands.items():
        announce(f"once before: {name}")
        run(command)
    return interleave({name: partial(run, command) for name, command in commands.items()}, rounds, announce)


def measure_first(recording: Path, announce: Callable[[str], None]) -> Figure:
    """Measure, once, a replay that has to compile every kernel, and look whether it says so."""
    announce(f"{FIRST}: compiles every kernel")
    with tempfile.TemporaryDirectory() as empty:
        sample = run([*TICKSTOCK, "replay", str(recording)], NUMBA_CACHE_DIR=empty)
    says = "it says that it is compiling" if "compiling" in sample["talk"] else "it does NOT say that it is compiling"
    return Figure(FIRST, "s", (sample["seconds"],), note=says)


def section(samples: Samples, first: Figure) -> Section:
    """Return what starting costs."""
    figures = [
        Figure(f"{HELP} / importing", "×", ratios(samples[HELP], samples[IMPORTS], "seconds"), HELP_BAR),
        Figure(HELP, "s", column(samples[HELP], "seconds")),
        Figure(IMPORTS, "s", column(samples[IMPORTS], "seconds")),
        Figure(REPLAY, "s", column(samples[REPLAY], "seconds"), REPLAY_BAR_SECONDS),
        Figure(f"{REPLAY}, CPU", "s", column(samples[REPLAY], "cpu_seconds"), note="CPU time of all threads"),
        first,
    ]
    return Section("startup: the command from start to end", "the command feels light", figures)
