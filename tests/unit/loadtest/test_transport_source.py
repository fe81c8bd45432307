"""What has come since the last look is one batch, in the order of the merge rule, however it was cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.loadtest.generator_process import frames_of
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.transport.base import Frame
from tickstock_cli.loadtest.transport.pipe import Pipe
from tickstock_cli.loadtest.transport_source import batch_of
from tickstock_cli.loadtest.workload import Workload
from tickstock_cli.sources.rows import RowIngest
from tickstock_cli.testing import SECOND


def load(**stage: float) -> Workload:
    """Return two seconds of a small market."""
    return Workload(
        Scenario.model_validate(
            {
                "title": "small",
                "symbols": {"tick": 20, "ohlcv": 40, "fmv": 10},
                "stages": [{"name": "all", "seconds": 2, "tick": 300, "ohlcv": 20, "fmv": 40, **stage}],
            }
        )
    )


def batches(frames: Sequence[Frame], cut: int) -> list[MergedBatch]:
    """Return frames as batches of ``cut`` frames each."""
    ingest = RowIngest(SymbolTable(load().tickers), 60)
    return [batch_of(frames[start : start + cut], ingest) for start in range(0, len(frames), cut)]


def flattened(parts: Sequence[MergedBatch]) -> list[tuple[int, int, int, int]]:
    """Return all rows in merge order: order, available time, record type, ticker."""
    return sorted(
        (order, available, place, code)
        for batch in parts
        for place, rows in enumerate((batch.ticks, batch.bars, batch.fmvs))
        for order, available, code in zip(
            rows.order.tolist(), rows.available_at.tolist(), rows.code.tolist(), strict=True
        )
    )


@pytest.mark.parametrize("cut", [2, 7, 1000])
def test_frames_that_arrive_together_are_merged_like_single_frames(cut: int) -> None:
    """How many frames a busy system takes at once must not change an event."""
    frames = [
        Frame(slot.number, slot.due + 1, {str(record): rows for record, rows in slot.parts.items()})
        for slot in load().slots()
    ]

    rows = flattened(batches(frames, cut))

    assert rows == flattened(batches(frames, 1))
    assert [order for order, *_ in rows] == list(range(720))
    assert rows == sorted(rows, key=lambda row: (row[1], row[2]))


def test_time_passes_with_frames_that_hold_no_row() -> None:
    """The system must know that nothing came: only then can it tell what waited for the end of a window."""
    moment = load().start
    ingest = RowIngest(SymbolTable(load().tickers), 60)

    batch = batch_of([Frame(0, moment, {}), Frame(1, moment + SECOND, {})], ingest)

    assert (len(batch), batch.watermark, ingest.latest) == (0, moment + SECOND, moment + SECOND)


def test_every_row_of_a_load_is_in_one_frame_whatever_the_speed() -> None:
    """Slots travel together at a high speed; none is left behind, and none goes before it is due."""
    for speed in (0.5, 1.0, 20.0, 500.0):
        frames = list(frames_of(load(), Pipe(), speed))

        assert [frame.number for frame in frames] == list(range(len(frames)))
        assert sum(frame.rows.get("tick", 0) for frame in frames) == 600
        assert frames[-1].due == load().start + 2 * SECOND
        assert (np.diff([frame.due for frame in frames]) > 0).all()


def test_frames_without_rows_advance_market_time() -> None:
    """Without rows there is a frame every 10 ms of wall time, not one a slot, nor none at all."""
    frames = list(frames_of(load(tick=0, ohlcv=0, fmv=0), Pipe(), 10.0))

    assert len(frames) == 20
