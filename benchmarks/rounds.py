"""Measuring in rounds: every subject once a round, the order turned on by one from round to round.

What the machine does besides, it does to all subjects of a round alike; a ratio is always one of the same round.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from benchmarks.fresh import Sample

Resulting = TypeVar("Resulting")
Samples = dict[str, list[Sample]]
"""By subject, one sample a round."""


def interleave(subjects: Mapping[str, Callable[[], Sample]], rounds: int, announce: Callable[[str], None]) -> Samples:
    """Measure every subject ``rounds`` times: A B C, then B C A, then C A B, and so on."""
    names = list(subjects)
    samples: Samples = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            announce(f"round {number + 1} of {rounds}: {name}")
            samples[name].append(subjects[name]())
    return samples


def timed(work: Callable[[], Resulting]) -> tuple[Resulting, float, float]:
    """Do ``work``, garbage collected before; give its result, wall seconds, and seconds of all its threads' CPU."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def column(samples: list[Sample], name: str, scale: float = 1.0) -> tuple[float, ...]:
    """Return one figure of every round, times ``scale``."""
    return tuple(sample[name] * scale for sample in samples)


def ratios(samples: list[Sample], base: list[Sample], name: str) -> tuple[float, ...]:
    """Return round by round how many times the base's figure a subject's is."""
    return tuple(sample[name] / other[name] for sample, other in zip(samples, base, strict=True))
