"""Flat files of Polygon (Massive): trades, minute and day bars, and quotes, a CSV file a trading day.

References
----------
https://massive.com/docs/flat-files/stocks
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from tickstock_cli.core.calendar import XNYS, market_zone
from tickstock_cli.core.time_input import local_clock
from tickstock_cli.core.times import epoch_unit
from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.errors import SchemaError, SourceFileError
from tickstock_cli.importing.decompressing import ENDINGS
from tickstock_cli.importing.files import BadRows, files_of, left_out_markets, left_out_quotes, with_endings
from tickstock_cli.importing.flat_file_rows import TradeRows, bar_chunk
from tickstock_cli.importing.format import FilePreview, ImportChunk, ImportSource
from tickstock_cli.importing.lines import line_blocks, without_first_line
from tickstock_cli.importing.mids import Mids
from tickstock_cli.importing.source_content import SourceContent
from tickstock_cli.importing.tables import filled
from tickstock_cli.importing.typed_rows import TEXT, LineReader, TextLayout, TypedRows
from tickstock_cli.vendors.polygon.conditions import LATE_PRINT_SECONDS

_BARS = {
    "ticker": "ticker",
    **{name: name for name in ("volume", "open", "close", "high", "low", "transactions")},
    "window_start": "timestamp",
}
_OURS = {
    "trades_v1": {
        "ticker": "ticker",
        "sip_timestamp": "timestamp",
        "price": "price",
        "size": "size",
        "conditions": "conditions",
        "correction": "correction",
        "exchange": "exchange",
        "sequence_number": "sequence",
        "id": "trade_id",
        "tape": "tape",
        "participant_timestamp": "participant_timestamp",
        "trf_id": "trf_id",
    },
    "quotes_v1": {"ticker": "ticker", "sip_timestamp": "timestamp", "bid_price": "bid", "ask_price": "ask"},
    "minute_aggs_v1": _BARS,
    "day_aggs_v1": _BARS,
}
"""Data set -> columns to read -> our names."""
_MAY_LACK = {
    "correction",
    "exchange",
    "sequence",
    "trade_id",
    "tape",
    "participant_timestamp",
    "trf_id",
    "transactions",
}
_TYPES = {
    "ticker": TEXT,
    "conditions": TEXT,
    "trade_id": pa.string(),
    "exchange": pa.int16(),
    "trf_id": pa.int16(),
    "tape": pa.int8(),
    **dict.fromkeys(("price", "size", "bid", "ask", "open", "high", "low", "close", "volume"), pa.float64()),
}
"""Types by our names; others are whole numbers."""
_OF_QUOTES, _OF_TRADES = frozenset({"quotes_as_fmv"}), frozenset({"late_print_seconds"})
_IGNORES: Mapping[str | None, frozenset[str]] = {
    "trades_v1": _OF_QUOTES,
    "quotes_v1": _OF_TRADES,
    "minute_aggs_v1": _OF_QUOTES | _OF_TRADES,
    "day_aggs_v1": _OF_QUOTES | _OF_TRADES,
}
"""Data set -> options that are of others."""
_STOCKS = "us_stocks_sip"
_OTHER_MARKETS = ("us_options", "us_indices", "us_futures", "global_crypto", "global_forex")
"""How the vendor's folders of other markets begin."""
_OTHER = re.compile("[OICX]:")
"""How tickers of options, indices, currencies and crypto begin."""
_INTERVALS = {"minute_aggs_v1": 60.0, "day_aggs_v1": 86_400.0}


@dataclass(frozen=True, slots=True)
class _FlatFile:
    """A recognised file."""

    data_set: str
    layout: TextLayout
    names: Mapping[str, str]


class FlatFileOptions(BaseModel):
    """Options of an import of flat files."""

    quotes_as_fmv: bool = Field(
        default=False, description="Import mids of quotes_v1, where they move, as a stand-in for fair values."
    )
    late_print_seconds: float = Field(
        default=LATE_PRINT_SECONDS,
        ge=0,
        description="A trade published this long after it happened changes no last price, high or low; 0 = off.",
    )
    bad_rows: BadRows = Field(
        default=BadRows.FAIL, description="Lines that cannot be read: fail at the first, or drop and count each."
    )


class PolygonFlatFiles:
    """Import flat files of Polygon (Massive): trades, bars, and mids of quotes.

    FILE is a .csv.gz of trades_v1, minute_aggs_v1, day_aggs_v1 or, with --quotes-as-fmv, quotes_v1: the folder or the
    columns say which. Trades get flags from their conditions as those of a live feed do. Trades that were cancelled or
    corrected are left out and counted.
    """

    Params: ClassVar[type[BaseModel]] = FlatFileOptions
    judges_conditions: ClassVar[bool] = True

    def __init__(self, params: FlatFileOptions) -> None:
        self._params = params
        self.notes: list[str] = []

    def sources(self, paths: Sequence[Path]) -> list[ImportSource]:
        """Return the files; each is a group of its own, because it has the rows of its day."""
        files = files_of(paths, with_endings((".csv",)))
        others = Counter(market for path in files if (market := _other_market(path)) and path not in paths)
        if others:
            self.notes.append(left_out_markets(others, _STOCKS))
        named = {path: _named_data_set(path) for path in files if _other_market(path) not in others or path in paths}
        quotes = [path for path, data_set in named.items() if data_set == "quotes_v1" and path not in paths]
        if not self._params.quotes_as_fmv and 0 < len(quotes) < len(named):
            self.notes.append(left_out_quotes(len(quotes)))
            named = {path: data_set for path, data_set in named.items() if path not in quotes}
        return [
            ImportSource(
                path,
                _key(path, data_set),
                str(path),
                is_awaited=True,
                ignores=_IGNORES.get(data_set, frozenset()),
                is_told_by_bytes=data_set not in _INTERVALS,  # of bars, the folder says the length
            )
            for path, data_set in named.items()
        ]

    def preview(self, sources: Sequence[ImportSource]) -> list[FilePreview]:  # noqa: ARG002 - the protocol's
        """Return nothing: the format fixes what columns mean."""
        return []

    def chunks(self, source: ImportSource, content: SourceContent) -> Iterator[ImportChunk]:
        """Yield the rows of a file."""
        with Prefetch(content.blocks(), 2) as blocks:
            heading, lines = without_first_line(line_blocks(iter(blocks), quoted_ends=False))
            market = _other_market(source.path)
            if market is not None:
                raise _of_other_market(source.path, market)
            file = _recognised(source.path, heading)
            if file.data_set == "quotes_v1" and not self._params.quotes_as_fmv:
                raise SourceFileError(
                    f"{source.path} holds quotes, which no replay reads; --quotes-as-fmv imports their mids as a "
                    "stand-in for fair market values",
                    "wrong_data",
                )
            reader = LineReader(source.path, file.layout, drops=self._params.bad_rows is BadRows.DROP)
            convert: Callable[[TypedRows], ImportChunk] | None = None
            for block in lines:
                typed = reader.read(block)
                typed.rows = typed.rows.rename_columns([file.names[name] for name in typed.rows.column_names])
                convert = convert or self._converter(source.path, file, typed.rows)
                yield convert(typed)

    def _converter(self, path: Path, file: _FlatFile, first: pa.Table) -> Callable[[TypedRows], ImportChunk]:
        _check_times(path, file, first)
        data_set = file.data_set
        other = next((ticker for ticker in first["ticker"].unique().to_pylist() if _OTHER.match(ticker or "")), None)
        if other is not None:
            raise _of_other_market(path, other)
        if data_set == "trades_v1":
            return TradeRows(self._params.late_print_seconds).chunk
        if data_set == "quotes_v1":
            return Mids().chunk
        are_days = data_set == "day_aggs_v1" or (_named_data_set(path) is None and _begin_days(first))
        interval = _INTERVALS["day_aggs_v1" if are_days else "minute_aggs_v1"]
        return lambda typed: bar_chunk(typed, interval)


def _key(path: Path, data_set: str | None) -> str:
    """Return the name that the vendor has for a file, also if it was unpacked or packed in another way."""
    if data_set is None:
        return str(path.absolute())
    ending = next((end for end in ENDINGS if end and path.name.lower().endswith(end)), "")
    return f"{data_set}/{path.name[: len(path.name) - len(ending)]}.gz"


def _other_market(path: Path) -> str | None:
    """Return the folder that says of which other market a file is; None if none does."""
    parts = path.absolute().parts[:-1]
    return next((part for part in reversed(parts) if part.lower().startswith(_OTHER_MARKETS)), None)


def _of_other_market(path: Path, market: str) -> SourceFileError:
    return SourceFileError(
        f"{path}: is of {market}, whose conditions and hours are not those of stocks: only flat files of {_STOCKS} are "
        "imported",
        "wrong_data",
    )


def _check_times(path: Path, file: _FlatFile, rows: pa.Table) -> None:
    """Raise SourceFileError if the times of the first rows are in another unit than ns."""
    times = filled(rows["timestamp"], 0)
    usable = times[times > 0]
    if len(usable) and (unit := epoch_unit(latest := int(usable.max()))) != "ns":
        column = next(name for name, ours in file.names.items() if ours == "timestamp")
        raise SourceFileError(
            f"{path}: {column} is {latest}, but ns since 1970 are wanted, as flat files have them; these seem to be "
            f"{unit}: tickstock import csv reads times of any unit",
            "wrong_data",
        )


def _named_data_set(path: Path) -> str | None:
    """Return the data set that a folder of a path is named after."""
    return next((part for part in reversed(path.absolute().parts) if part in _OURS), None)


def _recognised(path: Path, heading: bytes) -> _FlatFile:
    """Return what a file holds, by its folder and the names of its columns.

    Raises
    ------
    SchemaError
        The columns are those of no flat file, or not those of the folder's data set.
    """
    theirs = [name.strip().strip('"').lower() for name in heading.decode("utf-8", "replace").split(",")]
    named = _named_data_set(path)
    for data_set in _OURS if named is None else (named,):
        names = {name: ours for name, ours in _OURS[data_set].items() if name in theirs}
        if all(name in names or ours in _MAY_LACK for name, ours in _OURS[data_set].items()):
            types = {name: _TYPES.get(ours, pa.int64()) for name, ours in names.items()}
            return _FlatFile(data_set, TextLayout(theirs, types), names)
    wanted = "a flat file of stocks" if named is None else named
    raise SchemaError(
        f"{path}: the columns are not those of {wanted}: {', '.join(theirs)[:200]}; "
        "tickstock import csv reads files of other layouts"
    )


def _begin_days(rows: pa.Table) -> bool:
    """Return whether bars of a file of unknown name are those of days: all of them begin at one midnight."""
    starts = np.unique(filled(rows["timestamp"], 0))
    return len(starts) == 1 and " 00:00:00.000 " in local_clock(int(starts[0]), market_zone(XNYS))
