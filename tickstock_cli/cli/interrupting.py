"""Ends of a run from outside: Ctrl-C, a second Ctrl-C, a closed pipe."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING, Any, Protocol

from tickstock_cli.cli.exits import INTERRUPTED
from tickstock_cli.cli.leaving import restore_all
from tickstock_cli.errors import OutputError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from tickstock_cli.replaying import Request

WAKE_SECONDS = 0.25
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a run: of Ctrl-C, of a service manager, of a closed terminal."""
AT_ONCE_SECONDS = 2.0
"""Limit of the cleaning up after a second Ctrl-C: removing unfinished outputs, ending threads."""


def load_sinks(targets: Sequence[str]) -> None:
    """Load the sinks of the targets, before ``stop_on_interrupt``.

    polars installs a signal handler when it is loaded. With it, waits continue after Ctrl-C (pola-rs/polars#21739), and
    the next call of polars, in any thread, raises KeyboardInterrupt.
    """
    from tickstock_cli.sinks.opening import sink_class

    for target in targets:
        sink_class(target)


@contextmanager
def quiet_if_reader_leaves(request: Request) -> Iterator[None]:
    """End a run whose only output is a pipe without a message when its reader closes it, as in ``| head -1``."""
    try:
        yield
    except OutputError as error:
        if isinstance(error.__cause__, BrokenPipeError) and request.outs == ["-"] and request.rejects is None:
            raise error.__cause__ from error
        raise


@contextmanager
def leave_at_once_if_insisted() -> Iterator[None]:
    """End the process after a second Ctrl-C: an orderly exit would wait for a pipe without a reader."""
    try:
        yield
    except KeyboardInterrupt:
        _leave()


def _leave() -> None:
    restore_all()
    print("interrupted", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


def asked_by() -> list[signal.Signals]:
    """Return the signals that end a run, without those that are ignored, as with ``nohup``."""
    return [number for number in ENDINGS if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]


def stop_on_signals(loop: AbstractEventLoop, stop: Callable[[], object]) -> None:
    """Call ``stop`` on a loop at the first Ctrl-C or SIGTERM, and cancel the loop at the second.

    A second SIGHUP does not count: see `_insists`.
    """
    numbers = asked_by()

    def insist() -> None:
        raise KeyboardInterrupt

    def first() -> None:
        for number in numbers:
            loop.add_signal_handler(number, insist if _insists(number) else lambda: None)
        stop()

    for number in numbers:
        loop.add_signal_handler(number, first)


def _insists(number: int) -> bool:
    """Return whether a signal insists on an end that was asked for before.

    A terminal that is closed sends SIGHUP itself, and so does its shell; service managers send it behind SIGTERM.
    """
    return number != signal.SIGHUP


class Stoppable(Protocol):
    """A run that any thread can end early."""

    def stop(self) -> None:
        """End soon, and cleanly."""


@contextmanager
def stop_on_interrupt(control: Stoppable) -> Iterator[None]:
    """Stop the run cleanly at the first Ctrl-C or SIGTERM, and at once at the second; a second SIGHUP does not count.

    A timer interrupts waits of the main thread: without it, a signal just before a wait is handled only at its end.
    """
    asked = Event()
    insisted = Timer(AT_ONCE_SECONDS, _leave)
    insisted.daemon = True

    def stop(number: int, frame: Any) -> None:  # noqa: ARG001 - the signal module's signature
        if asked.is_set():
            if not _insists(number):
                return
            signal.signal(number, lambda *_: _leave())  # a third one does not wait for the cleaning up
            if not insisted.is_alive():
                insisted.start()
            raise KeyboardInterrupt
        asked.set()
        # In a thread, because the interrupted thread may hold the control's lock.
        Thread(target=control.stop, name="tickstock-stop").start()

    def wake(number: int, frame: Any) -> None:
        pass

    handlers = {**dict.fromkeys(asked_by(), stop), signal.SIGALRM: wake}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    timer = signal.setitimer(signal.ITIMER_REAL, WAKE_SECONDS, WAKE_SECONDS)
    try:
        yield
    finally:
        insisted.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        # Restore a timer of the caller, which did not run during the context
        signal.setitimer(signal.ITIMER_REAL, *timer)
