"""The last lines of a live view: where a run is, and which keys it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.text import Text

from tickstock_cli.cli.keys import KEYS
from tickstock_cli.cli.meter import ProgressMeter
from tickstock_cli.cli.render import speed_words
from tickstock_cli.cli.render_row import row_words
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.engine.control import Control


class StatusLines(Protocol):
    """Draws the last lines of a live view."""

    keys: str
    """The keys that the run takes, in one line."""

    def advanced(self, rows: int, market_time: int) -> None:
        """Take the number of rows processed and the market time (ns UTC)."""

    def jumped(self, market_time: int) -> None:
        """Take the market time (ns UTC) that a seek has reached."""

    def lines(self, width: int, events: int) -> list[Text]:
        """Return the lines, each at most ``width`` wide; ``events`` have been released."""


class PacedLines:
    """The lines of a paced run: market time, speed, the row of a single step, and the progress.

    Parameters
    ----------
    tickers
        The run's, by code; it grows while the run reads.
    zone
        Zone of the times.
    """

    keys = KEYS

    def __init__(self, meter: ProgressMeter, control: Control, tickers: Sequence[str], zone: ShownZone) -> None:
        self._meter = meter
        self._control = control
        self._tickers = tickers
        self._zone = zone
        self._market_time = 0

    def advanced(self, rows: int, market_time: int) -> None:
        self._meter.advanced(rows, market_time)
        self._market_time = market_time

    def jumped(self, market_time: int) -> None:
        self._market_time = market_time

    def lines(self, width: int, events: int) -> list[Text]:
        market = self._zone.clock(self._market_time) if self._market_time else "waiting for the first row"
        speed = speed_words(self._control.speed)
        state = f"paused ({speed})" if self._control.paused else speed
        lines = [
            Text.assemble(
                ("market ", "dim"), market, ("   speed ", "dim"), (state, "bold"), ("   events ", "dim"), f"{events:,}"
            )
        ]
        if (row := self._control.stepped) is not None:
            lines.append(Text.assemble(("row ", "dim"), row_words(row, self._tickers, self._zone)))
        lines.append(Text(self._meter.line(width - 2, clock=False)))
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return lines
