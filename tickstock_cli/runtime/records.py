"""Typed records, and the conversion of a program's data to Arrow rows.

The models check types. Admission checks values, as for every row: a price of NaN is rejected and counted with its
reason, and raises no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from tickstock_cli.core.times import MAX_NS, MIN_NS
from tickstock_cli.errors import SchemaError
from tickstock_cli.sources.records import KNOWN_COLUMNS, RECORD_TYPES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _to_ns(value: Any) -> Any:
    """Return a datetime in ns since the epoch, UTC, and anything else as it is."""
    if not isinstance(value, datetime):
        return value
    elapsed = value - EPOCH
    return ((elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds) * 1_000


def _within_int64(value: int | datetime | None) -> int | datetime | None:
    """Return a time that int64 ns can hold."""
    ns = _to_ns(value)
    if ns is not None and not MIN_NS <= ns <= MAX_NS:
        raise ValueError("beyond the times that int64 ns can hold, 1677 to 2262")
    return value


Time = Annotated[int | AwareDatetime | None, AfterValidator(_within_int64)]
"""int64 ns since the epoch, UTC, or a datetime with a time zone."""
Flags = Annotated[int | None, Field(ge=MIN_NS, le=MAX_NS)]


class Record(BaseModel):
    """Fields of every record. ``received_at`` is when it was received; None = as early as it can be known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    record: ClassVar[str]

    ticker: str | None
    timestamp: Time
    received_at: Time = None


class TickData(Record):
    """A trade. ``size`` is in shares; ``flags`` are bits: no last price (1), no volume (2), no high or low (4)."""

    record: ClassVar[str] = "tick"

    price: float | None
    size: float | None = 0.0
    flags: Flags = None


class OHLCVData(Record):
    """A finished bar. ``timestamp`` is its start, ``interval`` its length in seconds; volumes are shares."""

    record: ClassVar[str] = "ohlcv"

    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    avg_volume: float | None = None
    percent_change: float | None = None
    interval: float | None = None


class FMVData(Record):
    """A fair market value, and the market price to compare it with; None = the price of the last tick."""

    record: ClassVar[str] = "fmv"

    fmv: float | None
    market_price: float | None = None
    confidence: float | None = None


MODELS: dict[str, type[Record]] = {model.record: model for model in (TickData, OHLCVData, FMVData)}

_TYPES = {"ticker": pa.string(), "timestamp": pa.int64(), "received_at": pa.int64(), "flags": pa.int64()}

Data = Record | Mapping[str, Any] | pa.RecordBatch | pa.Table | Sequence[Any] | Any
"""A record, a mapping or object with the fields of one, several of them, or Arrow rows."""


def identify_data_type(data: Data) -> str | None:
    """Return the record type of data, by its columns, keys or attributes; None if no type fits, or several do."""
    if isinstance(data, Record):
        return data.record
    names = _names(data)
    fits = [record.name for record in RECORD_TYPES if record.required.keys() <= names]
    return fits[0] if len(fits) == 1 else None


def to_rows(data: Data) -> pa.RecordBatch:
    """Return data as Arrow rows of one record type.

    Raises
    ------
    SchemaError
        No record type fits the data, or records of several types are mixed.
    pydantic.ValidationError
        A field has a wrong type.
    """
    if isinstance(data, pa.RecordBatch):
        return data
    if isinstance(data, pa.Table):
        batches = data.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], data.schema)
    several = data if _is_several(data) else [data]
    types = {identify_data_type(one) for one in several}
    record = types.pop() if len(types) == 1 else None
    if record is None:
        raise SchemaError(
            f"cannot tell what {_shown(data)} records: a tick has {_required('tick')}; a bar {_required('ohlcv')}; "
            f"a fair value {_required('fmv')}; one call takes one type"
        )
    return _arrow(record, several)


def _arrow(record: str, several: Iterable[Any]) -> pa.RecordBatch:
    model = MODELS[record]
    rows = [one if isinstance(one, Record) else model.model_validate(_known(one, model)) for one in several]
    columns = {
        name: pa.array([_to_ns(getattr(row, name)) for row in rows], _TYPES.get(name, pa.float64()))
        for name in model.model_fields
    }
    return pa.RecordBatch.from_pydict(columns)


def _known(data: Any, model: type[Record]) -> dict[str, Any]:
    """Return those keys or attributes that are fields of the model."""
    if isinstance(data, Mapping):
        return {name: data[name] for name in model.model_fields if name in data}
    return {name: getattr(data, name) for name in model.model_fields if hasattr(data, name)}


def _names(data: Any) -> set[str]:
    if isinstance(data, (pa.RecordBatch, pa.Table)):
        return set(data.schema.names)
    if isinstance(data, Mapping):
        return {str(name) for name in data}
    return {name for name in KNOWN_COLUMNS if hasattr(data, name)}


def _is_several(data: Any) -> bool:
    return isinstance(data, Sequence) and not isinstance(data, (str, bytes)) and len(data) > 0


def _required(record: str) -> str:
    return ", ".join(next(one.required for one in RECORD_TYPES if one.name == record))


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 80 else f"{text[:77]}..."
