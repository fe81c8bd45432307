"""Peak memory of flat-out replays, and whether it grows with the recording.

Protects that recordings of any length can be replayed on any machine: memory follows tickers, not rows.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.figures import Figure, Section
from benchmarks.flat_out import DECODE, REPLAYS, replay_fresh
from benchmarks.rounds import Samples, column
from benchmarks.workloads import Market

MIB = 1 << 20
BAR_MIB = 1024.0
GROWTH_BAR = 1.1
"""Peak for the long recording over peak for the short one, at most."""


def section(market: Market, samples: Samples) -> Section:
    """Give the peaks of the processes that `flat_out` measured."""
    figures = [Figure(DECODE, "MiB", column(samples[DECODE], "peak_rss_bytes", 1 / MIB))]
    figures += [
        Figure(name, "MiB", column(samples[name], "peak_rss_bytes", 1 / MIB), BAR_MIB) for name in REPLAYS.values()
    ]
    return Section(
        f"peak_memory: {market.rows:,} ticks of {market.symbols:,} tickers",
        "a replay fits beside everything else on a small machine",
        figures,
    )


def growth_section(market: Market, samples: Samples, huge: Market, announce: Callable[[str], None]) -> Section:
    """Replay a much longer recording, once a number of workers, and compare the peaks."""
    figures = []
    for workers, name in REPLAYS.items():
        announce(f"{huge.rows:,} ticks: {name}")
        run = replay_fresh(huge, workers)
        short = sorted(column(samples[name], "peak_rss_bytes"))
        growth = run["peak_rss_bytes"] / short[len(short) // 2]
        figures += [
            Figure(f"{name} / {market.rows:,} ticks", "×", (growth,), GROWTH_BAR),
            Figure(name, "MiB", (run["peak_rss_bytes"] / MIB,), BAR_MIB),
            Figure(name, "s", (run["seconds"],)),
        ]
    return Section(
        f"memory_growth: {huge.rows:,} ticks of {huge.symbols:,} tickers",
        "a recording of any length can be replayed: memory follows tickers, not rows",
        figures,
    )
