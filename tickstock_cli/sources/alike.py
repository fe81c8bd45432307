"""Turns decoded rows of files that are alike into numbers together: doing it file by file costs more than the rows do.

This is for files of one layout that are read whole and are in order. Where anything is otherwise, each file is read for
itself (``FileStream``), which also finds the right words for what is wrong with it.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Batch, Int64s
from tickstock_cli.kernels.normalise import first_descent_in_pieces
from tickstock_cli.kernels.origins import fill_origins
from tickstock_cli.sources.checks.pieces import FilePieces, see_pieces
from tickstock_cli.sources.checks.running import Watchers
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_numbers import frozen, values
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.stream import to_batch
from tickstock_cli.sources.ticker_codes import FEW_TICKERS, TickerCodes, with_readable_tickers

_TICKER = "ticker of the file"
"""Name of a column that is added for the tickers that folders and names say."""


def are_alike(one: RecordingFile, other: RecordingFile) -> bool:
    """Return whether the rows of two files are read in the same way."""
    same_columns = one.schema.equals(other.schema) and one.text_columns == other.text_columns
    same_columns &= one.decodes_jointly == other.decodes_jointly
    return same_columns and one.where_columns == other.where_columns and one.reader.reads_like(other.reader)


class Together(NamedTuple):
    """Decoded rows of files that are alike.

    Parameters
    ----------
    rows
        Those of one file behind those of another.
    counts
        Number of rows of each file, int64.
    """

    rows: pa.RecordBatch
    counts: Int64s


@dataclass(frozen=True, slots=True)
class Stretches:
    """Decoded rows of files that are alike, a stretch of each file, one behind the other.

    Parameters
    ----------
    files
        The file of each stretch.
    rows
        The rows of all stretches.
    counts
        Rows of each stretch, int64.
    firsts
        Row number, in its file, of the first row of each stretch, int64.
    before
        A bound of the available times of each stretch, int64 ns: that of the row before it, or of the file.
    """

    files: Sequence[RecordingFile]
    rows: pa.RecordBatch
    counts: Int64s
    firsts: Int64s
    before: Int64s

    @property
    def starts(self) -> Int64s:
        """Place of the first row of each stretch, int64."""
        starts: Int64s = frozen(np.cumsum(self.counts) - self.counts)
        return starts


def numbers_of(stretches: Stretches, codes: TickerCodes) -> tuple[Batch, Int64s] | None:
    """Return the rows of stretches as numbers, and the available time of the last row of each, int64 ns.

    None: a row has no time, or is available before the one before it in its file.

    Raises
    ------
    DataError, ArrowException, UnicodeDecodeError
        A row cannot be read.
    """
    rows, files = stretches.rows, stretches.files
    reader, layout = files[0].reader, files[0].layout
    if "ticker" in layout.constants:
        rows = rows.append_column(_TICKER, _tickers(files, stretches.counts))
        reader, layout = reader.with_tickers(_TICKER), layout.with_tickers(_TICKER)
    times = reader.times(rows, 0)
    starts = stretches.starts
    if times.known is not None or first_descent_in_pieces(times.available, starts, stretches.before) >= 0:
        return None
    batch = to_batch(reader, with_readable_tickers(rows, layout), times, codes, _origins(stretches, starts))
    return batch, times.available[starts + stretches.counts - 1]


def watch(stretches: Stretches, watchers: MutableMapping[int, Watchers]) -> None:
    """Show stretches to the watchers of their files, which are added if they begin; raises as they do."""
    files = stretches.files
    for file, first in zip(files, stretches.firsts.tolist(), strict=True):
        if file.checked.watches and not first:
            watchers[file.index] = Watchers(file.checked.watches)
    starts = stretches.starts
    chosen = files[0].reader.selected(stretches.rows)
    pieces = FilePieces(stretches.rows, chosen, starts, frozen(starts + stretches.counts), frozen(stretches.firsts))
    see_pieces([watchers.get(file.index, ()) for file in files], pieces)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return decoded rows of one schema as one batch, with plain types.

    Arrow would make one dictionary of many, text by text: those of many texts stand one behind the other.
    """
    schema, table = batches[0].schema, pa.Table.from_batches(batches)
    large = [place for place, column in enumerate(batches[0].columns) if _has_many_texts(column)]
    found = {place: _behind_one_another([batch.column(place) for batch in batches]) for place in large}
    (rows,) = table.select([place for place in range(len(schema)) if place not in found]).combine_chunks().to_batches()
    others = iter(rows.columns)
    columns = [found[place] if place in found else next(others) for place in range(len(schema))]
    return plain_rows(pa.RecordBatch.from_arrays(columns, schema=schema), plain_schema(schema))


def _has_many_texts(column: Any) -> bool:
    is_plain = pt.is_dictionary(column.type) and pt.is_int32(column.type.index_type)
    return is_plain and len(column.dictionary) > FEW_TICKERS


def _behind_one_another(pieces: Sequence[Any]) -> Any:
    """Return pieces of a column as one array, in whose dictionary texts can occur more than once."""
    if len(pieces) == 1 or any(piece.null_count for piece in pieces):
        return pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)
    indices = np.empty(sum(map(len, pieces)), dtype=np.int32)
    dictionaries: list[Any] = []
    place = texts = offset = 0
    for piece in pieces:
        if not dictionaries or not piece.dictionary.equals(dictionaries[-1]):
            dictionaries.append(piece.dictionary)
            offset, texts = texts, texts + len(piece.dictionary)
        np.add(values(piece.indices, np.int32, 0), offset, out=indices[place : place + len(piece)])
        place += len(piece)
    numbers: Any = pa.Array.from_buffers(pa.int32(), len(indices), [None, pa.py_buffer(indices.data)])
    ordered = pieces[0].type.ordered
    return pa.DictionaryArray.from_arrays(numbers, pa.concat_arrays(dictionaries), ordered=ordered, safe=False)


def _tickers(files: Sequence[RecordingFile], counts: Int64s) -> pa.DictionaryArray[Any, Any]:
    """Return the tickers that the folders or names of files say, for every row."""
    places = np.repeat(np.arange(len(files), dtype=np.int32), counts)
    tickers = [file.layout.constants["ticker"] for file in files]
    return pa.DictionaryArray.from_arrays(places, pa.array(tickers, pa.string()))


def _origins(stretches: Stretches, starts: Int64s) -> Int64s:
    """Return the origins of all rows of stretches; ``starts`` are their first rows."""
    files = np.array([file.index for file in stretches.files], dtype=np.int64)
    origins = np.empty(stretches.rows.num_rows, dtype=np.int64)
    fill_origins(frozen((files << ORIGIN_ROW_BITS) + stretches.firsts), starts, origins)
    return frozen(origins)
