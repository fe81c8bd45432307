"""A replay of a recorded folder by cores alone: flat out, without outputs, from the state of days that were removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tickstock_cli.build import build_core
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.hour_files import EVENTS, HourFile
from tickstock_cli.recording.carried_state import CarriedState, configuration_key, load_state
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

BATCH_ROWS = 262_144


def row_files(folder: RecordedFolder) -> list[HourFile]:
    """Return the hours of a recorded folder that have rows. Raises OSError."""
    return [hour for hour in (*folder.journals(), *folder.finished()) if hour.type != EVENTS]


class FolderReplay:
    """Replays the rows of a recorded folder that has some; a context.

    Parameters
    ----------
    settings
        Those of each core; all get the same rows.
    days
        Segment dates to replay; None is all.

    Attributes
    ----------
    source
        Shares its symbols with ``cores``.
    rows, latest
        Number of rows so far, and available time of the last of them, int64 ns UTC.

    Raises
    ------
    DataError
        A file is damaged.
    """

    def __init__(self, folder: Path, settings: Sequence[Settings], days: Sequence[str] | None = None) -> None:
        carried = load_state(folder) or CarriedState.none()
        paths = [folder] if days is None else [folder / day for day in days]
        self._stack = ExitStack()
        options = ReadOptions(start=carried.until + 1 if carried.until else None)
        self.source = self._stack.enter_context(Recordings.open(paths, options))
        self.source.symbols.add(carried.tickers)
        self.cores = [build_core(each, self.source.symbols) for each in settings]
        for core, each in zip(self.cores, settings, strict=True):
            if (arrays := carried.arrays.get(configuration_key(each))) is not None:
                core.restore(dict(arrays), core.ledger)
        self.rows = 0
        self.latest = carried.until

    def steps(self, progress: Callable[[int, int], object]) -> Iterator[tuple[EventRows, ...]]:
        """Yield the events that each batch of rows releases, by core.

        Parameters
        ----------
        progress
            Called with the number of rows replayed, and of all in the files.
        """
        for batch in self.source.batches(BATCH_ROWS):
            yield tuple(core.step(batch).events for core in self.cores)
            self.rows += len(batch)
            self.latest = batch.watermark
            progress(self.rows, self.source.rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
