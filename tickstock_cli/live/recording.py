"""The recording of a live run: its folder, its start in ``run.json``, its recorder, its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from tickstock_cli.build import build_event_schema
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import DataError, OutputError
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.recorder import Recorder
from tickstock_cli.recording.recover import recover
from tickstock_cli.recording.retention import Retention
from tickstock_cli.recording.starting import start_entry
from tickstock_cli.recording.warm_state import WarmState, warm_state


class Recording:
    """The recording of one live run; its folder is held by the caller.

    Parameters
    ----------
    report
        Called with what is wrong with the recording, and with None once it works again; in the recorder's thread.
    """

    def __init__(self, request: LiveRequest, folder: RecordedFolder, report: Callable[[str | None], None]) -> None:
        self._request = request
        self._folder = folder
        self.recorder = Recorder(
            folder,
            Calendar(request.settings.session.market_calendar),
            build_event_schema(request.settings),
            retention=Retention(request.max_size, request.keep_days),
            report=report,
        )

    def begin(self, progress: Callable[[int, int], object]) -> WarmState:
        """Finish what a killed run left, write the start into ``run.json``, and return the state to go on from.

        Raises
        ------
        OutputError
            The folder cannot be written.
        DataError
            A file of it is damaged.
        """
        try:
            recover(self._folder)
            warm = warm_state(self._folder.path, self._request.settings, progress, self._request.shadow)
            start = start_entry(
                self._request.settings,
                self._request.command_line,
                at=time.time_ns(),
                floor=warm.floor,
                secrets=self._request.secrets,
            )
            self._number = self._folder.add_start(start).number
        except OSError as error:
            raise OutputError(f"cannot record to {self._folder.path}: {os_error_hint(error)}") from error
        return warm

    def note_clock_offset(self, clock_offset_ns: int) -> None:
        """Record how far the machine's date is ahead of the vendor's; a disk that does not take it stops nothing."""
        with suppress(OSError, DataError):
            self._folder.note_clock_offset(self._number, clock_offset_ns)

    def end(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Finish the recording, write the end into ``run.json``, and return what was recorded, as JSON values."""
        self.recorder.close()
        health = self.recorder.health()
        if health.problem is None:
            self._folder.end_start(self._number, {"at": time.time_ns(), **summary})
        return {"folder": str(self._folder.path), "start": self._number, **asdict(health)}


@contextmanager
def open_recording(request: LiveRequest, report: Callable[[str | None], None]) -> Iterator[Recording | None]:
    """Hold the folder of the recording that a request asks for within the context; None if it asks for none.

    A run that fails leaves its journals, which `tickstock recover` or the next start finishes.

    Raises
    ------
    UsageError
        Another live run records there, or the folder holds something else.
    OutputError
        It cannot be created.
    """
    if request.record is None:
        yield None
        return
    with RecordedFolder(request.record).locked(create=True) as folder:
        recording = Recording(request, folder, report)
        try:
            yield recording
        except BaseException:
            recording.recorder.close(finish=False)
            raise
