"""Single keys from the terminal, and what they do."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from threading import Event, Thread
from types import TracebackType
from typing import Self

from tickstock_cli.cli.leaving import restored
from tickstock_cli.engine.control import Control

KEYS = "space pause/go on   s one row   + faster   - slower   q stop"
LOOK_SECONDS = 0.1
"""Interval at which the thread checks whether the process has the terminal, and its settings."""
LOCAL_FLAGS = 3
"""Index of the flags of line editing in the result of ``termios.tcgetattr``."""


class Keys:
    """Reads keys in a thread within the context, which restores the terminal at its end.

    ``actions`` are called by key.

    A shell that stops and continues a job sets the terminal back to whole lines, so the thread checks for that and sets
    single keys again. In the background it does not touch the terminal, because the system would stop the process.
    """

    def __init__(self, actions: Mapping[bytes, Callable[[], object]]) -> None:
        self._actions = actions
        self._closed = Event()
        self._stack = ExitStack()
        self._terminal = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._terminal)
        self._thread = Thread(target=self._run, name="tickstock-keys", daemon=True)

    def __enter__(self) -> Self:
        self._stack.enter_context(restored(self._restore))
        tty.setcbreak(self._terminal)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        self._stack.close()
        self._restore()

    def _restore(self) -> None:
        if has_keyboard():
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def _run(self) -> None:
        while not self._closed.is_set():
            if not has_keyboard():
                self._closed.wait(LOOK_SECONDS)
                continue
            if termios.tcgetattr(self._terminal)[LOCAL_FLAGS] & termios.ICANON:
                tty.setcbreak(self._terminal)
            ready, _, _ = select.select([self._terminal], [], [], LOOK_SECONDS)
            if ready and has_keyboard():
                self._press(os.read(self._terminal, 1))

    def _press(self, key: bytes) -> None:
        if (action := self._actions.get(key)) is not None:
            action()


def paced_keys(control: Control) -> dict[bytes, Callable[[], object]]:
    """Return the actions of a paced run's keys."""
    faster, slower = partial(control.multiply_speed, 2), partial(control.multiply_speed, 0.5)
    return {
        b" ": control.toggle_pause,
        **dict.fromkeys((b"s", b"n"), control.step),
        **dict.fromkeys((b"+", b"="), faster),
        **dict.fromkeys((b"-", b"_"), slower),
        b"q": control.stop,
    }


def has_keyboard() -> bool:
    """Return whether this process gets keys: the system stops a background process that reads the terminal."""
    return bool(sys.stdin) and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
