"""Runs inside one side of a comparison: ``python -P benchmarks.py NAME JOB`` with the side's source first on the path.

It is a script, not a module: the head's script measures the base, too, so that the same code measures both sides. It
uses only parts of tickstock that every revision has: `Request` and `replay`, the recordings and the core. It prints a
line of JSON once it is prepared, then one for every line that it reads, which is a turn; and at the end of its input
the figures of the whole process. So the sides can take turns while all of them are warm.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

Sample = dict[str, Any]

Turns = Iterator[Sample]
"""Yields the figures before the first turn, then a sample for each turn."""

LEAK_WARM_UP, LEAK_PASSES = 3, 6
PLANT_VARIABLE = "TICKSTOCK_PERF_PLANT"


def decode(job: Sample) -> Turns:
    """Decode the recording as a replay does."""
    from tickstock_cli.sources.recordings import Recordings

    def read() -> int:
        with Recordings.open([job["recording"]]) as recordings:
            return sum(len(batch) for batch in recordings.batches(job["batch_rows"]))

    yield {"rows": read()}
    yield from timed(read)


def merge(job: Sample) -> Turns:
    """Merge the recording from files whose times overlap."""
    return decode({**job, "recording": job["parts"]})


def replay(job: Sample) -> Turns:
    """Replay flat out with default settings into Parquet, from the first read to the closed file."""
    request_of, run_replay = _request_and_replay()

    request = request_of(paths=[job["recording"]], outs=[str(Path(job["folder"], "events.parquet"))])
    first = run_replay(request)
    yield {
        "rows": first.rows,
        "events": first.tally.events,
        "digest": first.digest,
        "ledger": first.ledger.as_dict(),
    }
    yield from timed(lambda: run_replay(request))


def count(job: Sample) -> Turns:
    """Replay once, and count work instead of time."""
    request_of, run_replay = _request_and_replay()

    request = request_of(paths=[job["recording"]], batch_rows=job["batch_rows"])
    run_replay(request)  # compiles, imports
    yield {}
    calls = _count_kernel_calls()
    import pyarrow as pa

    pool = pa.default_memory_pool()
    batches = _count_steps()
    allocations = pool.num_allocations()
    python_calls = _PythonCalls()
    instructions = _instructions()
    with python_calls:
        run_replay(request)
    counted = {
        "batches": batches[0],
        "kernel_calls": calls[0],
        "python_calls": python_calls.count,
        "arrow_allocations": pool.num_allocations() - allocations,
    }
    spent = instructions()
    yield counted if spent is None else {**counted, "instructions": spent}


def memory(job: Sample) -> Turns:
    """Replay several times in one process: the peak memory, and the growth of each pass."""
    request_of, run_replay = _request_and_replay()

    request = request_of(paths=[job["recording"]])
    yield {}
    kept = []
    for number in range(LEAK_WARM_UP + LEAK_PASSES):
        run_replay(request)
        gc.collect()
        if number >= LEAK_WARM_UP - 1:
            _give_back()
            kept.append(_resident_bytes())
    # The median slope of all pairs: memory changes in steps, and a single step is no leak.
    slopes = sorted(
        (after[1] - before[1]) // (after[0] - before[0]) for before, after in combinations(enumerate(kept), 2)
    )
    yield {"growth_bytes": slopes[len(slopes) // 2], "resident_bytes": kept[-1]}


def paced(job: Sample) -> Turns:
    """Replay on a schedule through the running system; latency from the scheduled time to the published event."""
    request_of, run_replay = _request_and_replay()

    out = str(Path(job["folder"], "paced.parquet"))
    run_replay(request_of(paths=[job["recording"]], outs=[out]))
    yield {}
    pipelines: list[Any] = []
    request = request_of(paths=[job["recording"]], outs=[out], start=job["start"], end=job["end"], speed=job["speed"])
    cpu = time.process_time()
    result = run_replay(request, attach=pipelines.append)
    cpu_seconds = time.process_time() - cpu
    latency = pipelines[0].system.reporter.latency
    figures = latency.figures()
    percentile = getattr(latency, "percentile_ms", None)  # older bases do not have it
    yield {
        "rows": result.rows,
        "cpu_seconds": cpu_seconds,
        "mean_ms": figures.mean_ms,
        "p50_ms": figures.p50_ms,
        "p95_ms": percentile(95) if percentile is not None else None,
        "p99_ms": figures.p99_ms,
        "digest": result.digest,
    }


def running(job: Sample) -> Turns:
    """Run each feed through the running system at full speed: rate and failed rows of each channel."""
    request_of, run_replay = _request_and_replay()
    from tickstock_cli.runtime.opening import PipelineName

    yield {}
    figures: Sample = {}
    processed = failed = lost = 0
    for record, name in (("tick", "ticks"), ("ohlcv", "bars"), ("fmv", "fmv")):
        request = request_of(paths=[str(Path(job["recording"], f"{name}.parquet"))], pipeline=PipelineName.MULTI)
        pipelines: list[Any] = []
        result = run_replay(request, attach=pipelines.append)
        figures[f"{record}_rows_per_second"] = result.rows / result.seconds
        ledger = result.ledger
        lost += result.rows - ledger[f"{record}.processed"] - ledger.total(f"{record}.rejected.")
        for channel in pipelines[0].last_status["channel_details"].values():
            processed += channel["whole"]["processed"]
            failed += channel["whole"]["failed"]
        if record == "ohlcv":
            figures["ohlcv_symbols"] = len(pipelines[0].system.core.known_tickers())
    yield {**figures, "success_percent": 100 * processed / (processed + failed), "rows_lost": lost}


def _request_and_replay() -> tuple[Any, Any]:
    """Return `Request` and `replay` of this side; older bases have them in another module."""
    try:
        module = import_module("tickstock_cli.replaying")
    except ModuleNotFoundError:
        module = import_module("tickstock_cli.replay")
    return module.Request, module.replay


def timed(work: Callable[[], Any]) -> Turns:
    """Time one pass a turn: wall time, and CPU time of all threads."""
    while True:
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        wall = time.perf_counter() - wall
        yield {"seconds": wall, "cpu_seconds": time.process_time() - cpu}


class _PythonCalls:
    """Counts calls of Python functions in this thread, a measure of work that other processes do not affect."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        thread = threading.get_ident()

        def hear(_frame: Any, event: str, _argument: Any) -> None:
            if event == "call" and threading.get_ident() == thread:
                self.count += 1

        sys.setprofile(hear)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


def _count_kernel_calls() -> list[int]:
    """Count the calls of every kernel from Python; calls within compiled code are not counted."""
    from numba.core.registry import CPUDispatcher

    calls = [0]

    def counting(kernel: Any) -> Any:
        def call(*arguments: Any) -> Any:
            calls[0] += 1
            return kernel(*arguments)

        return call

    for name, module in list(sys.modules.items()):
        if name.startswith("tickstock_cli."):
            for attribute, value in list(vars(module).items()):
                if isinstance(value, CPUDispatcher):
                    setattr(module, attribute, counting(value))
    return calls


def _count_steps() -> list[int]:
    """Count the steps of the core."""
    from tickstock_cli.engine.core import Core

    steps = [0]
    step = Core.step

    def counting(self: Core, batch: Any) -> Any:
        steps[0] += 1
        return step(self, batch)

    Core.step = counting  # type: ignore[method-assign]
    return steps


def _instructions() -> Callable[[], int | None]:
    """Start counting this process's instructions; return the function that reads the counter, or None without one."""
    try:
        from tickstock_cli.perf.instructions import InstructionCounter

        counter = InstructionCounter()
    except (ImportError, OSError):
        return lambda: None
    return counter.read


def _give_back() -> None:
    """Make allocators return free memory, which would look like growth otherwise."""
    import ctypes

    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)


def _resident_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _plant(name: str) -> None:
    """Make this side worse in a known way, which the gate's self-test must find."""
    from tickstock_cli.engine.core import Core

    step, coordinate = Core.step, Core.coordinate
    kept: list[Any] = []

    def slow_step(self: Core, batch: Any) -> Any:
        begun = time.thread_time()
        result = step(self, batch)
        until = time.thread_time() + SLOWDOWN * (time.thread_time() - begun)
        while time.thread_time() < until:
            pass
        return result

    def leaking_step(self: Core, batch: Any) -> Any:
        kept.append(b"\x01" * LEAK_BYTES)
        return step(self, batch)

    def wrong_coordinate(self: Core, events: Any, watermark: int) -> Any:
        released = coordinate(self, events, watermark)
        if len(released):
            released["price"][0] += 0.01
        return released

    if name == "slowdown":
        Core.step = slow_step  # type: ignore[method-assign]
    elif name == "leak":
        Core.step = leaking_step  # type: ignore[method-assign]
    elif name == "correctness":
        Core.coordinate = wrong_coordinate  # type: ignore[method-assign]
    else:
        raise SystemExit(f"there is no plant {name!r}")


SLOWDOWN = 0.5
"""Planted fault: additional time in every step of the core."""
LEAK_BYTES = 1 << 22
"""Planted fault: memory kept at every step of the core."""

BENCHMARKS = {benchmark.__name__: benchmark for benchmark in (decode, merge, replay, count, memory, paced, running)}


def _find(name: str) -> Callable[[Sample], Turns]:
    """Return a benchmark; those that measure only this version are in other modules."""
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    homes = {
        "stages": "stages",
        "wire": "wire_benchmarks",
        "backtest": "backtest_benchmarks",
        "soak": "soak_benchmark",
        "files": "file_benchmarks",
        "import": "import_benchmarks",
    }
    home = homes.get(name.partition("_")[0], "speed_benchmarks")
    module = import_module(f"tickstock_cli.perf.{home}")
    found: Callable[[Sample], Turns] = getattr(module, name)
    return found


def peak_rss_bytes() -> int:
    """Return the greatest resident memory of this process so far.

    On Linux, ``getrusage`` includes the peak of the parent process. A copy of ``core.peak_memory``, which older bases
    do not have.
    """
    with suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Run the benchmark of the command line, one turn for every line of input."""
    import tickstock_cli

    name, job = sys.argv[1:]
    planted = os.environ.get(PLANT_VARIABLE)
    if planted:
        _plant(planted)
    turns = _find(name)(json.loads(job))
    _tell(next(turns))
    for _ in sys.stdin:
        _tell(next(turns))
    _tell({"peak_rss_bytes": peak_rss_bytes(), "package": str(Path(tickstock_cli.__file__).resolve().parent.parent)})


def _tell(sample: Sample) -> None:
    sys.stdout.write(json.dumps(sample) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
