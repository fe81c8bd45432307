"""Reads from the records of a run, and from its recording, what the report shows beyond the results."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import file_digest, sha256
from importlib.metadata import version
from os import SEEK_END
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tickstock_cli import __version__
from tickstock_cli.backtest.lookahead import LookaheadResult
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.report.contents import ReportContents, StrategyContents
from tickstock_cli.backtest.report.strategy_records import strategy_details
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.strategy_result import StrategyResult
from tickstock_cli.backtest.study_result import StudyResult, horizon_rows
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.times import format_time
from tickstock_cli.replaying import read_options
from tickstock_cli.sources.opening import recording_paths
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.study.breakdowns import HorizonBreakdown, horizon_breakdown
from tickstock_cli.study.horizon_rows import StudyEvents
from tickstock_cli.study.observation_files import ObservationFiles

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.scoring.scoring import Score

MOST_NAMES = 4
"""Files that are named; of more only the number is given."""

_PACKAGES = ("numpy", "numba", "pyarrow", "scipy")
_EVENT_COLUMNS = ("kind", "source", "direction", "code", "day")


def report_contents(
    request: BacktestRequest,
    tap: BacktestTap,
    prices: PriceSource,
    study: StudyResult,
    strategies: Sequence[StrategyResult],
    digest: str,
    ledger: Mapping[str, int],
    lookahead: LookaheadResult | None = None,
    score: Score | None = None,
) -> ReportContents:
    """Return what the report of a finished run shows.

    Parameters
    ----------
    tap
        That of the run, with ``draws``.
    digest
        sha256 over observations and trades.
    ledger
        Counts of rows and events.
    """
    settings, names = request.effective_settings, tap.names
    details = [
        strategy_details(tap.traded[place], tap.priced[place], result.cash_start_micros)
        for place, result in enumerate(strategies)
    ]
    return ReportContents(
        settings,
        prices,
        study,
        tap.paths.curves() if tap.paths is not None else (),
        tuple(breakdowns_of(tap.observations, settings, names.kinds, names.tickers)),
        names.kinds,
        names.sources,
        names.tickers,
        {**_recording(request, prices, tap.observations), "digest": digest, **_versions()},
        tuple(
            StrategyContents(result, detail, simulation.reasons)
            for result, simulation, detail in zip(strategies, tap.simulations, details, strict=True)
        ),
        ledger,
        lookahead,
        score,
    )


def data_hash(files: Sequence[Path]) -> str:
    """Return the sha256 over what identifies each file's content, in the order of their names.

    Of a Parquet file these are its size and its footer, which has the place, size and extremes of each column of each
    row group: the run has just read the file, and all of it again would take as long. Of another file, all bytes.
    """
    whole = sha256()
    for path in sorted(files, key=lambda path: path.name):
        with path.open("rb") as stream:
            footer = _footer(stream)
            whole.update(file_digest(stream, "sha256").digest() if footer is None else footer)
    return whole.hexdigest()


def _footer(stream: BinaryIO) -> bytes | None:
    """Return the size and the footer of a Parquet file; None for another one, at its beginning."""
    size = stream.seek(0, SEEK_END)
    stream.seek(max(size - 8, 0))
    end = stream.read(8)
    length = int.from_bytes(end[:4], "little")
    if end[4:] != b"PAR1" or length > size - 8:
        stream.seek(0)
        return None
    stream.seek(size - 8 - length)
    return size.to_bytes(8, "little") + stream.read(length)


def _recording(request: BacktestRequest, prices: PriceSource, observations: ObservationFiles) -> dict[str, str]:
    reading = read_options(request.replay(), request.effective_settings)
    with Recordings.open(recording_paths(request.paths), reading) as recordings:
        files = [file.on_disk for file in recordings.files]
    names = sorted(path.name for path in files)
    days = np.unique(np.concatenate([np.unique(chunk["day"]) for chunk in observations.records()] or [np.empty(0)]))
    span = " to ".join(dict.fromkeys(_day(int(days[place])) for place in (0, -1))) if len(days) else ""
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    limits = {"from": reading.start, "before": reading.end}
    told = [f"{word} {format_time(at)}" for word, at in limits.items() if at is not None]
    facts = {
        "recording": ", ".join(names[:MOST_NAMES]) + more,
        "data hash": f"{data_hash(files)} (sizes and Parquet footers of the files)",
        "prices": "bars" if prices.is_bars else "ticks",
        "events": "those that the detectors find" if request.events is None else f"those of {request.events.name}",
        "days with events": f"{len(days):,} ({span})" if len(days) else "none",
    }
    if told:
        facts["available"] = ", ".join(told)
    if request.symbols is not None:
        facts["symbols"] = f"{len(request.symbols):,} chosen"
    return facts


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
    return {"versions": ", ".join([f"tickstock {__version__}", *(f"{name} {text}" for name, text in found.items())])}


def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def breakdowns_of(
    observations: ObservationFiles, settings: Settings, kinds: Sequence[str], tickers: Sequence[str]
) -> Iterator[HorizonBreakdown]:
    """Yield the parts of each horizon; memory holds the events' codes, and one horizon of the observations."""
    if not len(observations):
        return
    columns = {
        name: np.concatenate([chunk[name] for chunk in observations.records()])
        for name in (*_EVENT_COLUMNS, "decision")
    }
    events = StudyEvents(*(columns[name] for name in _EVENT_COLUMNS))
    for position, horizon in enumerate(settings.study.horizons):
        rows = horizon_rows(observations, position, horizon)
        calendar, thin = settings.session.market_calendar, settings.study.thin
        yield horizon_breakdown(events, columns["decision"], rows, kinds, tickers, calendar, thin)
