"""A load test as an orchestrator would have seen it on a machine of two CPUs.

Five quiet seconds to warm up, a surge of fifteen, ten quiet ones, and the second in which the rest was done with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from tickstock_cli.loadtest.observation import (
    ClientFigures,
    ExpectedResults,
    Observation,
    RouterFigures,
    Second,
    StageSpan,
)
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.measurement.histogram import Histogram
from tickstock_cli.measurement.machine import Machine

MIB = 1 << 20
SPEED = 10.0

SCENARIO = {
    "title": "The open, in small",
    "symbols": {"tick": 100, "ohlcv": 8_000, "fmv": 200},
    "stages": [
        {"name": "warm_up", "seconds": 50, "tick": 60, "ohlcv": 134, "fmv": 2, "warm_up": True},
        {"name": "surge", "seconds": 150, "tick": 180, "ohlcv": 134, "fmv": 4, "surge": True},
        {"name": "calm", "seconds": 100, "tick": 60, "ohlcv": 134, "fmv": 2},
    ],
}

STAGES = (
    StageSpan("warm_up", 0, 5, warm_up=True),
    StageSpan("surge", 5, 20, surge=True),
    StageSpan("calm", 20, 30),
)

MACHINE = Machine(
    processor="AMD EPYC 7B13",
    cpus=2,
    memory_bytes=8 << 30,
    system="Linux 6.8.0 x86_64",
    python="CPython 3.11.9",
    packages={"tickstock": "0.1.0", "numba": "0.61.2", "numpy": "2.2.6"},
    commit="1b2c3d4",
    load_1m=0.2,
)

TYPICAL_MS = {"tick": 2.5, "ohlcv": 45.0, "fmv": 250.0, "event": 6.0, "client": 9.0}
"""Median latency of each name."""


def latency(random: np.random.Generator, median_ms: float, count: int, wait_ms: float = 0) -> Histogram:
    """Return latencies with a long tail, after a wait that is the same for all."""
    histogram = Histogram()
    histogram.record(1_000 * (wait_ms + median_ms * np.exp(random.normal(0, 0.35, count))))
    return histogram


def stage_at(second: int) -> StageSpan | None:
    """Return the stage in which a second begins."""
    return next((span for span in STAGES if span.begins <= second < span.ends), None)


def observed(waits: Mapping[int, float] | None = None, **changes: Any) -> Observation:
    """Return an observation that meets every target.

    Parameters
    ----------
    waits
        Second -> ms for which all of its rows had to wait, besides what they took.
    changes
        Other values of its fields.
    """
    return replace(_observed(tuple((waits or {}).items())), **changes)


@cache
def _observed(waits: tuple[tuple[int, float], ...]) -> Observation:
    random = np.random.default_rng(7)
    whole = {name: Histogram() for name in TYPICAL_MS}
    by_stage = {span.name: {name: Histogram() for name in TYPICAL_MS} for span in STAGES}
    seconds = []
    for at in range(31):
        span = stage_at(at)
        asked = {
            "tick": 1_800 if span and span.surge else 600,
            "ohlcv": 1_340,
            "fmv": 40 if span and span.surge else 20,
        }
        counts = {**asked, "event": 90, "client": 270} if span else dict.fromkeys(TYPICAL_MS, 5)
        wait = dict(waits).get(at, 0.0)
        histograms = {
            name: latency(random, TYPICAL_MS[name] * (1.5 if span and span.surge else 1), count, wait)
            for name, count in counts.items()
        }
        for name, histogram in histograms.items():
            if span:
                by_stage[span.name][name].add(histogram)
            if span and not span.warm_up:
                whole[name].add(histogram)
        rows = asked if span else dict.fromkeys(asked, 0)
        seconds.append(
            Second(
                at=at,
                stage=span.name if span else "",
                asked=rows,
                sent=rows,
                processed=rows,
                backlog=110 + round(3 * wait) if span else 0,
                queues={"tick-1": 40 + round(1.8 * wait), "ohlcv-1": 160, "fmv-1": 12},
                latency={name: histogram.encode() for name, histogram in histograms.items()},
                memory_bytes=(420 + 6 * at) * MIB,
                cpu_seconds={"system": 0.62, "generator": 0.11, "clients": 0.08},
                gc_collections=at % 3,
                alerts=int(wait > 25),
                breakers_open=0,
            )
        )
    rows = {kind: sum(second.asked[kind] for second in seconds) for kind in ("tick", "ohlcv", "fmv")}
    duplicates = {"ohlcv": 12}
    ledger = {f"{kind}.read": count for kind, count in rows.items()}
    ledger |= {f"{kind}.processed": count - duplicates.get(kind, 0) for kind, count in rows.items()}
    ledger |= {"ohlcv.rejected.duplicate": 12, "coordinator.emitted": 2_700}
    return Observation(
        name="small_open",
        scenario=Scenario.model_validate(SCENARIO).model_dump(mode="json"),
        speed=SPEED,
        transport="pipe",
        command="tickstock loadtest small_open.toml --speed 10 --out run",
        started="2026-03-09T08:12:31Z",
        machine=MACHINE,
        stages=STAGES,
        seconds=tuple(seconds),
        whole={name: histogram.encode() for name, histogram in whole.items()},
        by_stage={
            stage: {name: histogram.encode() for name, histogram in names.items()} for stage, names in by_stage.items()
        },
        sent=rows,
        ledger=ledger,
        events=2_700,
        foreign_events=0,
        failed_rows=0,
        truth=ExpectedResults(
            rows, duplicates, {"dropped": 31}, {"ohlcv.rejected.duplicate": 12}, 2_700, "ab" * 32, ledger
        ),
        digest="ab" * 32,
        lateness=latency(random, 0.2, 3_000).encode(),
        router=RouterFigures(9_300, 41.5),
        clients=ClientFigures(count=4, stalled=1, delivered=8_100, repeats=0, gaps=0),
    )
