"""The runs of a verification: replays and, if it covers them, the backtests that ride on them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tickstock_cli.backtest.digest import digest_of
from tickstock_cli.backtest.price_source import PriceSource, price_source
from tickstock_cli.backtest.run import check_horizons, check_phases
from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.engine.checkpoint import RECORDS
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.replaying import Request, read_options, replay


@dataclass(frozen=True, slots=True)
class VariantRunner:
    """Runs variants.

    Parameters
    ----------
    folder
        For the records of backtests without a checkpoint.
    prices
        The recording's prices for the backtest; None: replays alone.
    strategies
        Strategies of the backtest.
    """

    folder: Path
    prices: PriceSource | None = None
    strategies: tuple[NamedStrategy, ...] = ()

    @classmethod
    def of(cls, request: Request, folder: Path, strategies: tuple[NamedStrategy, ...] | None) -> VariantRunner:
        """Return the runner of a verification; without a backtest if ``strategies`` is None.

        Raises
        ------
        DataError
            A backtest is wanted, and the recording has no prices.
        SettingsError
            A setting of the backtest does not fit the recording.
        """
        if strategies is None:
            return cls(folder)
        settings = request.effective_settings
        check_phases(settings)
        prices = price_source(request.paths, read_options(request, settings), settings)
        check_horizons(settings, prices)
        return cls(folder, prices, strategies)

    def run(
        self,
        request: Request,
        control: Control | None = None,
        observe: Callable[[NamedSource], Observer] | None = None,
    ) -> tuple[RunResult, str | None]:
        """Run a request; return its result, and the digest of the backtest."""
        if self.prices is None:
            return replay(request, control, observe), None
        settings = request.effective_settings
        records = self.folder / "backtest" if request.checkpoint is None else request.checkpoint / RECORDS
        with closing(BacktestTap(settings, self.prices, records, strategies=self.strategies)) as tap:
            result = replay(request, control, observe, taps={"backtest": tap})
            return result, digest_of(tap, settings.study.horizons)
