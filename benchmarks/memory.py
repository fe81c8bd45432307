"""Peak memory of flat-out replays, and whether it grows with the recording.

Protects that recordings of any length can be replayed on any machine: memory follows tickers, not rows.
"""

from __future__ import annotations

from benchmarks.figures import Figure, Section
from benchmarks.flat_out import DECODE, REPLAYS
from benchmarks.rounds import Samples, column, ratios
from benchmarks.workloads import ROWS, Market

MIB = 1 << 20
BAR_MIB = 1024.0
GROWTH_BAR = 1.1
"""Peak for the longer recording over peak for ``ROWS`` ticks, at most."""


def section(market: Market, samples: Samples) -> Section:
    """Return the peaks of the processes that `flat_out` measured."""
    return Section(
        f"peak_memory: {market.rows:,} ticks of {market.symbols:,} tickers",
        "a replay fits beside everything else on a small machine",
        [_peak(DECODE, samples), *(_peak(name, samples, BAR_MIB) for name in REPLAYS.values())],
    )


def growth_section(market: Market, samples: Samples, longer: Market, longer_samples: Samples) -> Section:
    """Compare the peaks with those of a longer recording, round by round."""
    bar = GROWTH_BAR if market.rows >= ROWS else None
    figures = []
    for name in REPLAYS.values():
        growth = ratios(longer_samples[name], samples[name], "peak_rss_bytes")
        figures += [
            Figure(f"{name} / {market.rows:,} ticks", "×", growth, bar),
            _peak(name, longer_samples, BAR_MIB),
        ]
    return Section(
        f"memory_growth: {longer.rows:,} ticks of {longer.symbols:,} tickers",
        "a recording of any length can be replayed: memory follows tickers, not rows",
        figures,
    )


def _peak(name: str, samples: Samples, bar: float | None = None) -> Figure:
    return Figure(name, "MiB", column(samples[name], "peak_rss_bytes", 1 / MIB), bar)
