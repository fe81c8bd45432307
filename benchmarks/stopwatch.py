"""Times the stages of one thread: each stage's own time, without that of the stages it calls."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar
from unittest.mock import patch

ItemT = TypeVar("ItemT")


class Stopwatch:
    """Seconds by stage. What runs while no stage does is nobody's."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Count the time of the block to ``stage``, but for stages inside it."""
        self._inside.append(0.0)
        begun = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - begun
            self.seconds[stage] += elapsed - self._inside.pop()
            if self._inside:
                self._inside[-1] += elapsed

    def iterate(self, items: Iterable[ItemT], stage: str) -> Iterator[ItemT]:
        """Give ``items``, and count the making of each to ``stage``."""
        iterator = iter(items)
        while True:
            with self.running(stage):
                item = next(iterator, None)
            if item is None:
                return
            yield item

    @contextmanager
    def watching(self, parts: Iterable[tuple[Any, str, str]]) -> Iterator[None]:
        """Count calls of (class or module, name of its function, stage) within the block, for all instances."""
        patches = [patch.object(owner, name, self._timed(getattr(owner, name), stage)) for owner, name, stage in parts]
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in patches:
                each.stop()

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            with self.running(stage):
                return function(*arguments, **named)

        return timed
