"""The tap of a backtest: it brings rows and events of a run to the study, slice by slice, and keeps what that finds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.backtest.given_events import GivenEvents
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.events import SOURCES, EventRows
from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.errors import CheckpointError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, PriceTimeline
from tickstock_cli.study.event_study import EventStudy


@dataclass(frozen=True, slots=True)
class EventNames:
    """Names behind the codes of a backtest's events; tickers by code, kinds and sources in the order of outputs."""

    tickers: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]


class BacktestTap(Tap):
    """Judges a run's events, or given ones, by the prices of its rows.

    Parameters
    ----------
    prices
        The recording's prices.
    folder
        Folder of the record files; made when the first record comes.
    given
        Events to judge instead of the run's.
    """

    def __init__(self, settings: Settings, prices: PriceSource, folder: Path, given: GivenEvents | None = None) -> None:
        days = TradingDays(settings.session.calendar, settings.prices.phases)
        self._timeline = PriceTimeline(days, is_bars=prices.is_bars, lag_ns=prices.lag_ns)
        self._study = EventStudy(
            settings.study, days, is_bars=prices.is_bars, open_slack_ms=settings.prices.open_slack_ms
        )
        self._new_state = {**self._named("timeline", self._timeline), **self._named("study", self._study)}
        self._given = given
        self._decided_by = _decided_by(settings, given)
        self._given_taken = 0
        self._codes = _OwnCodes(() if given is None else given.tickers)
        self.observations = RecordFile(folder / "observations", self._study.record)

    def begin(self, context: TapContext) -> None:
        self._context = context

    @property
    def names(self) -> EventNames:
        """Names behind the codes of the records."""
        self._codes.add(self._context.symbols.tickers)
        tickers = tuple(self._codes.tickers)
        if self._given is not None:
            return EventNames(tickers, self._given.kinds, self._given.sources)
        return EventNames(tickers, self._context.encoder.kind_names, SOURCES)

    def observe(self, step: TapStep) -> None:
        self._take(self._timeline.take(step.rows, self._events(step), step.watermark))
        self._watermark = step.watermark

    def finish(self) -> None:
        if self._given is not None:
            rest = self._given.rows[self._given_taken :]
            self._given_taken = len(self._given.rows)
            self._take(self._timeline.take(JudgedRows.none(), rest, 0))
        self._take(self._timeline.finish())
        self.close()

    def state(self) -> Mapping[str, NDArray[Any]]:
        counts = np.array([self._given_taken, len(self.observations)], dtype=np.int64)
        return {
            "counts": counts,
            "decided_by": self._decided_by,
            **self._named("timeline", self._timeline),
            **self._named("study", self._study),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        state = state or {
            "counts": np.zeros(2, dtype=np.int64),
            "decided_by": self._decided_by,
            **self._new_state,
        }
        if not np.array_equal(state["decided_by"], self._decided_by):
            raise CheckpointError(
                "the checkpoint is of a backtest with other settings of study or prices, or other --events: "
                "use those, or start without --resume"
            )
        self._given_taken, observations = (int(count) for count in state["counts"])
        for name, part in (("timeline", self._timeline), ("study", self._study)):
            prefix = f"{name}/"
            part.restore({key.removeprefix(prefix): state[key] for key in state if key.startswith(prefix)})
        self.observations.cut(observations)

    def abort(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the record files. Idempotent."""
        self.observations.close()

    def _events(self, step: TapStep) -> EventRows:
        if self._given is None:
            return step.events
        rows: EventRows = self._given.rows
        first = self._given_taken
        self._given_taken = int(np.searchsorted(rows["emitted_at"], step.watermark))
        found: EventRows = rows[first : self._given_taken]
        return found

    def _take(self, part: PriceSlice) -> None:
        self._codes.add(self._context.symbols.tickers)
        if self._given is None:
            ids = self._context.encoder.event_ids(part.events)
        else:
            ids = self._given.event_ids[part.events["order"]]
            part = self._codes.translated(part)
        self.observations.append(self._study.take(part, ids, len(self._codes.tickers)))

    @staticmethod
    def _named(name: str, part: PriceTimeline | EventStudy) -> dict[str, NDArray[Any]]:
        return {f"{name}/{key}": array for key, array in part.state().items()}


def _decided_by(settings: Settings, given: GivenEvents | None) -> NDArray[np.uint8]:
    """Return a digest of what decides a backtest beside its run's events."""
    sections = [settings.study.model_dump(mode="json"), settings.prices.model_dump(mode="json")]
    digest = sha256(json.dumps(sections, sort_keys=True).encode())
    if given is not None:
        digest.update(given.rows.tobytes())
        digest.update(given.event_ids.tobytes())
        digest.update("\n".join((*given.tickers, *given.kinds, *given.sources)).encode())
    return np.frombuffer(digest.digest(), dtype=np.uint8)


class _OwnCodes:
    """Codes of tickers of given events, which may never have a row, and then of the run's."""

    def __init__(self, tickers: tuple[str, ...]) -> None:
        self.tickers = list(tickers)
        self._known = {ticker: code for code, ticker in enumerate(tickers)}
        self._of_run: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def add(self, tickers: Any) -> None:
        """Assign codes to the run's tickers that have none."""
        new = [tickers[code] for code in range(len(self._of_run), len(tickers))]
        for ticker in new:
            if ticker not in self._known:
                self._known[ticker] = len(self.tickers)
                self.tickers.append(ticker)
        if new:
            self._of_run = np.append(self._of_run, np.array([self._known[ticker] for ticker in new], dtype=np.int32))

    def translated(self, part: PriceSlice) -> PriceSlice:
        """Return a slice whose rows have these codes; its events have them already."""
        return part._replace(
            prints=part.prints._replace(code=self._of_run[part.prints.code]),
            openings=part.openings._replace(code=self._of_run[part.openings.code]),
        )
