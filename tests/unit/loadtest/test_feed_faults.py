"""Planted faults are counted, to a row, and the core finds exactly what was planted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.loadtest.workloads import make, make_busy, run_core, scenario
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.loadtest.scenario import RECORDS

SHARES = st.floats(0.01, 0.5)
TYPES = st.sets(st.sampled_from(RECORDS), min_size=1).map(sorted)
FAULTS: Any = st.one_of(
    st.builds(lambda share, types: {"kind": "drop", "share": share, "types": types}, SHARES, TYPES),
    st.builds(
        lambda kind, share, ms, types: {"kind": kind, "share": share, "ms": ms, "types": types},
        st.sampled_from(["duplicate", "reorder"]), SHARES, st.floats(0.001, 90_000), TYPES,
    ),
    st.builds(
        lambda share, ms, types: {"kind": "skew", "share": share, "ms": ms, "types": types},
        SHARES, st.floats(-90_000, 90_000).filter(bool), TYPES,
    ),
    st.builds(
        lambda kind, every, share: {"kind": kind, "every_seconds": every, "ms": share * every * 1_000},
        st.sampled_from(["stall", "disconnect"]), st.integers(1, 40), st.floats(0.01, 0.99),
    ),
)  # fmt: skip


@given(st.lists(FAULTS, min_size=1, max_size=5), st.integers(0, 99))
@settings(max_examples=settings().max_examples // 4)
def test_the_core_rejects_exactly_the_planted_rows(
    tmp_path_factory: pytest.TempPathFactory, faults: list[Any], seed: int
) -> None:
    """By type and reason, whatever faults meet; every planted copy is among them, and nothing else is lost."""
    made = make(scenario(faults=faults, seed=seed, slot_ms=100))
    replayed = run_core(made, tmp_path_factory.mktemp("load"))
    planted = made.planted

    assert replayed.rejected() == planted.rejected()
    for record in RECORDS:
        assert replayed.ledger.get(f"{record}.read", 0) == planted.sent()[record]
        assert planted[f"{record}.asked"] == made.workload.rows[record]
        assert planted.sent()[record] == (
            planted[f"{record}.asked"] - planted[f"{record}.dropped"] + planted.duplicated()[record]
        )
        assert planted.duplicated()[record] <= sum(
            count for name, count in planted.rejected().items() if name.startswith(record)
        )


@given(st.lists(FAULTS, min_size=1, max_size=4), st.integers(1, 3_000))
@settings(max_examples=settings().max_examples // 10)
def test_faults_do_not_depend_on_block_boundaries(faults: list[Any], most_rows: int) -> None:
    """A row waits from block to block as it would within one."""
    document = scenario(faults=faults, slot_ms=100)
    wanted, cut = make(document), make(document, most_rows)

    assert [(slot.parts, slot.counts) for slot in cut.slots] == [(slot.parts, slot.counts) for slot in wanted.slots]


def test_a_planted_duplicate_is_an_exact_copy() -> None:
    """It differs in its arrival alone."""
    clean = make_busy()
    made = make(scenario(faults=[{"kind": "duplicate", "share": 0.1, "ms": 200}]))

    for record in RECORDS:
        sent, asked = (one.tables[record].drop("slot", "due", "received_at", "stage").rows() for one in (made, clean))
        copies = Counter(sent) - Counter(asked)
        assert set(copies) <= set(asked)
        assert copies.total() == made.planted.duplicated()[record] > 0


def test_every_duplicate_of_a_clean_feed_is_rejected(tmp_path: Path) -> None:
    """Bars as duplicates, ticks and fair values as late: nothing else is rejected."""
    made = make(scenario(faults=[{"kind": "duplicate", "share": 0.1, "ms": 200}]))
    planted = made.planted.duplicated()

    assert run_core(made, tmp_path).rejected() == {
        "tick.rejected.late": planted["tick"],
        "ohlcv.rejected.duplicate": planted["ohlcv"],
        "fmv.rejected.late": planted["fmv"],
    }


def test_drops_have_their_share_of_the_stage_and_type() -> None:
    """Rows that are sent are those of the clean load."""
    clean = make_busy()
    made = make(scenario(faults=[{"kind": "drop", "share": 0.25, "stages": ["open"], "types": ["tick"]}]))
    ticks = made.tables["tick"]
    opened = clean.workload.scenario.stages[1].rows("tick")

    assert len(ticks.join(clean.tables["tick"], on=ticks.columns, how="semi")) == len(ticks)
    assert made.planted["tick.dropped"] == len(clean.tables["tick"]) - len(ticks)
    assert 0.2 < made.planted["tick.dropped"] / opened < 0.3
    assert made.tables["ohlcv"].equals(clean.tables["ohlcv"])


def test_rows_of_a_silence_are_sent_after_it() -> None:
    """A stall every 20 seconds, for two; the rows come in its last slot's place, in their order."""
    made = make(scenario(faults=[{"kind": "stall", "every_seconds": 20, "ms": 2_000, "stages": ["open"]}]))
    begins = [made.workload.start + (60 + after) * NS_PER_SECOND for after in (20, 40, 60)]
    ticks = made.tables["tick"]

    for begin in begins:
        end = begin + 2 * NS_PER_SECOND
        assert not ticks["received_at"].is_between(begin + 1, end).any()
        assert ticks.filter(pl.col("received_at") == end + 10_000_000, pl.col("timestamp") < end).height > 50
    assert made.planted.rejected() == {}
    assert made.planted.sent() == made.workload.rows
    assert {slot.disconnect_ns for slot in made.slots} == {0}


def test_a_disconnect_is_marked_where_it_begins() -> None:
    """With its length in market time."""
    made = make(scenario(faults=[{"kind": "disconnect", "every_seconds": 50, "ms": 1_500}]))
    marked = {slot.number: slot.disconnect_ns for slot in made.slots if slot.disconnect_ns}

    assert marked == {(50 + 0) * 100: 1_500_000_000, (60 + 50) * 100: 1_500_000_000}


def test_a_skewed_clock_is_that_of_some_tickers() -> None:
    """Their timestamps are off by it, against the clean load; the others' are not."""
    clean = make_busy()
    made = make(scenario(faults=[{"kind": "skew", "share": 0.3, "ms": -700, "types": ["tick"]}]))
    moved = clean.tables["tick"]["timestamp"] - made.tables["tick"]["timestamp"]
    by_ticker = clean.tables["tick"].with_columns(moved=moved).group_by("ticker").agg(pl.col("moved").unique())

    assert by_ticker["moved"].list.len().max() == 1
    assert set(by_ticker["moved"].explode()) == {0, 700_000_000}
