"""Holds the files of recorded live runs against their manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tickstock_cli.core.counted import counted
from tickstock_cli.core.hour_files import hour_file, is_recorded_folder
from tickstock_cli.inspection.report import Unreadable
from tickstock_cli.recording.manifest import MANIFEST, FinishedFile, read_manifest, sha256_of


def changed_files(paths: Sequence[str | Path]) -> Iterator[Unreadable]:
    """Yield the files of recorded folders among ``paths`` that are not as their manifest says, or missing.

    A file whose journal is still there is being finished: its entry can be older.
    """
    for folder in map(Path, paths):
        if is_recorded_folder(folder):
            for entry in read_manifest(folder).values():
                if (error := _error(folder, entry)) is not None:
                    yield Unreadable(str(folder / entry.file), error)


def _error(folder: Path, entry: FinishedFile) -> str | None:
    path = folder / entry.file
    hour = hour_file(path)
    if hour is not None and hour.journal.exists():
        return None
    try:
        if sha256_of(path) == entry.sha256:
            return None
    except FileNotFoundError:
        return f"{path} is missing: {MANIFEST} lists it with {counted(entry.rows, 'row')}; restore it from a copy"
    except OSError as error:
        return f"cannot read {path}: {error.strerror or error}"
    return f"{path} is not as it was recorded: its sha256 differs from that in {MANIFEST}; restore it from a copy"
