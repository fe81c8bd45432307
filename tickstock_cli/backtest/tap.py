"""The tap of a backtest: it brings rows and events of a run, slice by slice, to the study and to each strategy.

What they find goes to record files, one a table. The number of their records is part of the tap's state, so a resumed
run cuts them where its checkpoint was and goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.backtest.own_codes import OwnCodes
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.errors import CheckpointError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, PriceTimeline
from tickstock_cli.study.event_paths import EventPaths
from tickstock_cli.study.event_study import EventStudy
from tickstock_cli.study.observation_files import ObservationFiles
from tickstock_cli.trading.records import RECORD_TYPES
from tickstock_cli.trading.trade_prices import TRADE_PRICES, TradePrices

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.backtest.given_events import GivenEvents


_FORMAT = np.array([3], dtype=np.int64)
"""Number of the format of a tap's state; a checkpoint of another one cannot be resumed."""


class _Stateful(Protocol):
    """A part of the tap whose state is in checkpoints."""

    def state(self) -> Mapping[str, NDArray[Any]]: ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


class BacktestTap(Tap):
    """Judges a run's events, or given ones, by the prices of its rows, and trades them.

    Parameters
    ----------
    prices
        The recording's prices.
    folder
        Folder of the record files; made when the first record comes.
    given
        Events to judge instead of the run's.
    strategies
        Each trades the events with books of its own; their names differ.
    draws
        Whether to keep what only charts show: curves around events, and prices around trades.
    """

    def __init__(
        self,
        settings: Settings,
        prices: PriceSource,
        folder: Path,
        given: GivenEvents | None = None,
        strategies: Sequence[NamedStrategy] = (),
        *,
        draws: bool = False,
    ) -> None:
        self._settings = settings
        self._prices = prices
        self._given = given
        self._decided_by = decided_by(settings, given, strategies)
        self._given_taken = 0
        self._strategies = strategies
        self._days = TradingDays(settings.session.market_calendar, settings.prices.phases)
        self._timeline = PriceTimeline(self._days, is_bars=prices.is_bars, lag_ns=prices.lag_ns)
        self.paths = EventPaths() if draws else None
        """Curves around the events."""
        self._trade_prices = TradePrices(self._days, len(strategies)) if draws and strategies else None
        self._study = EventStudy(
            settings.study,
            self._days,
            is_bars=prices.is_bars,
            open_slack_ms=settings.prices.open_slack_ms,
            paths=self.paths,
        )
        self._codes = None if given is None else OwnCodes(given.tickers)
        study = settings.study
        self.observations = ObservationFiles(folder, len(study.horizons), study.placebo_days)
        self.traded = [
            {name: RecordFile(folder / f"{name}-{place}", dtype) for name, dtype in RECORD_TYPES.items()}
            for place in range(len(strategies))
        ]
        """Record files of each strategy, by the names of ``trading.records.RECORD_TYPES``."""
        self.priced = [RecordFile(folder / f"prices-{place}", TRADE_PRICES) for place in range(len(strategies))]
        """Prices around the trades of each strategy."""

    def begin(self, context: TapContext) -> None:
        self._context = context
        if self._given is None or self._codes is None:
            self.names = EventNames(context.symbols, context.encoder.kind_names)
        else:
            self.names = EventNames(self._codes.symbols, self._given.kinds, self._given.sources)
        self.simulations = [
            strategy.simulation(
                self.names,
                self._days,
                is_bars=self._prices.is_bars,
                open_slack_ms=self._settings.prices.open_slack_ms,
                bar_interval_ns=self._prices.longest_interval_ns,
            )
            for strategy in self._strategies
        ]
        self._new_state = {name: array.copy() for name, array in self._states().items()}

    @property
    def bars_without_opening(self) -> int:
        """Number of bars that came so late that no order could meet their opening."""
        return self._timeline.without_opening

    def observe(self, step: TapStep) -> None:
        self._take_all(self._timeline.take(step.rows, self._events(step), step.watermark))

    def finish(self) -> None:
        if self._given is not None:
            rest = self._given.rows[self._given_taken :]
            self._given_taken = len(self._given.rows)
            self._take_all(self._timeline.take(JudgedRows.none(), rest, 0))
        self._take_all(self._timeline.finish())
        for place, simulation in enumerate(self.simulations):
            simulation.finish()
            self._keep(place)
        if self._trade_prices is not None:
            self._keep_prices(self._trade_prices.finish())
        self.close()

    def state(self) -> Mapping[str, NDArray[Any]]:
        counts = [self._given_taken, *(len(file) for file in self._files())]
        return {
            "format": _FORMAT,
            "counts": np.array(counts, dtype=np.int64),
            "decided_by": self._decided_by,
            **self._states(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        if state and not np.array_equal(state.get("format", _FORMAT[:0]), _FORMAT):
            raise CheckpointError(
                "the checkpoint is of a backtest of another version of tickstock: start without --resume"
            )
        if state and not np.array_equal(state["decided_by"], self._decided_by):
            raise CheckpointError(
                "the checkpoint is of a backtest with other settings of study or prices, other strategies, or other "
                "--events: use those, or start without --resume"
            )
        counts = state["counts"].tolist() if state else [0] * (1 + len(self._files()))
        for name, part in self._parts().items():
            prefix = f"{name}/"
            own = state or self._new_state
            if not any(key.startswith(prefix) for key in own):
                raise CheckpointError("the checkpoint is of a backtest without --out: start without --resume")
            part.restore({key.removeprefix(prefix): own[key] for key in own if key.startswith(prefix)})
        self._given_taken = counts[0]
        for file, count in zip(self._files(), counts[1:], strict=True):
            file.cut(count)

    def abort(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the record files. Idempotent."""
        for file in self._files():
            file.close()

    def _events(self, step: TapStep) -> EventRows:
        if self._given is None:
            return step.events
        rows: EventRows = self._given.rows
        first = self._given_taken
        self._given_taken = int(np.searchsorted(rows["emitted_at"], step.watermark))
        found: EventRows = rows[first : self._given_taken]
        return found

    def _take_all(self, parts: Iterable[PriceSlice]) -> None:
        for part in parts:
            self._take(part)

    def _take(self, part: PriceSlice) -> None:
        if self._given is None or self._codes is None:
            ids = self._context.encoder.event_ids(part.events)
        else:
            ids = self._given.event_ids[part.events["order"]]
            part = self._codes.translated(part, self._context.symbols.tickers)
        self.observations.append(self._study.take(part, ids, len(self.names.symbols)))
        for place, simulation in enumerate(self.simulations):
            simulation.step(part, ids)
            self._keep(place)
        if self._trade_prices is not None:
            self._keep_prices(self._trade_prices.take(part.prints, len(self.names.symbols)))

    def _keep(self, place: int) -> None:
        """Move the records of a strategy to its files."""
        for name, records in self.simulations[place].take().items():
            self.traded[place][name].append(records)
            if name == "trades" and self._trade_prices is not None:
                self._trade_prices.add(place, records)

    def _keep_prices(self, found: Iterable[tuple[int, NDArray[Any]]]) -> None:
        for place, prices in found:
            self.priced[place].append(prices)

    def _files(self) -> list[RecordFile]:
        return [*self.observations.files, *(file for files in self.traded for file in files.values()), *self.priced]

    def _parts(self) -> dict[str, _Stateful]:
        strategies = {f"strategy-{place}": simulation for place, simulation in enumerate(self.simulations)}
        drawn = {"paths": self.paths, "trade-prices": self._trade_prices}
        kept = {name: part for name, part in drawn.items() if part is not None}
        return {"timeline": self._timeline, "study": self._study, **strategies, **kept}

    def _states(self) -> dict[str, NDArray[Any]]:
        return {f"{name}/{key}": array for name, part in self._parts().items() for key, array in part.state().items()}


def decided_by(settings: Settings, given: GivenEvents | None, strategies: Sequence[NamedStrategy]) -> NDArray[np.uint8]:
    """Return a digest (uint8) of what decides a backtest beside its run's events: a checkpoint fits only the same."""
    sections = [settings.study.model_dump(mode="json"), settings.prices.model_dump(mode="json")]
    sections += [strategy.identity for strategy in strategies]
    digest = sha256(json.dumps(sections, sort_keys=True).encode())
    if given is not None:
        for name in given.rows.dtype.names or ():  # the bytes between the fields are anything
            digest.update(given.rows[name].tobytes())
        digest.update(given.event_ids.tobytes())
        digest.update("\n".join((*given.tickers, *given.kinds, *given.sources)).encode())
    return np.frombuffer(digest.digest(), dtype=np.uint8)
