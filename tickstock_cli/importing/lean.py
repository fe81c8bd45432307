"""Zip files of QuantConnect's LEAN: trades, bars and quotes of US equities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field

from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.errors import SourceFileError, UsageError
from tickstock_cli.importing.decompressing import ZIP_ENDING
from tickstock_cli.importing.files import BadRows, files_of, left_out_markets, left_out_quotes
from tickstock_cli.importing.format import FilePreview, ImportChunk, ImportSource
from tickstock_cli.importing.lean_names import (
    QUOTE,
    SECONDS,
    LeanFile,
    entry_contradiction,
    lean_file,
    other_market,
    unadjusted_note,
)
from tickstock_cli.importing.lean_rows import LeanRows, columns_of_file
from tickstock_cli.importing.lines import line_blocks
from tickstock_cli.importing.source_content import SourceContent
from tickstock_cli.importing.typed_rows import LineReader, TextLayout
from tickstock_cli.vendors.polygon.conditions import RegularHours


class LeanFolder(StrEnum):
    """Folders of LEAN below a market."""

    TICK = "tick"
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAILY = "daily"


class LeanOptions(BaseModel):
    """Options of an import of LEAN's files."""

    resolution: LeanFolder | None = Field(
        default=None,
        description="Import these alone: tick, second, minute, hour or daily; bars of one length at a time.",
    )
    quotes_as_fmv: bool = Field(
        default=False, description="Import mids of quotes, where they move, as a stand-in for fair values."
    )
    bad_rows: BadRows = Field(
        default=BadRows.FAIL, description="Lines that cannot be read: fail at the first, or drop and count each."
    )


class LeanFiles:
    """Import zip files of QuantConnect's LEAN: US equities.

    FILE is a zip or a folder such as equity/usa/minute: the folders say what is in a file. Prices are those of their
    days, without splits and dividends.
    """

    Params: ClassVar[type[BaseModel]] = LeanOptions
    judges_conditions: ClassVar[bool] = True

    def __init__(self, params: LeanOptions) -> None:
        self._params = params
        self._hours = RegularHours()
        self.notes: list[str] = []

    def sources(self, paths: Sequence[Path]) -> list[ImportSource]:
        """Return the files; those of one date are a group, and so are those with all dates of a ticker.

        Raises
        ------
        UsageError
            They have bars of several lengths.
        """
        sources = []
        lengths: dict[str, None] = {}
        quotes = 0
        for path in self._of_equities(paths):
            try:
                file = lean_file(path)
            except SourceFileError:
                sources.append(ImportSource(path, str(path.absolute()), str(path)))  # reading it says what is wrong
                continue
            if self._params.resolution not in (None, file.resolution):
                continue
            if file.kind == QUOTE and not self._params.quotes_as_fmv:
                quotes += 1
                continue
            if file.resolution in SECONDS and file.kind != QUOTE:
                lengths[file.resolution] = None
            group = "all dates" if file.day is None else file.day.isoformat()
            ignores = {"resolution"} if file.kind == QUOTE else {"resolution", "quotes_as_fmv"}
            sources.append(ImportSource(path, file.key, group, ignores=frozenset(ignores)))
        if len(lengths) > 1:
            raise UsageError(
                f"the files have bars of several lengths ({', '.join(lengths)}), which a replay would take for "
                "the same bars; choose one with --resolution, and import others into a folder of their own"
            )
        if quotes:
            self.notes.append(left_out_quotes(quotes))
        note = unadjusted_note([parent for path in paths for parent in (path, *path.absolute().parents[:3])])
        if note is not None:
            self.notes.append(note)
        return sorted(sources, key=lambda source: (source.group, str(source.path)))

    def _of_equities(self, paths: Sequence[Path]) -> list[Path]:
        """Return the files, without those of other markets that were not named themselves."""
        files = files_of(paths, (ZIP_ENDING,))
        markets = {path: other_market(path) for path in files}
        others = Counter(market for path, market in markets.items() if market is not None and path not in paths)
        if others:
            self.notes.append(left_out_markets(others, "equity/usa"))
        return [path for path in files if markets[path] not in others or path in paths]

    def preview(self, sources: Sequence[ImportSource]) -> list[FilePreview]:  # noqa: ARG002 - the protocol's
        """Return nothing: the format fixes what columns mean."""
        return []

    def chunks(self, source: ImportSource, content: SourceContent) -> Iterator[ImportChunk]:
        """Yield the rows of a file."""
        file = lean_file(source.path)
        types = columns_of_file(file)
        reader = LineReader(source.path, TextLayout(list(types), types), drops=self._params.bad_rows is BadRows.DROP)
        rows = LeanRows(source.path, file, self._hours, drops=self._params.bad_rows is BadRows.DROP)
        with Prefetch(content.blocks(), 2) as blocks:
            for block in line_blocks(iter(blocks), quoted_ends=False):
                _check_entry(source.path, file, content.entry)
                yield rows.chunk(reader.read(block), block.first)


def _check_entry(path: Path, file: LeanFile, entry: str | None) -> None:
    """Raise SourceFileError if the file in a zip file is named as one of another date, length or kind."""
    other = None if entry is None else entry_contradiction(file, entry)
    if other is not None:
        raise SourceFileError(
            f"{path}: the file in it is {entry}, which says {other}, but its path does not: its rows would get a wrong "
            "date or meaning; name the zip file after what is in it",
            "wrong_data",
        )
