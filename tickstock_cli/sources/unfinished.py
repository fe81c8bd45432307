"""Hours of a recorded live run that are not finished: the rows of their journals, copied to Parquet files.

A copy is made once per process, journal and state of it, because a command opens its source several times. Rows that
are in the finished file of the same hour, too, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.counted import worded
from tickstock_cli.core.hour_files import STATE_FILE, hour_file, journal_content, journal_rows
from tickstock_cli.core.row_groups import row_groups
from tickstock_cli.errors import DataError
from tickstock_cli.sources.discover import FoundFile, is_journal
from tickstock_cli.sources.footer import open_parquet
from tickstock_cli.storage.fetching import fetched

_GROUP_ROWS = 65_536


def readable(found: Sequence[FoundFile], parent: Path | None = None) -> list[FoundFile]:
    """Return the files to read: journals and objects with their copies; a journal without rows of its own is left out.

    Parameters
    ----------
    parent
        Folder for temporary files; None is the system's.

    Raises
    ------
    DataError
        A journal or an object cannot be read.
    OutputError
        A copy cannot be written.
    """
    finished = {file.path for file in found}
    files = []
    for file in _with_objects(found, parent):
        if not is_journal(file.path):
            files.append(file)
        elif (copy := _copied(file, finished, parent)) is not None:
            files.append(replace(file, copy=str(copy)))
    return files


def _with_objects(found: Sequence[FoundFile], parent: Path | None) -> list[FoundFile]:
    """Return files with local copies of those that are objects."""
    stored = [file.stored for file in found if file.stored is not None]
    copies = dict(zip(stored, fetched(stored, parent), strict=True))
    return [file if file.stored is None else replace(file, copy=str(copies[file.stored])) for file in found]


def unfinished_note(paths: Sequence[Path]) -> str | None:
    """Return the note for journals among the files that are read."""
    journals = [path for path in paths if is_journal(str(path))]
    if not journals:
        return None
    folder = journals[0].parent.parent
    hours = worded("{} {file is|files are} not finished", len(journals))
    return f"{hours} and read from the journal: {journals[0]}; tickstock recover {folder} finishes them"


def removed_note(paths: Sequence[Path]) -> str | None:
    """Return the note for recorded folders that days were removed from, by the files that are read."""
    hours = [hour for path in paths if (hour := hour_file(path)) is not None]
    folders = {hour.folder.parent for hour in hours if (hour.folder.parent / STATE_FILE).is_file()}
    if not folders:
        return None
    return (
        f"in {min(folders)}, days before the first one were removed, and a replay begins without their state: its "
        "first events can differ from those that were told; tickstock parity has the state"
    )


def _copied(found: FoundFile, finished: set[str], parent: Path | None) -> Path | None:
    """Return the copy of the rows that are only in a journal; None if there are none."""
    path = Path(found.path)
    hour = hour_file(path)
    assert hour is not None  # is_journal
    behind = 0
    if str(hour.finished) in finished:
        with open_parquet(hour.finished) as file:
            behind = file.metadata.num_rows
    try:
        content = journal_content(path)
        if content.schema is None or content.first + content.rows <= behind:
            return None
        return _copy(path.resolve(), content.end, behind, content.schema, parent)
    except FileNotFoundError:  # its hour was finished in the meantime
        raise DataError(f"{path} was finished while it was opened: run the command again") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except pa.ArrowException as error:
        raise DataError(f"cannot read {path}: it is damaged ({error})") from error


@cache
def _folder(parent: Path | None) -> TemporaryFolder:
    return TemporaryFolder(parent)


@cache
def _copy(path: Path, end: int, behind: int, schema: pa.Schema, parent: Path | None) -> Path:  # noqa: ARG001 - another end is another copy
    folder = _folder(parent)
    with folder.writing():
        copy = folder.new_path(f"-{path.stem}.parquet")
        with pq.ParquetWriter(copy, schema) as writer:
            for table in row_groups(journal_rows(path, behind), _GROUP_ROWS):
                writer.write_table(table, row_group_size=_GROUP_ROWS)
    return copy
