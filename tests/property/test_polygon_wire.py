"""The wire of Polygon, for all rows and for all frames."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.vendors.polygon.columns import Columns
from tickstock_cli.vendors.polygon.conditions import RegularHours, trade_flags
from tickstock_cli.vendors.polygon.encode import WireEncoder
from tickstock_cli.vendors.polygon.losses import WireLosses
from tickstock_cli.vendors.polygon.messages import read_frame, read_odd_frame
from tickstock_cli.vendors.polygon.wire import Decoded, Decoder

RECEIVED = 1_790_352_000_021_000_000
HOURS = RegularHours()
DECODER = Decoder()

MS = st.integers(10**11, (2**63 - 1) // 10**6 - 60_000) | st.integers(1_790_000_000_000, 1_790_600_000_000)
TIMES = MS.map(lambda ms: ms * 10**6)
REALS = st.floats(allow_nan=False, allow_infinity=False)
SIZES = st.integers(-(10**9), 10**13).map(lambda micros: micros / 10**6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
TICKERS = st.sampled_from(["A", "BRK.B", "BACpL"]) | TEXTS


def whole(bits: int) -> st.SearchStrategy[int | None]:
    """Return integers of a column; the least one of 64 bits is none, since its size has no int64."""
    return st.none() | st.integers(1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1)


CONDITIONS = st.lists(st.sampled_from([0, 12, 14, 37, 41, 15, 38, 99]) | whole(16), max_size=4)
TRADES = st.fixed_dictionaries(
    {
        "ticker": TICKERS,
        "timestamp": st.none() | TIMES,
        "price": st.none() | REALS,
        "size": st.none() | SIZES,
        "conditions": CONDITIONS,
        "exchange": whole(16),
        "sequence": whole(64),
        "trade_id": st.none() | TEXTS,
        "tape": whole(8),
        "participant_timestamp": st.none() | TIMES,
        "trf_id": whole(16),
    }
)
BARS = st.fixed_dictionaries(
    {
        "ticker": TICKERS,
        "timestamp": TIMES,
        **dict.fromkeys(("open", "high", "low", "close", "vwap"), st.none() | REALS),
        "volume": st.none() | SIZES,
        "interval": st.sampled_from([1.0, 60.0]),
    }
)
VALUES = st.fixed_dictionaries({"ticker": TICKERS, "timestamp": st.none() | TIMES, "fmv": st.none() | REALS})

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NEARLY = (
    st.integers(-3, 10**19)
    | st.floats(-1, 1e20)
    | st.integers(-9, 99).map(float)
    | st.decimals(-9, 999, places=6).map(str)
    | st.sampled_from(["nan", "", "A", "null", [37], [14, None], ["2", 3.0], 1_790_352_000_000])
)
FIELDS = ("sym", "t", "p", "s", "ds", "c", "x", "q", "i", "z", "pt", "trfi", "e", "o", "h", "l", "v", "dv", "vw", "fmv")
TYPES = st.sampled_from(["T", "AM", "A", "FMV", "status"])


def elements(value: st.SearchStrategy[Any], type_: st.SearchStrategy[Any] = TYPES) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with a type, mostly a ticker, and some fields with drawn values."""
    fields = st.dictionaries(st.sampled_from((*FIELDS, "status", "message", "new")), value, max_size=8)
    ticker = st.sampled_from([{"sym": "A"}] * 4 + [{}])
    return st.builds(lambda ev, sym, rest: {"ev": ev, **sym, **rest}, type_, ticker, fields)


def decoded(frames: list[bytes | str]) -> Decoded:
    """Return what frames hold, each received 1 ns after the one before."""
    return DECODER.decode([(frame, RECEIVED + place) for place, frame in enumerate(frames)])


def with_flags(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Return trades with the flags that their conditions and times give."""
    columns = Columns(pa.RecordBatch.from_pylist(rows, schema=RECORDED["tick"]))
    (sip, _), (exchange, _) = columns.times("timestamp"), columns.times("participant_timestamp")
    flags = trade_flags(*columns.ids("conditions"), sip, exchange, HOURS).flags
    return pa.RecordBatch.from_pylist(
        [{**row, "flags": flag} for row, flag in zip(rows, flags.tolist(), strict=True)], schema=RECORDED["tick"]
    )


@given(
    st.lists(TRADES, min_size=1, max_size=8),
    st.lists(BARS, max_size=8),
    st.lists(VALUES, max_size=8),
    st.integers(1, 9),
)
def test_what_is_encoded_is_decoded(
    trades: list[dict[str, Any]], bars: list[dict[str, Any]], values: list[dict[str, Any]], size: int
) -> None:
    """A recording of whole ms, served as the vendor and recorded again, is the recording: no digit is lost."""
    rows = {"tick": with_flags(trades)}
    rows |= {
        name: pa.RecordBatch.from_pylist(one, schema=RECORDED[name]) for name, one in (("ohlcv", bars), ("fmv", values))
    }
    events = [event for record, batch in rows.items() for event in WireEncoder().encode(record, batch).events]
    result = decoded([b"[" + b",".join(events[at : at + size]) + b"]" for at in range(0, len(events), size)])

    for record, batch in rows.items():
        assert not WireLosses().count(record, batch)
        if batch.num_rows:
            received = result.rows[record]["received_at"]
            assert result.rows[record].equals(batch.set_column(batch.num_columns - 1, "received_at", received))


@given(st.lists(elements(NEARLY), max_size=5))
def test_the_quick_reader_and_the_patient_one_agree(frame: list[dict[str, Any]]) -> None:
    """Which of the two reads a frame depends on its odd neighbours, so it must not matter."""
    text = json.dumps(frame)
    quick, patient = read_frame(text), read_odd_frame(text)

    if quick is not None:
        assert repr(patient.messages) == repr(quick)
        assert (patient.bad, patient.unknown) == ([], [])


@given(st.lists(elements(NEARLY | JUNK), min_size=1, max_size=3), st.sampled_from(FIELDS))
def test_an_odd_field_costs_itself_alone(frame: list[dict[str, Any]], field: str) -> None:
    """Other fields of the event and other events are what they are without it."""
    first, *others = ({**one, "sym": "A"} for one in frame)
    odd = [{**first, field: {}}, *others]
    without = [{name: value for name, value in first.items() if name != field}, *others]
    messages, expected = (read_odd_frame(json.dumps(one)).messages for one in (odd, without))

    if field == "c" and first["ev"] == "T":
        changed: Any = messages[0]
        assert changed.conditions == [None]
        changed.conditions = None
    assert repr(messages) == repr(expected)


@given(
    st.lists(
        st.lists(elements(JUNK | NEARLY, TYPES | JUNK) | JUNK, max_size=4).map(json.dumps)
        | JUNK.map(json.dumps)
        | st.binary(max_size=9)
        | st.lists(elements(NEARLY), min_size=1).map(lambda frame: json.dumps(frame)[:-5]),
        max_size=5,
    )
)
@example(['[{"ev":"T","sym":"\\ud800"}]', b'[{"ev":"status","message":"\xff"}]', "\ud800"])
def test_every_event_of_any_frames_is_counted_once(frames: list[bytes | str]) -> None:
    """Nothing in a frame raises, and rows, statuses, bad and unknown events add up to the events."""
    result = decoded(frames)
    rows = sum(batch.num_rows for batch in result.rows.values())
    counts = result.counts
    named = sum(counts[f"wire.{name}"] for name in ("status", "bad_event", "unknown_event"))

    assert counts["wire.events"] == rows + named
    assert counts["wire.frames"] == len(frames)
    assert len(result.errors) == counts["wire.bad_frame"] + counts["wire.bad_event"]
    assert all(error.text.encode() or not error.text for error in result.errors)
    for record, batch in result.rows.items():
        batch.validate(full=True)
        assert batch.schema.equals(RECORDED[record])
        assert not any(name in ("ticker", "received_at") and batch[name].null_count for name in batch.schema.names)


@given(st.lists(st.lists(elements(NEARLY | JUNK, TYPES | JUNK), max_size=3).map(json.dumps), max_size=5))
def test_frames_that_are_decoded_together_give_what_each_gives(frames: list[str]) -> None:
    """How many frames wait when the reader comes must not show in the rows."""
    together = decoded(list(frames))
    alone = [DECODER.decode([(frame, RECEIVED + place)]) for place, frame in enumerate(frames)]

    for record, schema in RECORDED.items():
        parts = [one.rows[record] for one in alone if record in one.rows]
        expected = pa.Table.from_batches(parts, schema=schema)
        assert pa.Table.from_batches([together.rows[record]] if parts else [], schema=schema).equals(expected)
    assert together.counts == sum((one.counts for one in alone), together.counts - together.counts)
    assert list(together.errors) == [error for one in alone for error in one.errors]


@given(
    st.lists(st.lists(TRADES, min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 400), st.integers(0, 2), st.sampled_from([*'"[]{},:.09-e \\\n\u00e9x'])
        ),
        max_size=2,
    ),
)
def test_plain_trades_are_read_as_any_others(
    trades: list[list[dict[str, Any]]], changes: list[tuple[int, int, int, str]]
) -> None:
    """Frames of trades alone skip the messages; a character more, less or another in one must not give other rows."""
    frames = []
    for rows in trades:
        batch = pa.RecordBatch.from_pylist(rows, schema=RECORDED["tick"].remove(12).remove(4))
        frames.append(b"[" + b",".join(WireEncoder().encode("tick", batch).events) + b"]")
    for frame, place, width, text in changes:
        if frame < len(frames):
            old, at = frames[frame], place % len(frames[frame])
            frames[frame] = old[:at] + text.encode() + old[at + width :]
    assert_read_alike(frames)


DIGITS = st.text("0123456789", min_size=1, max_size=20)
NUMBERS = (
    st.integers(0, 10**20).map(str)
    | st.builds("{}.{}".format, DIGITS, DIGITS)
    | DIGITS
    | st.sampled_from(["0", "0.0", "1.", ".5", "-1", "1e3", "9007199254740993", "9223372036854775807", "null", "true"])
)
WRITTEN = (
    NUMBERS | NUMBERS.map('"{}"'.format) | st.sampled_from(['""', '"A"', '"\\u0041"', "[]", "[12,37]", "[012]", "{}"])
)
KEYS = st.sampled_from([*FIELDS, "trft", "new", "tr", "sy", "symb", "", "T", "ev"])
WRITTEN_TRADES = st.builds(
    "{{{}}}".format,
    st.lists(st.builds('"{}":{}'.format, KEYS, WRITTEN), max_size=4).map(
        lambda fields: ",".join(['"ev":"T"', '"sym":"A"', *fields])
    ),
)


@given(
    st.lists(
        st.lists(WRITTEN_TRADES, min_size=1, max_size=2).map(lambda trades: f"[{','.join(trades)}]".encode())
        | st.sampled_from([b"", b"[]", b"\n", b'[{"ev":"AM","sym":"A"}]', b'[{"ev":"T","sym":"A"},{"ev":"status"}]']),
        min_size=1,
        max_size=4,
    )
)
@example([b'[{"ev":"T","sym":"A","p":0.' + b"0" * 30 + b"1}]", b'[{"ev":"T","sym":"A","p":1' + b"9" * 40 + b"}]"])
@example([b'[{"ev":"T","sym":"A","p":7.3785690282684228}]'])
@example([b'[{"ev":"T"', b',"sym":"A"}]', b'[{"ev":"T","sym":"A"}'])
def test_trades_are_read_alike_however_they_are_written(frames: list[bytes]) -> None:
    """Numbers of any length, keys in any order and twice, frames of other types among those of trades."""
    assert_read_alike(frames)


def assert_read_alike(frames: list[bytes]) -> None:
    """Check that frames are read as if none of them was plain, which only bytes are."""
    plain = Decoder().decode([(frame, RECEIVED + place) for place, frame in enumerate(frames)])
    others = Decoder().decode([(bytearray(frame), RECEIVED + place) for place, frame in enumerate(frames)])  # type: ignore[misc]

    assert plain.rows == others.rows
    assert list(plain.rows) == list(others.rows)
    assert plain.counts == others.counts
    assert plain.errors == others.errors
