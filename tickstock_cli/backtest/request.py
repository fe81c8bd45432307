"""What to backtest and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.build import settings_model
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.time_input import TimeInput
from tickstock_cli.engine.run import CHECKPOINT_EVERY_NS
from tickstock_cli.replaying import BATCH_ROWS, Request
from tickstock_cli.sources.options import Unsorted


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What to backtest and how.

    Parameters
    ----------
    settings
        An instance of ``build.settings_model()``; None is all defaults.
    start, end
        ns UTC, or times that a user wrote; rows available in [start, end) are used.
    events
        A file of events to judge instead of those that the detectors find.
    strategies
        Strategies that trade the events, each with books of its own; their names differ.
    out
        Folder of the results; None writes none.
    truth
        Labelled moves to score the events against: a file, or the folder of a synthetic market.
    check_lookahead
        Number of drawn moments at which the recording is cut off for the check; 0 = no check.
    checkpoint, resume
        Folder of checkpoints, and whether to go on from the newest one there, if there is one.
    """

    paths: Sequence[str | Path]
    settings: Settings | None = None
    start: int | TimeInput | None = None
    end: int | TimeInput | None = None
    symbols: frozenset[str] | None = None
    unsorted: Unsorted = Unsorted.FAIL
    events: Path | None = None
    strategies: tuple[NamedStrategy, ...] = ()
    out: Path | None = None
    truth: Path | None = None
    check_lookahead: int = 0
    workers: int = 1
    batch_rows: int = BATCH_ROWS
    checkpoint: Path | None = None
    resume: bool = False
    checkpoint_every_ns: int = CHECKPOINT_EVERY_NS

    @property
    def effective_settings(self) -> Settings:
        """The settings; all defaults if none were given."""
        return self.settings if self.settings is not None else settings_model()()

    def replay(self, outs: Sequence[str] = ()) -> Request:
        """Return the replay that the backtest rides on, with files of its events.

        Where events are given, no detector runs: rows are admitted without them.
        """
        settings = self.effective_settings
        if self.events is not None:
            settings = settings.model_copy(update={"detectors": settings.detectors.model_copy(update={"enabled": ()})})
        return Request(
            self.paths,
            settings,
            self.start,
            self.end,
            self.symbols,
            self.unsorted,
            outs,
            workers=self.workers,
            batch_rows=self.batch_rows,
            checkpoint=self.checkpoint,
            resume=self.resume,
            checkpoint_every_ns=self.checkpoint_every_ns,
        )
