"""One replay with the tap of a backtest: what a backtest and its checks have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.tap_thread import TapThread
from tickstock_cli.replaying import replay

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.backtest.given_events import GivenEvents

Observe = Callable[[NamedSource], Observer]


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A finished replay, and the tap that has what it found, in files of its folder."""

    run: RunResult
    tap: BacktestTap


@contextmanager
def judged(
    request: BacktestRequest,
    prices: PriceSource,
    folder: Path,
    given: GivenEvents | None = None,
    control: Control | None = None,
    observe: Observe | None = None,
    events_out: Path | None = None,
    *,
    draws: bool = False,
) -> Iterator[JudgedRun]:
    """Replay recordings and judge their events.

    Parameters
    ----------
    folder
        Folder of the records; they stay until the caller removes it.
    events_out
        A file of events to write, too.
    draws
        Whether to keep what only charts show.

    Raises
    ------
    TickstockError
        As ``replaying.replay`` does.
    """
    outs = () if events_out is None else (str(events_out),)
    settings, strategies = request.effective_settings, request.strategies
    with closing(BacktestTap(settings, prices, folder, given, strategies, draws=draws)) as tap:
        yield JudgedRun(replay(request.replay(outs), control, observe, taps={"backtest": TapThread(tap)}), tap)
