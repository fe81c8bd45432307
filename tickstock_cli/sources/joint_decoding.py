"""Decodes many small files in one call: opening each of them with Arrow takes longer than its rows do.

polars decodes a list of files in threads of its own, without Python's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.arrow_arrays import number_array
from tickstock_cli.errors import DataError
from tickstock_cli.sources.alike import Together
from tickstock_cli.sources.footer import SMALL_BYTES, content_of, reading
from tickstock_cli.sources.joint_files import has_page_checksums, has_texts
from tickstock_cli.sources.recording_file import RecordingFile

if TYPE_CHECKING:
    import polars as pl

FEWEST_FILES = 1_000
"""Of fewer files, importing polars takes longer than Arrow does."""
_THREADS = 2
"""One turns rows into those of Arrow, while polars decodes for the other one."""
_ROWS_OF_A_RUN = 8
"""Texts of which fewer are equal in a row, on average, stay as they are."""


class ForArrowError(DataError):
    """Files must be decoded by Arrow, though nothing in their footers says so."""


class JointDecoding:
    """Decodes files, those that are needed next in the meantime."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._begun: dict[tuple[int, ...], Future[Together]] = {}
        """By the numbers of files."""

    def together(self, files: Sequence[RecordingFile], then: Sequence[Sequence[RecordingFile]] = ()) -> Together:
        """Return the rows of files that are alike, one behind the other, and the number of rows of each.

        Parameters
        ----------
        then
            Files that are probably asked for next, those that are together at once.

        Raises
        ------
        DataError
            A file is damaged, or has other rows than when it was opened.
        ForArrowError
            The files must be decoded by Arrow.
        """
        self._begin(files)
        for some in then:
            with suppress(DataError):  # it is raised when they are asked for
                self._begin(some)
        return self._begun.pop(_numbers_of(files)).result()

    def _begin(self, files: Sequence[RecordingFile]) -> None:
        if not files or _numbers_of(files) in self._begun:
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "decode")
        contents = [_content(file) for file in files]  # here: another thread would wait for Python's lock at each file
        self._begun[_numbers_of(files)] = self._threads.submit(_decoded, contents, files)

    def close(self) -> None:
        """Forget what nobody has asked for, and end the threads. Idempotent."""
        self._begun.clear()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None


def _numbers_of(files: Sequence[RecordingFile]) -> tuple[int, ...]:
    return tuple(file.index for file in files)


def _content(file: RecordingFile) -> bytes:
    with reading(file.path):
        content = content_of(file.read_from, SMALL_BYTES)
    if content is None or has_page_checksums(content):
        raise ForArrowError(f"{file.path} must be decoded by Arrow")
    return content


def _decoded(contents: Sequence[bytes], files: Sequence[RecordingFile]) -> Together:
    import polars as pl  # takes a quarter of a second, which most runs do without

    try:
        found = pl.scan_parquet(list(contents), glob=False, use_statistics=False).select(files[0].columns).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"a file is damaged: {error}") from error
    assert isinstance(found, pl.DataFrame)
    return _rows(found, files)


def _rows(found: pl.DataFrame, files: Sequence[RecordingFile]) -> Together:
    """Return decoded rows as Arrow's; raises DataError if these are not those of the files' footers."""
    first = files[0]
    if found.columns != first.columns:  # names such as *, which polars takes for others
        raise ForArrowError(f"columns of {first.path} must be decoded by Arrow")
    counts = np.array([file.rows for file in files], dtype=np.int64)
    chunk_ends, file_ends = np.cumsum(found.to_series(0).chunk_lengths()), np.cumsum(counts)
    if len(found) != file_ends[-1] or not np.isin(file_ends, np.append(chunk_ends, 0)).all():
        raise DataError(f"{first.path} or one of the {len(files)} files from it on has other rows than its footer says")
    whole = found.rechunk()
    columns = [_column(whole[name], first.schema.field(name).type) for name in found.columns]
    return Together(pa.RecordBatch.from_arrays(columns, found.columns), counts)


def _column(column: pl.Series, type_: pa.DataType) -> Any:
    if has_texts(type_):
        return _texts(column)
    found = column.to_arrow()
    if found.type != type_:
        raise ForArrowError(f"column {column.name} must be decoded by Arrow")
    return found


def _texts(column: pl.Series) -> Any:
    """Return texts: a dictionary, in which texts can occur more than once, if the same ones follow one another."""
    import polars as pl

    runs = column.rle().struct.unnest()
    if len(runs) * _ROWS_OF_A_RUN > len(column):
        return column.cast(pl.String).to_arrow().cast(pa.string())
    places = np.repeat(np.arange(len(runs), dtype=np.int32), runs["len"].to_numpy())
    known = column.is_not_null().to_numpy() if column.null_count() else None
    texts = runs["value"].cast(pl.String).to_arrow().cast(pa.string())
    return pa.DictionaryArray.from_arrays(number_array(places, pa.int32(), known), texts)
