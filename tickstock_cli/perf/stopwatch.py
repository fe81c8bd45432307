"""Times stages that follow each other: each stage's own CPU time, without that of the stages it calls.

CPU time of the whole process, so that decoding counts with all its threads, and what others do on the machine does
not count at all.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar
from unittest.mock import patch

ItemT = TypeVar("ItemT")
Watched = tuple[Any, str, str]
"""Class or module, name of its function, stage."""


class Stopwatch:
    """CPU seconds by stage. What runs while no stage does is nobody's."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Count the time of the block to ``stage``, but for stages inside it."""
        self._inside.append(0.0)
        begun = time.process_time()
        try:
            yield
        finally:
            elapsed = time.process_time() - begun
            self.seconds[stage] += elapsed - self._inside.pop()
            if self._inside:
                self._inside[-1] += elapsed

    def iterate(self, items: Iterable[ItemT], stage: str) -> Iterator[ItemT]:
        """Return ``items``, and count the making of each to ``stage``."""
        iterator = iter(items)
        while True:
            with self.running(stage):
                item = next(iterator, None)
            if item is None:
                return
            yield item

    @contextmanager
    def watching(self, parts: Iterable[Watched]) -> Iterator[None]:
        """Count calls within the block to their stages, whatever the instance."""
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
