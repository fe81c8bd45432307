"""State for the next start in a recorded folder: that after all its rows.

A live run goes on from it. So one replay of the folder, over all starts, gives the events of every run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.run import InitialState
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.folder_replay import FolderReplay, row_files


@dataclass(frozen=True, slots=True)
class WarmState:
    """The state after all rows of a folder.

    Parameters
    ----------
    initial
        State for `RunPlan`; None if there is no row. Its ``floor`` is also that of the stamps of the next run.
    rows
        Number of the rows that were replayed.
    """

    initial: InitialState | None
    rows: int

    @property
    def floor(self) -> int:
        """The stamps of the next run must be above it, ns UTC; 0 if there is no row."""
        return 0 if self.initial is None else self.initial.floor


def warm_state(
    folder: Path,
    settings: Settings,
    progress: Callable[[int, int], object] = lambda rows, total: None,  # noqa: ARG005 - shows nothing
    shadow: Settings | None = None,
) -> WarmState:
    """Replay all rows of a recorded folder flat out, without outputs, and return the state after them.

    Market time is advanced to the floor, the last available time plus the coordination window (of two the longer one),
    so that every window is closed and no event waits.

    Parameters
    ----------
    settings
        Those of the next run.
    progress
        Called with the number of rows replayed, and of all.
    shadow
        Those of the shadow of the next run, whose state is kept, too.

    Raises
    ------
    DataError
        A file is damaged.
    """
    if not row_files(RecordedFolder(folder)):
        return WarmState(None, 0)
    both = [each for each in (settings, shadow) if each is not None]
    with FolderReplay(folder, both) as replayed:
        for _ in replayed.steps(progress):
            pass
        if not replayed.latest:
            return WarmState(None, 0)
        floor = replayed.latest + max(each.coordinator.window_ms for each in both) * 1_000_000
        for core in replayed.cores:
            core.step(MergedBatch.empty(0, floor + 1))
        main, *others = replayed.cores
        beside = {name: array for core in others for name, array in core.state().items()}
        return WarmState(InitialState(main.state(), main.known_tickers(), floor, beside), replayed.rows)
