"""Carries the state of days that are about to be removed over to the days that stay."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from tickstock_cli.build import settings_from
from tickstock_cli.core.hour_files import STATE_FILE
from tickstock_cli.errors import TickstockError
from tickstock_cli.recording.carried_state import CarriedState, configuration_key, save_state
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.folder_replay import FolderReplay, row_files


def carry_state(folder: RecordedFolder, days: Sequence[str]) -> None:
    """Replay oldest days under every configuration of the folder, and keep the state after them.

    If a file is damaged there is no state, and a replay begins without it. Raises OSError.
    """
    with_rows = [day for day in days if any(hour.folder.name == day for hour in row_files(folder))]
    if not with_rows:
        return
    try:
        configurations = {
            configuration_key(settings): settings
            for settings in (settings_from(start.configuration) for start in folder.starts())
        }
        with FolderReplay(folder.path, list(configurations.values()), with_rows) as replayed:
            for _ in replayed.steps(lambda rows, total: None):  # noqa: ARG005 - nobody watches
                pass
            arrays = {key: core.state() for key, core in zip(configurations, replayed.cores, strict=True)}
            tickers = max((core.known_tickers() for core in replayed.cores), key=len)
            save_state(folder.path, CarriedState(replayed.latest, tickers, arrays))
    except TickstockError:
        with suppress(FileNotFoundError):
            (folder.path / STATE_FILE).unlink()
