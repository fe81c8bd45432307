"""Runs records through the package, and keeps what the core judged and released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from tests.oracle.backtest.inputs import BarRow, Judged, TickRow
from tickstock_cli.channels.judged import JudgedBars, JudgedTicks
from tickstock_cli.core.events import PHASES
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.testing import Record, run_records


class JudgedTap(Tap):
    """Keeps the accepted ticks and bars of a run, and its events."""

    def __init__(self) -> None:
        self.judged = Judged()
        self.events: list[dict[str, Any]] = []
        self._context: TapContext | None = None

    def begin(self, context: TapContext) -> None:
        self._context = context

    def observe(self, step: TapStep) -> None:
        assert self._context is not None
        tickers = self._context.symbols.tickers
        self.judged.has_ticks |= len(step.rows.ticks) > 0
        self.judged.ticks += [TickRow(**row) for row in _ticks(step.rows.ticks, tickers)]
        self.judged.bars += [BarRow(**row) for row in _bars(step.rows.bars, tickers)]
        self.events += self._context.to_arrow(step.events).to_pylist()


def judge(rows: Sequence[Record], settings: Mapping[str, Any]) -> tuple[Judged, list[dict[str, Any]]]:
    """Return the judged rows of a recording and the events that its run releases."""
    tap = JudgedTap()
    run_records(rows, settings, taps={"judged": tap})
    return tap.judged, tap.events


def _ticks(judged: JudgedTicks, tickers: Sequence[str]) -> list[dict[str, Any]]:
    extra = {"suspect": judged.suspect.tolist()}
    return _accepted(judged, tickers, TickRow, extra)


def _bars(judged: JudgedBars, tickers: Sequence[str]) -> list[dict[str, Any]]:
    return _accepted(judged, tickers, BarRow, {})


def _accepted(
    judged: JudgedTicks | JudgedBars, tickers: Sequence[str], kind: type[Any], extra: Mapping[str, list[Any]]
) -> list[dict[str, Any]]:
    codes, phases = judged.rows.code.tolist(), judged.phase.tolist()
    columns = {field.name: getattr(judged.rows, field.name, None) for field in fields(kind)}
    lists = {name: column.tolist() for name, column in columns.items() if column is not None} | dict(extra)
    return [
        {
            "ticker": tickers[codes[place]],
            "phase": PHASES[phases[place]],
            **{name: values[place] for name, values in lists.items()},
        }
        for place, accepted in enumerate(judged.accepted.tolist())
        if accepted
    ]
