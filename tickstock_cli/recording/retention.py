"""Retention: the oldest days of a recorded folder are removed, each as a whole."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tickstock_cli.core.files import sync
from tickstock_cli.recording.manifest import RecordingManifest

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_REMOVED = ".removed-"


@dataclass(frozen=True, slots=True)
class Retention:
    """What a recorded folder keeps; None is no bound.

    Parameters
    ----------
    max_bytes
        Size of all files, about: the current day can be larger.
    keep_days
        Calendar days up to the current one, 1 or more.
    """

    max_bytes: int | None = None
    keep_days: int | None = None


def recorded_days(folder: Path) -> list[str]:
    """Return the segment dates that a folder has rows of, ascending."""
    return sorted(path.name for path in folder.iterdir() if _DAY.fullmatch(path.name) and path.is_dir())


def remove_oldest(
    folder: Path,
    retention: Retention,
    current: str,
    manifest: RecordingManifest,
    carry: Callable[[Sequence[str]], object] = lambda days: None,  # noqa: ARG005 - keeps nothing of them
) -> list[str]:
    """Remove whole oldest days beyond the bounds, never ``current`` nor later ones; return which. Raises OSError.

    ``carry`` is called with these days before the first one is removed. A day leaves the manifest, then gets a name
    that no reader looks at, then is removed: after a crash in between the next call goes on.
    """
    for path in folder.glob(f"{_REMOVED}*"):
        shutil.rmtree(path)
    removed = list(_expired(folder, retention, current))
    if removed:
        carry(removed)
    for day in removed:
        manifest.drop(day)
        gone = folder / f"{_REMOVED}{day}"
        (folder / day).rename(gone)
        sync(folder)
        shutil.rmtree(gone)
    return removed


def _expired(folder: Path, retention: Retention, current: str) -> Iterator[str]:
    days = [day for day in recorded_days(folder) if day < current]
    sizes = {day: _size(folder / day) for day in days}
    total = _size(folder)
    for day in days:
        is_old = retention.keep_days is not None and _apart(day, current) >= retention.keep_days
        if not is_old and (retention.max_bytes is None or total <= retention.max_bytes):
            return
        total -= sizes[day]
        yield day


def _apart(day: str, current: str) -> int:
    return (date.fromisoformat(current) - date.fromisoformat(day)).days


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a journal that was finished meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total
