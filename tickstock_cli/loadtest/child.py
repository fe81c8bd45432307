"""A process of a load test, seen from inside: its job, what it is told later, and what it reports.

The job is the first line of standard input, orders are the lines behind it; reports are lines of standard output. All
are JSON objects. Standard input that ends without the order to leave means that the orchestrator is gone: the child
cleans up by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, NoReturn

import psutil

from tickstock_cli.core.clock import SystemClock
from tickstock_cli.core.garbage import freeze_gc
from tickstock_cli.errors import TickstockError
from tickstock_cli.measurement.machine import busy_cpu_seconds

SECOND = 1_000_000_000
DEBUG_VARIABLE = "TICKSTOCK_DEBUG"


class Child:
    """The line from a process to its orchestrator."""

    def __init__(self) -> None:
        self.job: dict[str, Any] = json.loads(sys.stdin.readline())
        self.stopped = Event()
        """Set once the orchestrator wants the process to end what it does."""
        self._started = Event()
        self._anchor = 0
        self._on_stop: list[Callable[[], None]] = []
        self._lock = Lock()
        self._process = psutil.Process()
        Thread(target=self._listen, name="tickstock-orders", daemon=True).start()

    def ready(self, **facts: Any) -> int:
        """Report that all is prepared, and wait for the start, and return the anchor (ns of the monotonic clock)."""
        freeze_gc()
        self.report("ready", **facts)
        self._started.wait()
        return self._anchor

    def on_stop(self, call: Callable[[], None]) -> None:
        """Have something called, in another thread, when the orchestrator wants an end."""
        with self._lock:
            self._on_stop.append(call)
        if self.stopped.is_set():
            call()

    def report(self, kind: str, **facts: Any) -> None:
        """Tell the orchestrator."""
        line = json.dumps({"kind": kind, **facts})
        with self._lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def every_second(self, anchor: int, look: Callable[[int], dict[str, Any]]) -> None:
        """Report, at the end of every second since the anchor, what ``look`` gives for its end (ns), in a thread."""

        def run() -> None:
            try:
                measure()
            except Exception as error:  # noqa: BLE001 - figures that end in the middle must not pass for a quiet system
                self.fail(error)

        def measure() -> None:
            clock.wait(self.stopped, anchor)
            used, busy = self._cpu_seconds(), busy_cpu_seconds()
            number = 0
            while not clock.wait(self.stopped, anchor + (number + 1) * SECOND):
                facts = look(anchor + (number + 1) * SECOND)
                before, used = used, self._cpu_seconds()
                busy_before, busy = busy, busy_cpu_seconds()
                machine = None if busy is None or busy_before is None else busy - busy_before
                self.report("second", number=number, cpu=used - before, machine_cpu=machine, **facts)
                number += 1

        clock = SystemClock()
        Thread(target=run, name="tickstock-seconds", daemon=True).start()

    def fail(self, error: Exception) -> NoReturn:
        """Report what went wrong, and end the process: threads that wait for a peer that is gone must not keep it."""
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exception(error)
        why = str(error) if isinstance(error, TickstockError | OSError) else f"{type(error).__name__}: {error}"
        self.report("failed", why=why)
        os._exit(1)

    def memory_bytes(self) -> int:
        """Return the resident memory of this process."""
        return int(self._process.memory_info().rss)

    def _cpu_seconds(self) -> float:
        used = self._process.cpu_times()
        return float(used.user + used.system)

    def _listen(self) -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if order["order"] == "start":
                self._anchor = int(order["anchor"])
                self._started.set()
            elif order["order"] == "stop":
                self.stopped.set()
                with self._lock:
                    calls = list(self._on_stop)
                for call in calls:
                    call()
            elif order["order"] == "leave":
                os._exit(0)
        shutil.rmtree(self.job["folder"], ignore_errors=True)
        os._exit(1)


def run_child(work: Callable[[Child], None]) -> None:
    """Run a process's work to its end; what goes wrong is its last report."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the orchestrator decides what Ctrl-C means
    child = Child()
    try:
        work(child)
    except Exception as error:  # noqa: BLE001 - the orchestrator tells the user, in one line
        child.fail(error)
    sys.stdout.flush()
    os._exit(0)


class PreciseClock(SystemClock):
    """The machine's monotonic clock; a wait for it sleeps through its last 20 ms, to end on time."""

    def wait(self, event: Event, until: int) -> bool:
        while (left := until - self.now()) > 0:
            if left > 20_000_000:
                if event.wait((left - 10_000_000) / 1e9):
                    return True
            else:
                time.sleep(left / 1e9)
        return event.is_set()
