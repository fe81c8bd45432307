"""CSV files of any tool: how they are written is found out, shown before anything is written, or said by options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.errors import DataError
from tickstock_cli.importing.csv_dialect import encoding_of, in_utf8
from tickstock_cli.importing.csv_options import CsvOptions
from tickstock_cli.importing.csv_reading import CsvReading, csv_reading
from tickstock_cli.importing.decompressing import ZIP_ENDING
from tickstock_cli.importing.files import files_of, with_endings
from tickstock_cli.importing.format import FilePreview, ImportChunk, ImportSource
from tickstock_cli.importing.lines import line_blocks, without_first_line
from tickstock_cli.importing.source_content import SourceContent

_SUFFIXES = (*with_endings((".csv", ".txt", ".tsv")), ZIP_ENDING)
_HEAD_BYTES = 256 << 10
"""Bytes of a file that decide how it is read."""


class CsvFiles:
    """Import CSV files of any tool, compressed or not.

    Columns are recognised by their names, or named with --map. Delimiter, encoding, decimal point, the form of times
    and the length of bars are found out of the first lines. What was found out is shown before anything is written:
    on a terminal the command then asks, unless there is --yes; --dry-run shows it and ends.
    """

    Params: ClassVar[type[BaseModel]] = CsvOptions
    judges_conditions: ClassVar[bool] = False

    def __init__(self, params: CsvOptions) -> None:
        self._params = params
        self.notes: list[str] = []
        self._interval: tuple[float, Path] | None = None

    def sources(self, paths: Sequence[Path]) -> list[ImportSource]:
        """Return the files as one group: each can have rows of any date."""
        has_tickers = self._params.ticker_from is None
        return [
            ImportSource(path, str(path.absolute()), "csv", is_told_by_bytes=has_tickers)
            for path in files_of(paths, _SUFFIXES)
        ]

    def preview(self, sources: Sequence[ImportSource]) -> list[FilePreview]:
        """Return how each file will be read. Raises DataError if one cannot be."""
        return [self._opened(source, source.content())[0].preview() for source in sources]

    def chunks(self, source: ImportSource, content: SourceContent) -> Iterator[ImportChunk]:
        """Yield the rows of a file."""
        reading, blocks = self._opened(source, content)
        with Prefetch(blocks, 2) as ahead:
            lines = line_blocks(iter(ahead))
            for _ in range(reading.dialect.lines_before + reading.dialect.has_header):
                _, lines = without_first_line(lines)
            for block in lines:
                yield reading.chunk(block)

    def _opened(self, source: ImportSource, content: SourceContent) -> tuple[CsvReading, Iterator[bytes]]:
        """Return how a file is read, by its first bytes, and its content in UTF-8."""
        blocks = content.blocks()
        head: list[bytes] = []
        size = 0
        while size < _HEAD_BYTES and (block := next(blocks, None)) is not None:
            head.append(block)
            size += len(block)
        start = b"".join(head)
        encoding = encoding_of(start[:_HEAD_BYTES], self._params.encoding)
        text = b"".join(in_utf8(source.path, iter([start[:_HEAD_BYTES]]), encoding, whole=size <= _HEAD_BYTES))
        shown = text.decode("utf-8", "replace").removeprefix("\ufeff")
        if size > _HEAD_BYTES:
            shown = shown.rpartition("\n")[0]
        reading = csv_reading(source.path, shown, encoding, self._params)
        note = reading.columns.known.note
        if note is not None and note not in self.notes:
            self.notes.append(note)
        self._refuse_mixture(source.path, reading)
        return reading, in_utf8(source.path, chain([start], blocks), encoding)

    def _refuse_mixture(self, path: Path, reading: CsvReading) -> None:
        """Raise DataError if bars of this file are of another length than those of the files before."""
        if reading.interval is None:
            return
        if self._interval is None:
            self._interval = reading.interval, path
        if self._interval[0] != reading.interval:
            raise DataError(
                f"{path}: its bars seem to be {reading.interval:g} s long, those of {self._interval[1]} "
                f"{self._interval[0]:g} s; import them into a folder each, or set --interval"
            )
