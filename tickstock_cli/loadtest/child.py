"""A process of a load test as it sees itself: its job, its commands, and its reports.

The first line of standard input is the job, each further line a command; each line of standard output is a report. All
are JSON objects. If standard input ends without the command "leave", the orchestrator has died, and the process removes
the folder of the load test and ends.
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
from tickstock_cli.core.memory_errors import error_words
from tickstock_cli.measurement.machine import busy_cpu_seconds

SECOND = 1_000_000_000
DEBUG_VARIABLE = "TICKSTOCK_DEBUG"


class Child:
    """The connection of a process to its orchestrator."""

    def __init__(self) -> None:
        self.job: dict[str, Any] = json.loads(sys.stdin.readline())
        self.stopped = Event()
        """Set by the command "stop"."""
        self._started = Event()
        self._anchor = 0
        self._on_stop: list[Callable[[], None]] = []
        self._lock = Lock()
        self._process = psutil.Process()
        Thread(target=self._listen, name="tickstock-commands", daemon=True).start()

    def ready(self, **facts: Any) -> int:
        """Report "ready", wait for the start, and return the anchor (ns of the monotonic clock)."""
        freeze_gc()
        self.report("ready", **facts)
        self._started.wait()
        return self._anchor

    def on_stop(self, call: Callable[[], None]) -> None:
        """Register a function that another thread calls at the command "stop"."""
        with self._lock:
            self._on_stop.append(call)
        if self.stopped.is_set():
            call()

    def report(self, kind: str, **facts: Any) -> None:
        """Write one report to the orchestrator."""
        line = json.dumps({"kind": kind, **facts})
        with self._lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def every_second(self, anchor: int, look: Callable[[int], dict[str, Any]]) -> None:
        """Report what ``look`` returns for each second since the anchor; ``look`` takes the second's end (ns).

        A thread of its own calls ``look`` at the end of each second.
        """

        def run() -> None:
            try:
                measure()
            except Exception as error:  # noqa: BLE001 - without a report the remaining seconds would look like an idle system
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
        """Report an error and end the process at once, whatever its other threads wait for."""
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exception(error)
        why = str(error) if isinstance(error, OSError) else error_words(error)
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
            message = json.loads(line)
            if message["command"] == "start":
                self._anchor = int(message["anchor"])
                self._started.set()
            elif message["command"] == "stop":
                self.stopped.set()
                with self._lock:
                    calls = list(self._on_stop)
                for call in calls:
                    call()
            elif message["command"] == "leave":
                os._exit(0)
        shutil.rmtree(self.job["folder"], ignore_errors=True)
        os._exit(1)


def run_child(work: Callable[[Child], None]) -> None:
    """Run a process's work to its end; an error becomes its last report."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the orchestrator alone handles Ctrl-C
    child = Child()
    try:
        work(child)
    except Exception as error:  # noqa: BLE001 - the orchestrator prints it in one line
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
