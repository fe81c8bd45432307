"""Hypothesis strategies: short hostile recordings with settings under which they have consequences.

A recording is drawn as a list of *runs*: a run is one step repeated, so that few draws make a burst within a
second, a drift, a run of bad prints around ``guard.confirm_rows``, or a bar sent twice. It shrinks to few runs
of one row each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.oracle.layout import BORDERS, FAULTS, OPEN, OPTIONAL, TICKERS, FileShape, Step, lay_out
from tests.oracle.random_cases import RECORDS, random_case
from tests.oracle.records import SECOND, Record, Row
from tests.oracle.variations import CONFIRMED, LIVELY, VARIATIONS

__all__ = [
    "bar_recordings",
    "fmv_recordings",
    "long_recordings",
    "mixed_recordings",
    "recordings",
    "settings",
    "tick_recordings",
]

Case = tuple[list[list[Row]], dict[str, Any]]
"""Rows by file, and settings."""

MILLISECOND = 1_000_000
INSTANTS = (0, 1, MILLISECOND, SECOND // 4, SECOND // 2, SECOND - 1)
SHORT = (SECOND, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 20 * SECOND)
BAR = (60 * SECOND, 60 * SECOND, 60 * SECOND + 1, 30 * SECOND)
LONG = (300 * SECOND, 301 * SECOND, 900 * SECOND, 901 * SECOND)
LEAPS = (6 * 3600 * SECOND, 24 * 3600 * SECOND)
GAPS: dict[Record, tuple[int, ...]] = {
    "tick": INSTANTS * 2 + SHORT * 3 + BAR + LONG + LEAPS,
    "ohlcv": INSTANTS + SHORT * 3 + BAR * 4 + LONG + LEAPS,
    "fmv": INSTANTS * 2 + SHORT * 3 + BAR * 2 + LONG + LEAPS,
}
"""Time since the former step, ns; leaps are rare, since they leave the session."""

MOVES = (1.0, 1.0005, 0.9995, 1.001, 0.999, 1.002, 0.998, 1.005, 0.995, 1.012, 0.985, 1.03, 0.97, 1.25, 0.8, 2.0, 0.5)
STRAYS: dict[Record, tuple[float, ...]] = {
    "tick": (1.0, 1.0, 1.0, 1.1, 0.9, 1.1001, 0.8999, 1.02, 0.98, 1.3, 0.5, 2.0),
    "ohlcv": (1.0, 1.0005, 0.9995, 1.01, 0.99),
    "fmv": (1.0, 1.01, 0.99, 1.05, 0.95, 1.0501, 1.03, 0.97, 0.9),
}
SIZES = (100.0, 0.0, 1.0, 0.5, 5e-7, 1.5e-6, 1000.0, 333.3333335, 1e6, 1e11)
DELAYS = (0, MILLISECOND, SECOND, 10 * SECOND, 61 * SECOND, -1, -60 * SECOND, -60 * SECOND - 1, -121 * SECOND, None)
LEADS = (0, 1, SECOND, 10 * SECOND, 60 * SECOND, 300 * SECOND, 1800 * SECOND)
"""How long before a border a recording begins, ns."""

ALTERNATIVES = tuple(alternative for group in VARIATIONS for alternative in group)
COLUMNS: dict[Record, dict[str, tuple[Any, ...]]] = {
    "tick": {"flags": (0, None, 1, 2, 3, 4, 5, 6, 7)},
    "ohlcv": {
        "interval": (60, 1, 5, 300),
        "avg_volume": (None, 50.0, 100.0, 0.0),
        "percent_change": (None, 0.0, 1.0, -3.0),
    },
    "fmv": {"confidence": (1.0, None, 0.9, 0.7, 0.7 - 1e-9, 0.699, 0.0)},
}


@dataclass(frozen=True)
class Run:
    """A step and how often it happens; only the first of them is spoiled by ``fault``."""

    step: Step
    count: int
    fault: dict[str, Any]

    def steps(self) -> list[Step]:
        """Return the steps one by one."""
        first = replace(self.step, columns=self.step.columns | self.fault)
        return [first] + [self.step] * (self.count - 1)


def settings() -> st.SearchStrategy[dict[str, Any]]:
    """Draw settings: lively ones or the defaults, with up to four keys off the beaten track."""
    base = st.sampled_from((CONFIRMED | LIVELY, CONFIRMED))
    return st.builds(_laid_over, base, st.lists(st.sampled_from(ALTERNATIVES), max_size=4))


def tick_recordings(max_runs: int = 25) -> st.SearchStrategy[Case]:
    """Draw recordings of ticks alone."""
    return recordings(("tick",), max_runs)


def bar_recordings(max_runs: int = 25) -> st.SearchStrategy[Case]:
    """Draw recordings of bars alone."""
    return recordings(("ohlcv",), max_runs)


def fmv_recordings(max_runs: int = 25) -> st.SearchStrategy[Case]:
    """Draw recordings of fair market values alone."""
    return recordings(("fmv",), max_runs)


def mixed_recordings(max_runs: int = 40) -> st.SearchStrategy[Case]:
    """Draw recordings of all types."""
    return recordings(("tick", "tick", "ohlcv", "fmv"), max_runs)


def long_recordings(rows: int = 2000) -> st.SearchStrategy[Case]:
    """Draw a seed of ``random_case``; such recordings are rich, but do not shrink."""
    return st.builds(random_case, st.integers(0, 2**32 - 1), st.just(rows))


@st.composite
def recordings(draw: st.DrawFn, records: Sequence[Record] = RECORDS, max_runs: int = 40) -> Case:
    """Draw a recording of the given types around a border of the trading day.

    Parameters
    ----------
    draw
        Given by hypothesis.
    records
        Which types of rows it may have; a type named twice is drawn twice as often.
    max_runs
        Most runs of rows; a run has up to 8.
    """
    chosen = draw(settings())
    tickers = draw(st.sampled_from((TICKERS[:1], TICKERS[:2], TICKERS)))
    shapes = [
        shape
        for record in RECORDS
        if record in records
        for shape in draw(st.lists(_shapes(record), min_size=1, max_size=2))
    ]
    runs = draw(st.lists(st.one_of([_runs(record, tickers) for record in records]), max_size=max_runs))
    start = draw(st.sampled_from(OPEN) | st.sampled_from(BORDERS)) - draw(st.sampled_from(LEADS))
    steps = [step for run in runs for step in run.steps()]
    return lay_out(steps, start, shapes, chosen), chosen


def _laid_over(base: dict[str, Any], alternatives: Sequence[dict[str, Any]]) -> dict[str, Any]:
    chosen = dict(base)
    for alternative in alternatives:
        chosen |= alternative
    return chosen


def _shapes(record: Record) -> st.SearchStrategy[FileShape]:
    everything = frozenset(OPTIONAL[record])
    optional = st.one_of(
        st.just(everything - {"received_at"}),
        st.just(everything),
        st.frozensets(st.sampled_from(OPTIONAL[record])),
    )
    return st.builds(FileShape, st.just(record), optional, st.booleans(), st.sampled_from((2, 4, 12)))


def _runs(record: Record, tickers: Sequence[str]) -> st.SearchStrategy[Run]:
    columns: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(values) for name, values in COLUMNS[record].items()}
    )
    if record == "fmv":
        columns = st.builds(_without_market_price, columns, st.booleans())
    step = st.builds(
        Step,
        record=st.just(record),
        ticker=st.sampled_from(tickers),
        gap=st.sampled_from(GAPS[record]),
        move=st.sampled_from(MOVES),
        stray=st.sampled_from(STRAYS[record]),
        size=st.sampled_from(SIZES),
        delay=st.sampled_from(DELAYS),
        file=st.integers(0, 1),
        columns=columns,
    )
    return st.builds(Run, step, st.integers(1, 8), _faults(record))


def _without_market_price(columns: dict[str, Any], without: bool) -> dict[str, Any]:
    return columns | {"market_price": None} if without else columns


def _faults(record: Record) -> st.SearchStrategy[dict[str, Any]]:
    single = st.one_of([_fault(column, values) for column, values in sorted(FAULTS[record].items())])
    none: st.SearchStrategy[dict[str, Any]] = st.just({})
    return st.one_of(none, none, none, none, single)


def _fault(column: str, values: tuple[Any, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(values).map(lambda value: {column: value})
