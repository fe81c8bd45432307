"""Messages of the wire: what a frame holds, as typed objects of the fields that are read.

A frame is a JSON array of messages, each with its type in ``ev``. Two readers return the same messages:

- `read_frame` is quick, and reads a frame whose messages are of known types and all of whose fields can be read.
- `read_odd_frame` reads every frame. A field that cannot be read is null, and its neighbours live.

Both read integers that come as floats, and numbers that come as text, and ignore unknown fields.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, ValidationError

from tickstock_cli.core.times import NS_PER_UNIT, epoch_unit

Int8 = Annotated[int, Meta(ge=-(2**7), lt=2**7)]
Int16 = Annotated[int, Meta(ge=-(2**15), lt=2**15)]
Int64 = Annotated[int, Meta(gt=-(2**63), le=2**63 - 1)]
Time = Annotated[int, Meta(gt=-(2**63), le=2**63 - 1, title="since 1970, in the unit that its magnitude tells")]
Ids = list[Int16 | None]


class TradeMessage(
    Struct,
    tag_field="ev",
    tag="T",
    gc=False,
    rename={
        "ticker": "sym",
        "time": "t",
        "price": "p",
        "size": "s",
        "exact_size": "ds",
        "conditions": "c",
        "exchange": "x",
        "sequence": "q",
        "trade_id": "i",
        "tape": "z",
        "participant_time": "pt",
        "trf_id": "trfi",
    },
):
    """A trade. ``size`` lacks the fraction of ``exact_size``, which older recordings lack."""

    ticker: str
    time: Time | None = None
    price: float | None = None
    size: float | None = None
    exact_size: float | None = None
    conditions: Ids | None = None
    exchange: Int16 | None = None
    sequence: Int64 | None = None
    trade_id: str | None = None
    tape: Int8 | None = None
    participant_time: Time | None = None
    trf_id: Int16 | None = None


class BarMessage(
    Struct,
    tag_field="ev",
    gc=False,
    rename={
        "ticker": "sym",
        "start": "s",
        "end": "e",
        "open": "o",
        "high": "h",
        "low": "l",
        "close": "c",
        "volume": "v",
        "exact_volume": "dv",
        "vwap": "vw",
    },
):
    """A bar. ``volume`` lacks the fraction of ``exact_volume``, which older recordings lack."""

    ticker: str
    start: Time | None = None
    end: Time | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float | None = None
    exact_volume: float | None = None
    vwap: float | None = None


class MinuteBarMessage(BarMessage, tag="AM", gc=False):
    """A bar of one minute."""


class SecondBarMessage(BarMessage, tag="A", gc=False):
    """A bar of one second."""


class FmvMessage(Struct, tag_field="ev", tag="FMV", gc=False, rename={"ticker": "sym", "time": "t"}):
    """A fair market value."""

    ticker: str
    time: Time | None = None
    fmv: float | None = None


class StatusMessage(Struct, tag_field="ev", tag="status", gc=False):
    """An answer of the server, or its reason to end the connection."""

    status: str | None = None
    message: str | None = None


WireMessage = TradeMessage | MinuteBarMessage | SecondBarMessage | FmvMessage | StatusMessage

_TYPES: Mapping[str, type[Any]] = {
    "T": TradeMessage,
    "AM": MinuteBarMessage,
    "A": SecondBarMessage,
    "FMV": FmvMessage,
    "status": StatusMessage,
}
_FIELDS = {type_: msgspec.structs.fields(type_) for type_ in _TYPES.values()}
_FRAME = msgspec.json.Decoder(list[WireMessage], strict=False)

_TIMES = frozenset({"time", "participant_time", "start", "end"})
_MOST_DIGITS = 400
"""A float has at most 309 digits before its point; Python refuses to read integers of thousands of them."""


class FrameError(ValueError):
    """A frame is not a JSON array."""


@dataclass(slots=True)
class OddFrame:
    """What an odd frame holds.

    Parameters
    ----------
    messages
        The messages of known types, in their order.
    unknown
        The types of the others.
    bad
        Reason and text of each element that is no message, or that is of a known type and has no ticker.
    """

    messages: list[WireMessage] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)


def read_frame(data: bytes | str) -> list[WireMessage] | None:
    """Return the messages of a frame; None if it is odd."""
    try:
        return _FRAME.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def read_odd_frame(data: bytes | str) -> OddFrame:
    """Return the messages of any frame.

    Raises
    ------
    FrameError
        The frame is not a JSON array.
    """
    frame = OddFrame()
    for element in _elements(data):
        kind = element.get("ev") if isinstance(element, dict) else None
        if not isinstance(kind, str):
            frame.bad.append(("it is no object with a type in ev", _text_of(element)))
        elif kind not in _TYPES:
            frame.unknown.append(plain_text(kind))
        elif (message := _message(element, _TYPES[kind])) is not None:
            frame.messages.append(message)
        else:
            frame.bad.append(("it has no ticker", _text_of(element)))
    return frame


def _elements(data: bytes | str) -> list[Any]:
    text = data if isinstance(data, str) else data.decode("utf-8", errors="replace")
    try:
        elements = json.loads(text, parse_int=_integer, parse_constant=_null)
    except RecursionError as error:
        raise FrameError("it is nested too deeply") from error
    except ValueError as error:
        raise FrameError(f"it is no JSON: {error}") from error
    if not isinstance(elements, list):
        raise FrameError("it is no array")
    return elements


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _null(_constant: str) -> None:
    """Return null for NaN and infinity: JSON has neither, but many libraries write them."""


def _text_of(element: object) -> str:
    return json.dumps(element, separators=(",", ":"))


def _message(element: dict[str, Any], type_: type[Any]) -> Any:
    """Return an element as a message; None without a ticker."""
    try:
        message = msgspec.convert(element, type_, strict=False)
    except ValidationError:
        message = _repaired(element, type_)
    for name in ("ticker", "trade_id", "status", "message"):
        if isinstance(text := getattr(message, name, None), str):
            setattr(message, name, plain_text(text))
    return message


def _repaired(element: dict[str, Any], type_: type[Any]) -> Any:
    """Return an element as a message with null for each field that cannot be read; None without a ticker."""
    values = {}
    for one in _FIELDS[type_]:
        value = element.get(one.encode_name)
        values[one.name] = None if value is None else _value(one.name, value, one.type)
    return None if values.get("ticker", "") is None else type_(**values)


def _value(name: str, value: Any, type_: Any) -> Any:
    """Return the value of a field, or None if it cannot be read."""
    if name == "conditions":
        ids = value if isinstance(value, list) else [value]
        return [_value("condition", one, Int16) for one in ids]
    if isinstance(value, float) and math.isfinite(value):
        if value.is_integer():
            value = int(value)
        elif name in _TIMES:
            value = _nanoseconds(value)
    elif name == "trade_id" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    try:
        return msgspec.convert(value, type_, strict=False)
    except ValidationError:
        return None


def _nanoseconds(time: float) -> int | None:
    """Return a time with a fraction in nanoseconds, rounded; None before 1973, which nanoseconds would not tell."""
    ns = round(Fraction(time) * NS_PER_UNIT[epoch_unit(time)])
    return ns if epoch_unit(ns) == "ns" else None


def plain_text(text: str) -> str:
    """Return text without halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
