"""A backtest as a function of recordings and settings that returns results and writes files.

1. The prices of the recording: ticks or bars (``price_source``).
2. One replay, with a tap that judges its events and trades them (``tap``); what that finds lies in files on disk.
3. The tables of the results (``result``), and the files of ``--out`` (``outputs``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickstock_cli.backtest.observation_table import SCHEMA as OBSERVATION_SCHEMA
from tickstock_cli.backtest.observation_table import observation_rows
from tickstock_cli.backtest.price_source import PriceSource, price_source
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.study_result import StudyResult, study_result
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.config.analysis import horizon_ns
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.digest import ColumnDigest
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.core.temporary_folder import LockedFolder
from tickstock_cli.core.times import format_duration
from tickstock_cli.engine.checkpoint import RECORDS
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult, peak_rss_bytes
from tickstock_cli.errors import SettingsError
from tickstock_cli.replaying import read_options, replay


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """The results of a backtest.

    Parameters
    ----------
    run
        The replay that it rode on; its digest is that of the detected events.
    digest
        sha256 over all observations and trades.
    seconds
        Wall time, from the opened recording to the last file.
    """

    run: RunResult
    prices: PriceSource
    study: StudyResult
    digest: str
    seconds: float
    outputs: tuple[Path, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``result.json``."""
        return {
            "study": self.study.as_dict(),
            "strategies": [],
            "digest": self.digest,
            "seconds": self.seconds,
            "peak_rss_bytes": peak_rss_bytes(),
        }


def backtest(
    request: BacktestRequest,
    control: Control | None = None,
    observe: Callable[[NamedSource], Observer] | None = None,
) -> BacktestResult:
    """Judge and trade the events of a recording.

    Parameters
    ----------
    control
        Stops the run early; its results are then those of the rows so far, and no file is written.
    observe
        Called once with the opened source; returns the observer of the run.

    Raises
    ------
    UsageError
        The request contradicts itself.
    SettingsError
        A setting does not fit the recording: a horizon is shorter than its bars.
    DataError
        A recording is missing, unreadable, of wrong columns or unsorted, or has no prices.
    OutputError
        The results cannot be written; earlier files of their names stay unchanged.
    CheckpointError
        The checkpoint does not match.
    LedgerError
        An event, a signal, an order or money is unaccounted for: always a bug.
    """
    began = time.perf_counter()
    settings = request.effective_settings
    check_phases(settings)
    reading = read_options(request.replay(), settings)
    prices = price_source(request.paths, reading, settings)
    check_horizons(settings, prices)
    with _record_folder(request) as folder, closing(BacktestTap(settings, prices, folder)) as tap:
        run = replay(request.replay(), control, observe, taps={"backtest": tap})
        names = tap.names
        study = study_result(tap.observations, names, settings)
        digest = ColumnDigest(OBSERVATION_SCHEMA.names)
        for chunk in tap.observations.chunks():
            digest.update(observation_rows(chunk, study.horizons, names))
        return BacktestResult(run, prices, study, digest.hexdigest(), time.perf_counter() - began)


def check_phases(settings: Settings) -> None:
    """Raise SettingsError if a phase of the prices is none of the session's: its ticks touch no state."""
    for phase in settings.prices.phases:
        if phase not in settings.session.phases:
            known = ", ".join(settings.session.phases)
            raise SettingsError(f"prices.phases has {phase}, but session.phases has only {known}: add it there, too")


def check_horizons(settings: Settings, prices: PriceSource) -> None:
    """Raise SettingsError if a horizon is shorter than the longest bar: its end would be a price of later."""
    for horizon in settings.study.horizons:
        length = horizon_ns(horizon)
        if prices.is_bars and length is not None and length < prices.longest_interval_ns:
            longest = format_duration(prices.longest_interval_ns)
            raise SettingsError(
                f"study.horizons has {horizon}, but the recording has bars of {longest}: name horizons of at least that"
            )


@contextmanager
def _record_folder(request: BacktestRequest) -> Iterator[Path]:
    """Return a folder for records: that of the checkpoint, or a temporary one."""
    if request.checkpoint is not None:
        yield request.checkpoint / RECORDS
        return
    with LockedFolder("backtest", request.out) as folder:
        yield folder
