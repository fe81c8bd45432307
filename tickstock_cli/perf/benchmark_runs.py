"""The processes of one side in one round of a benchmark; they wait for their turns."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tickstock_cli.core.shipped import shipped_folder
from tickstock_cli.errors import TickstockError
from tickstock_cli.perf.benchmarks import PLANT_VARIABLE
from tickstock_cli.perf.sides import Side

FOLDER = Path(__file__).parent

Sample = dict[str, Any]

PROGRAMS = {
    "startup": ("-m", "tickstock_cli", "--help"),
    "imports": ("-c", "import typer, rich"),
    "sample": ("-m", "tickstock_cli", "replay", str(shipped_folder("sample_data"))),
}
"""Arguments of Python for benchmarks that are whole programs, by benchmark."""


class BenchmarkError(TickstockError):
    """A side cannot be measured: its benchmark failed."""


class BenchmarkRun(Protocol):
    """A benchmark of one side, measured turn by turn."""

    def prepare(self) -> None:
        """Wait until it is prepared for its first turn."""

    def begin(self) -> None:
        """Begin a turn."""

    def end(self) -> None:
        """Wait until the turn is over."""

    def finish(self) -> Sample:
        """Return the best of each figure over all turns."""

    def close(self) -> None:
        """End the process if it still runs."""


class BenchmarkProcess:
    """A benchmark of ``benchmarks.py`` in a process that prepares once, so that its turns are warm.

    Parameters
    ----------
    job
        The benchmark's parameters.
    folder
        An empty folder for this benchmark.
    """

    def __init__(self, side: Side, benchmark: str, job: Mapping[str, Any], folder: Path) -> None:
        self._side = side
        self._benchmark = benchmark
        self._turns: list[Sample] = []
        self._facts: Sample = {}
        self._complaints = (folder / "stderr.txt").open("w+", encoding="utf-8")
        self._process = start_python(
            ("-P", str(FOLDER / "benchmarks.py"), benchmark, json.dumps(job)),
            cwd=folder, env=environment_of(side), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints,
        )  # fmt: skip

    def prepare(self) -> None:
        self._facts = self._heard()

    def begin(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failure() from error

    def end(self) -> None:
        self._turns.append(self._heard())

    def finish(self) -> Sample:
        assert self._process.stdin is not None
        self._process.stdin.close()
        whole = self._heard()
        if Path(whole.pop("package")) != self._side.root.resolve():
            raise BenchmarkError(
                f"{self._benchmark} of {self._side.label} ran another tickstock than the one in {self._side.root}"
            )
        return {**self._facts, **best_of(self._turns), **whole}

    def close(self) -> None:
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # it may have ended before it read the last line
            pass
        self._complaints.close()

    def _heard(self) -> Sample:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        sample: Sample = json.loads(line)
        return sample

    def _failure(self) -> BenchmarkError:
        self._process.wait()
        self._complaints.seek(0)
        return _failed(self._benchmark, self._side, self._complaints.read(), self._process.returncode)


class Program:
    """A program that runs once a turn, from its start to its end.

    Parameters
    ----------
    run
        Runs the program, and returns its figures.
    """

    def __init__(self, run: Callable[[], Sample]) -> None:
        self._run = run
        self._turns: list[Sample] = []

    def prepare(self) -> None:
        """Do nothing: a program prepares itself within its turn."""

    def begin(self) -> None:
        """Do nothing: ``wait`` runs the program."""

    def end(self) -> None:
        self._turns.append(self._run())

    def finish(self) -> Sample:
        return best_of(self._turns)

    def close(self) -> None:
        """Do nothing: the program has ended."""


def start_python(arguments: Sequence[str], **how: Any) -> subprocess.Popen[str]:
    """Start a new Python interpreter.

    Parameters
    ----------
    how
        As for ``subprocess.Popen``.
    """
    return subprocess.Popen([sys.executable, *arguments], **how)


def start_benchmark(side: Side, benchmark: str, job: Mapping[str, Any], folder: Path) -> BenchmarkRun:
    """Start a benchmark of one side."""
    if benchmark in PROGRAMS:
        return Program(partial(_start, benchmark, side, folder))
    if benchmark == "micro":
        return Program(partial(_micro_benchmarks, side, job, folder))
    return BenchmarkProcess(side, benchmark, job, folder)


def best_of(turns: Sequence[Sample]) -> Sample:
    """Return the least of each figure.

    Examples
    --------
    >>> best_of([{"seconds": 2.0, "cpu_seconds": 1.0}, {"seconds": 1.5, "cpu_seconds": 1.2}])
    {'seconds': 1.5, 'cpu_seconds': 1.0}
    """
    return {key: min(turn[key] for turn in turns) for key in turns[0]}


def environment_of(side: Side) -> dict[str, str]:
    """Return this process's environment without variables that could affect a side, with its source on the path."""
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(("TICKSTOCK_", "PYTEST_", "PYTHONPATH"))
    }
    planted = {PLANT_VARIABLE: side.plant} if side.plant else {}
    return {**kept, "PYTHONPATH": str(side.root), "PYTHONHASHSEED": "0", **planted}


def _start(benchmark: str, side: Side, folder: Path) -> Sample:
    """Run a program from its start to its end."""
    cpu, wall = _cpu_of_children(), time.perf_counter()
    _run(PROGRAMS[benchmark], side, folder, benchmark, {})
    wall = time.perf_counter() - wall
    return {"cpu_seconds": _cpu_of_children() - cpu, "seconds": wall}


def _micro_benchmarks(side: Side, job: Mapping[str, Any], folder: Path) -> Sample:
    """Run the micro-benchmarks by pytest-benchmark, in a folder of their own: the tree's settings are not ours."""
    script, report = folder / "test_micro_benchmarks.py", folder / "report.json"
    script.write_bytes((FOLDER / "micro_benchmarks.py").read_bytes())
    options = ["-q", "-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider"]
    arguments = ["-P", "-m", "pytest", *options, f"--benchmark-json={report}", str(script)]
    recording = {
        "TICKSTOCK_PERF_RECORDING": str(job["recording"]),
        "TICKSTOCK_PERF_BATCH_ROWS": str(job["batch_rows"]),
    }
    _run(arguments, side, folder, "micro", recording)
    benchmarks = json.loads(report.read_text(encoding="utf-8"))["benchmarks"]
    return {benchmark["name"]: benchmark["stats"]["min"] for benchmark in benchmarks}


def _run(arguments: Sequence[str], side: Side, folder: Path, benchmark: str, more: Mapping[str, str]) -> None:
    """Run Python with a side's source first on the path."""
    environment, pipe = {**environment_of(side), **more}, subprocess.PIPE
    with start_python(arguments, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        told, complaint = process.communicate()
    if process.returncode:
        raise _failed(benchmark, side, complaint.strip() or told, process.returncode)


def _failed(benchmark: str, side: Side, complaint: str, code: int) -> BenchmarkError:
    told = (complaint.strip() or f"exit code {code}").splitlines()
    return BenchmarkError(f"{benchmark} of {side.label} failed: {told[-1]}")


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
