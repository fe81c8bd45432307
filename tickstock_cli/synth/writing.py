"""Writes a market to a folder: ticks.parquet, bars.parquet, fmv.parquet, the ground truth and the options.

The names of the last two begin with an underscore, so that a replay of the folder skips them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tickstock_cli import __version__
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.files import MarketFile, bar_file, fmv_file, tick_file
from tickstock_cli.synth.folder import OutputFolder
from tickstock_cli.synth.folder import writing as translating
from tickstock_cli.synth.injections import InjectionKind
from tickstock_cli.synth.known_market import OPTIONS_NAME
from tickstock_cli.synth.market import SyntheticMarket
from tickstock_cli.synth.market_simulator import Portion
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.truth import count_kinds, truth_table

TRUTH_NAME = "_truth.parquet"


class Feed(StrEnum):
    """A record type to write; the value is its file's name without suffix."""

    TICKS = "ticks"
    BARS = "bars"
    FMV = "fmv"


_PRICE_MOVES = frozenset({InjectionKind.SURGE, InjectionKind.TREND, InjectionKind.HALT})
_SHOWN_IN = {Feed.TICKS: _PRICE_MOVES, Feed.BARS: _PRICE_MOVES, Feed.FMV: frozenset({InjectionKind.FMV})}
"""The kinds of injections that the rows of a feed show."""


@dataclass(frozen=True, slots=True)
class WrittenMarket:
    """Summary of a written market: rows by feed; by kind, the injections that the written feeds show."""

    folder: Path
    rows: dict[str, int]
    injected: dict[str, int]


def write_market(
    options: MarketOptions,
    folder: Path,
    feeds: frozenset[Feed] = frozenset(Feed),
    *,
    force: bool = False,
    progress: Callable[[int], object] | None = None,
) -> WrittenMarket:
    """Make a market and write it.

    Parameters
    ----------
    options
        Options of the market.
    folder
        Output folder; it appears when all files are complete.
    feeds
        Feeds to write; the rows of a feed do not depend on the other feeds. The truth lists the injections that
        they show: without fair values none of those, without ticks and bars no other.
    force
        Whether to replace an existing market.
    progress
        Called with the number of ticks made since the last call.

    Raises
    ------
    UsageError
        The options cannot be met, no feed is selected, or the folder is not empty.
    OutputError
        The folder cannot be written; its files stay as they were.
    """
    if not feeds:
        raise UsageError("nothing to write: allow at least one of --ticks, --bars and --fmv")
    market = SyntheticMarket(options)
    shown = frozenset[InjectionKind]().union(*(_SHOWN_IN[feed] for feed in feeds))
    names = [TRUTH_NAME, OPTIONS_NAME, *(f"{feed}.parquet" for feed in Feed)]
    output = OutputFolder(folder, names, force=force)
    files: dict[Feed, MarketFile] = {}
    try:
        with translating(folder):
            for feed in sorted(feeds):
                files[feed] = _open_file(feed, output.path(f"{feed}.parquet"), market)
            for portion in market.portions():
                _write_portion(portion, files)
                if progress is not None:
                    progress(len(portion.ticks.price))
            for file in files.values():
                file.close()
            rows = {feed.value: file.rows for feed, file in files.items()}
            with output.path(TRUTH_NAME).open("wb") as truth:
                pq.write_table(truth_table(market, shown), truth)
            output.path(OPTIONS_NAME).write_text(_describe(options, rows), encoding="utf-8")
        output.commit()
    except BaseException:
        for file in files.values():
            file.abort()
        output.abort()
        raise
    return WrittenMarket(folder, rows, count_kinds(market, shown))


def _open_file(feed: Feed, path: Path, market: SyntheticMarket) -> MarketFile:
    if feed is Feed.FMV:
        return fmv_file(path, market.tickers)
    opener = tick_file if feed is Feed.TICKS else bar_file
    return opener(path, market.tickers, fractional=market.plan.options.fractional)


def _write_portion(portion: Portion, files: dict[Feed, MarketFile]) -> None:
    if Feed.BARS in files and len(portion.bars.symbol):
        symbol, *rest = portion.bars
        files[Feed.BARS].write(symbol, np.full(len(symbol), portion.bars_start), *rest)
    if Feed.TICKS in files and len(portion.ticks.symbol):
        files[Feed.TICKS].write(*portion.ticks)
    if Feed.FMV in files and len(portion.fmvs.symbol):
        files[Feed.FMV].write(*portion.fmvs)


def _describe(options: MarketOptions, rows: dict[str, int]) -> str:
    values: dict[str, Any] = asdict(options)
    values["first_day"] = options.first_day.isoformat()
    values["resolution"] = options.resolution.name.lower()
    return json.dumps({"tickstock": __version__, "options": values, "rows": rows}, indent=2) + "\n"
