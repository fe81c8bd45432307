"""Measures sides: every probe in a fresh process, the sides in turns, in an order drawn anew each round."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tickstock_cli.errors import TickstockError, UsageError
from tickstock_cli.perf.metrics import PROBES
from tickstock_cli.perf.probe import PLANT_VARIABLE
from tickstock_cli.perf.recording import Prepared, Size
from tickstock_cli.perf.sides import Side

FOLDER = Path(__file__).parent
KNOWN = (*PROBES, "running")
"""Probes by name; the last one is for baselines alone."""
STARTS = 3
"""Starts of the program per sample, of which the best counts."""

Sample = dict[str, Any]
Samples = dict[str, dict[str, list[Sample]]]
"""By side's label and probe, one sample a round."""


class ProbeError(TickstockError):
    """A side cannot be measured: its probe failed."""


def check_probes(probes: Sequence[str]) -> None:
    """Look whether probes can be run, before anything is.

    Raises
    ------
    UsageError
        There is no such probe, or what it needs is not installed.
    """
    for probe in probes:
        if probe not in KNOWN:
            raise UsageError(f"--only {probe}: there is no such probe; there are {', '.join(KNOWN)}")
    if "micro" in probes and find_spec("pytest_benchmark") is None:
        others = " ".join(f"--only {probe}" for probe in PROBES if probe != "micro")
        raise UsageError(
            f"the micro probe needs pytest-benchmark: pip install 'tickstock[perf]', or leave it out: {others}"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and how often.

    Parameters
    ----------
    rounds
        Samples of each side and probe.
    seed
        Draws the order of the sides in each round.
    """

    recording: Prepared
    size: Size
    rounds: int
    probes: Sequence[str] = PROBES
    seed: int = 1


def measure(
    sides: Mapping[str, Side], plan: Plan, announce: Callable[[str], None], samples: Samples | None = None
) -> Samples:
    """Measure every side ``plan.rounds`` times, added to ``samples`` of earlier rounds.

    Parameters
    ----------
    sides
        By label; the same tree may stand there twice, to see how far it differs from itself.

    Raises
    ------
    ProbeError
        A probe failed on one of them.
    """
    samples = samples if samples is not None else {label: {} for label in sides}
    done = len(next(iter(samples.values())).get(plan.probes[0], []))
    if not done:
        _warm_up(sides, plan, announce)
    order = Random(f"{plan.seed}/{done}")
    for number in range(plan.rounds):
        for probe in plan.probes:
            for label in order.sample(list(sides), len(sides)):
                announce(f"round {done + number + 1}: {probe} of {label}")
                samples[label].setdefault(probe, []).append(run_probe(sides[label], probe, plan))
    return samples


def run_probe(side: Side, probe: str, plan: Plan) -> Sample:
    """Run one probe on one side, in a fresh process."""
    with TemporaryDirectory(prefix="tickstock-perf-") as folder:
        if probe == "startup":
            return _startup(side, Path(folder))
        if probe == "micro":
            return _micro(side, plan, Path(folder))
        job = json.dumps(plan.recording.job(plan.size, Path(folder)))
        command = [sys.executable, "-P", str(FOLDER / "probe.py"), probe, job]
        done = _run(command, side, Path(folder), probe)
        sample: Sample = json.loads(done.splitlines()[-1])
        if Path(sample.pop("package")) != side.root.resolve():
            raise ProbeError(f"{probe} of {side.label} ran another tickstock than the one in {side.root}")
        return sample


def _warm_up(sides: Mapping[str, Side], plan: Plan, announce: Callable[[str], None]) -> None:
    """Have every tree compile its kernels, and every file read once."""
    if set(plan.probes) == {"startup"}:
        return
    for side in {side.root: side for side in sides.values()}.values():
        announce(f"warming up {side.label}")
        run_probe(side, "replay", plan)


def _startup(side: Side, folder: Path) -> Sample:
    samples = []
    for _ in range(STARTS):
        cpu, wall = _cpu_of_children(), time.perf_counter()
        _run([sys.executable, "-m", "tickstock_cli", "--help"], side, folder, "startup")
        samples.append((_cpu_of_children() - cpu, time.perf_counter() - wall))
    return {"cpu_seconds": min(cpu for cpu, _ in samples), "seconds": min(wall for _, wall in samples)}


def _micro(side: Side, plan: Plan, folder: Path) -> Sample:
    """Run the micro-benchmarks by pytest-benchmark, in a folder of their own: the tree's settings are not ours."""
    script = folder / "test_micro_benchmarks.py"
    script.write_bytes((FOLDER / "micro_benchmarks.py").read_bytes())
    report = folder / "report.json"
    options = ["-q", "-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider", f"--benchmark-json={report}"]
    environment = {
        "TICKSTOCK_PERF_RECORDING": str(plan.recording.folder),
        "TICKSTOCK_PERF_BATCH_ROWS": str(plan.size.batch_rows),
    }
    _run([sys.executable, "-P", "-m", "pytest", *options, str(script)], side, folder, "micro", environment)
    benchmarks = json.loads(report.read_text(encoding="utf-8"))["benchmarks"]
    return {benchmark["name"]: benchmark["stats"]["min"] for benchmark in benchmarks}


def _run(command: Sequence[str], side: Side, folder: Path, probe: str, more: Mapping[str, str] | None = None) -> str:
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(("TICKSTOCK_", "PYTEST_", "PYTHONPATH"))
    }
    environment |= {"PYTHONPATH": str(side.root), "PYTHONHASHSEED": "0", **(more or {})}
    if side.plant:
        environment[PLANT_VARIABLE] = side.plant
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise ProbeError(f"{probe} of {side.label} failed: {told[-1]}")
    return done.stdout


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
