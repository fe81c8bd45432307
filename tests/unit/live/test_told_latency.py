"""Latency of told events."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tickstock_cli.live.told_latency import ToldLatency

NOW = 1_700_000_000_000_000_000


def test_an_event_counts_from_its_emission() -> None:
    """`emitted_at` is the frame's time of arrival, or the end of the window that held the event."""
    latency = ToldLatency(lambda: NOW)
    assert latency.figures() == {"p50": None, "p99": None, "max": None}
    emitted = pa.array([NOW - 5_000_000, NOW - 7_000_000, NOW - 20_000_000], pa.timestamp("ns", "UTC"))
    latency.released(pa.RecordBatch.from_arrays([emitted], ["emitted_at"]), 3)
    figures = latency.figures()
    assert figures["p50"] == pytest.approx(7.0, rel=0.001)
    assert figures["max"] == pytest.approx(20.0, rel=0.001)
