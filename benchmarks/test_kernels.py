"""The hot loops alone, each on the largest call it gets from one batch in the middle of the day.

Protects every kernel from getting slower behind the others' backs. A core takes a market up to that batch, so that
state is what a morning leaves behind; the arguments of that batch are kept, and every round starts from them again.
The batch has 2**18 rows, most of them ticks: 250 µs of a kernel that reads ticks are about 1 ns a tick.

`make bench` runs this; `make test` does not.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.workloads import Market, prepare
from tickstock_cli.build import build_core, settings_model
from tickstock_cli.channels import base, fmv, ohlcv, tick
from tickstock_cli.detectors import fmv as fmv_detector
from tickstock_cli.detectors import highlow, surge, trend
from tickstock_cli.detectors import ohlcv as ohlcv_detector
from tickstock_cli.engine import coordinator
from tickstock_cli.kernels import normalise
from tickstock_cli.replaying import BATCH_ROWS
from tickstock_cli.sources import assemble, merge
from tickstock_cli.sources.recordings import Recordings

ROUNDS, WARM_UP_ROUNDS = 20, 2

KERNELS: dict[str, tuple[Any, str]] = {
    "normalise: look_up": (normalise, "look_up"),
    "normalise: whole_shares": (normalise, "whole_shares"),
    "merge: merge_runs": (merge, "merge_runs"),
    "merge: use_up": (assemble, "use_up"),
    "group: group_rows": (base, "group_rows"),
    "validate: admit_ticks": (tick, "admit_ticks"),
    "validate: admit_bars": (ohlcv, "admit_bars"),
    "validate: admit_fmvs": (fmv, "admit_fmvs"),
    "detect: highlow": (highlow, "scan_ticks"),
    "detect: surge": (surge, "scan_ticks"),
    "detect: trend": (trend, "scan_ticks"),
    "detect: ohlcv": (ohlcv_detector, "scan_bars"),
    "detect: fmv": (fmv_detector, "scan_fmvs"),
    "coordinate: compete": (coordinator, "compete"),
    "coordinate: still_held": (coordinator, "still_held"),
}
"""Where each kernel is called from Python: module and name."""


@dataclass(slots=True)
class Call:
    """A call of a kernel: its arguments as they were before it, the arrays of every round, and what it gave."""

    kernel: Callable[..., Any]
    before: tuple[Any, ...]
    arguments: tuple[Any, ...]
    result: Any = None

    def restore(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments as they were; in the same memory every time, for fresh pages cost more than kernels."""
        _refill(self.arguments, self.before)
        return self.arguments, {}


class Captor:
    """Stands in for a kernel: calls it, and keeps its largest call while told to."""

    def __init__(self, kernel: Callable[..., Any]) -> None:
        self._kernel = kernel
        self.keeps = False
        self.call: Call | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Call the kernel."""
        if not self.keeps or (self.call is not None and _size(arguments) <= _size(self.call.before)):
            return self._kernel(*arguments)
        call = self.call = Call(self._kernel, _copy(arguments), _copy(arguments))
        call.result = self._kernel(*arguments)
        return call.result


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    """Take a market through reading and core up to the middle of its rows, and keep what happens there."""
    rows, symbols = (int(os.environ.get(f"BENCH_{name}", "0")) for name in ("ROWS", "SYMBOLS"))
    market = prepare(Market(rows or 2_000_000, symbols or 8_000), print)
    captors = {name: Captor(getattr(module, kernel)) for name, (module, kernel) in KERNELS.items()}
    with ExitStack() as stack:
        for name, (module, kernel) in KERNELS.items():
            stack.enter_context(patch.object(module, kernel, captors[name]))
        recordings = stack.enter_context(Recordings.open([market.folder]))
        core = build_core(settings_model()(), recordings.symbols)
        batches = recordings.batches(BATCH_ROWS)
        for batch in islice(batches, recordings.rows // BATCH_ROWS // 2):
            core.step(batch)
        for captor in captors.values():
            captor.keeps = True
        core.step(next(batches))
    return {name: captor.call for name, captor in captors.items() if captor.call is not None}


@pytest.mark.parametrize("name", KERNELS)
def test_kernel(benchmark: BenchmarkFixture, calls: dict[str, Call], name: str) -> None:
    """Every round is the same call with the same result."""
    call = calls[name]
    benchmark.extra_info["argument_bytes"] = _size(call.before)

    result = benchmark.pedantic(  # type: ignore[no-untyped-call]  # pytest-benchmark's own signature has no types
        call.kernel, setup=call.restore, rounds=ROUNDS, warmup_rounds=WARM_UP_ROUNDS
    )

    assert result == call.result


def _copy(value: Any) -> Any:
    """Copy the arrays of nested tuples; read-only ones stay so, since kernels are compiled for either kind."""
    if isinstance(value, tuple):
        parts = [_copy(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, np.ndarray):
        copied = value.copy()
        copied.flags.writeable = value.flags.writeable
        return copied
    return value


def _refill(value: Any, source: Any) -> None:
    if isinstance(value, tuple):
        for part, other in zip(value, source, strict=True):
            _refill(part, other)
    elif isinstance(value, np.ndarray) and value.flags.writeable:
        value[...] = source


def _size(value: Any) -> int:
    if isinstance(value, tuple):
        return sum(map(_size, value))
    return value.nbytes if isinstance(value, np.ndarray) else 0
