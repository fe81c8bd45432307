"""A server as a user starts it: a process of its own, ended by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pyarrow as pa

from tests.cli.prepared import start_process
from tests.cli.processes import LONGEST_SECONDS
from tests.unit.serving.served_runs import event, events
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.serving.server import ServerThread
from tickstock_cli.sinks.opening import open_sink


def write_events(path: Path, count: int, schema: pa.Schema = EVENT_SCHEMA) -> Path:
    """Write the first events of the story to a file."""
    sink = open_sink(str(path), schema)
    sink.write(events([event(number) for number in range(1, count + 1)]))
    sink.commit()
    return path


@contextmanager
def start(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start ``tickstock`` with arguments, and let it run meanwhile; warnings are errors there too."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TICKSTOCK_")}
    with start_process(
        *arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()  # not killed: a server that can end takes its temporary folder with it
            words(process)


@contextmanager
def served_file(path: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``tickstock serve`` on any free port, and return the process and its address."""
    with start("serve", path, "--port", "0", *more) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    """Send a signal, wait for the end, and return exit code and what stood on stderr."""
    process.send_signal(number)
    _, talk = words(process)
    return process.returncode, talk


def words(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end; give all that stood on stdout and stderr. A process that does not end is killed, and fails."""
    try:
        return process.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it did not end within {LONGEST_SECONDS} s: {process.communicate()}") from None


def until_sent(server: ServerThread, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until a process that follows a server has been sent so many events."""
    deadline = monotonic() + LONGEST_SECONDS
    while (sent := server.server.hub.sent_events) < count:
        assert process.poll() is None, f"it ended after {sent} of {count} events: {words(process)}"
        assert monotonic() < deadline, f"it was sent {sent} of {count} events within {LONGEST_SECONDS} s"
        sleep(0.01)
