"""Broken lines cost themselves, not the lines behind them: open quotes, bytes that are no text."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.errors import DataError
from tickstock_cli.importing.lines import LineBlock
from tickstock_cli.importing.typed_rows import TEXT, LineReader, TextLayout, TypedRows

TYPES = {"number": pa.int64(), "word": TEXT}
NAMES = ["number", "word", "note"]


def read(text: str, *, drops: bool, quoted_ends: bool = False) -> TypedRows:
    """Return the rows of a text that begins on line 2."""
    reader = LineReader(Path("some.csv"), TextLayout(NAMES, TYPES, quoted_ends=quoted_ends), drops=drops)
    return reader.read(LineBlock(text.encode(), 2))


@pytest.mark.parametrize(
    ("text", "line", "quoted_ends"),
    [
        ('1,a,x\n2,"b,x\n3,c,x\n4,"d",x\n', 3, False),
        ('1,a,x\n2,"b,x\n3,c,x\n4,d,x', 3, False),
        ('1,a,x\r\n2,b,"x\r\n3,c,x\r\n\r\n4,d,"x"\r\n', 3, False),
        ('"2,b,x\n1,a,x\n3,c,x\n4,d,x\n', 2, False),
        ('1,a,x\n2,b,"x\n3,c,x\n4,d,"x"\n', 3, True),
    ],
)
def test_the_line_is_named_or_dropped_alone(text: str, line: int, quoted_ends: bool) -> None:
    """It swallowed up to all lines behind it, and the rows that were left had their values."""
    with pytest.raises(
        DataError, match=rf"line {line}: a quote begins in it that nothing closes \('\"?2,.*--bad-rows drop"
    ):
        read(text, drops=False, quoted_ends=quoted_ends)

    typed = read(text, drops=True, quoted_ends=quoted_ends)

    assert typed.rows["number"].to_pylist() == [1, 3, 4]
    assert typed.rows["word"].to_pylist() == ["a", "c", "d"]
    assert (typed.read, typed.dropped) == (4, {"unreadable": 1})


def test_values_of_several_lines_are_whole_where_they_can_be() -> None:
    """Notes in CSV files of any tool."""
    typed = read('1,a,"x\nmore, of it\n"\n"2\n",b,"y"\n\n3,c,z\n', drops=False, quoted_ends=True)

    assert typed.rows["number"].to_pylist() == [1, 2, 3]
    assert (typed.read, typed.dropped) == (3, {})


@given(
    st.lists(
        st.sampled_from(["1,a,x", '2,"b",x', '3,"b,x', '4,b,"x', '5,b"b,x', '6,b,"x""y"', '"7,b,x"', "8,b", "", "\r"])
    )
)
def test_every_line_is_a_row_or_dropped(lines: list[str]) -> None:
    """Whatever stands behind a line, what becomes of it is the same."""
    typed = read("".join(f"{line}\n" for line in lines), drops=True)

    assert typed.rows["number"].to_pylist() == [int(line[0]) for line in lines if line[:1] in {*"1256"}]
    assert typed.read == sum(line.strip() != "" for line in lines)
    assert typed.dropped.get("unreadable", 0) == typed.read - typed.rows.num_rows


@given(
    st.lists(
        st.sampled_from([b"1", b"a", b",", b'"', b"\n", b"\r", b"\xff", b"\0", b"1,a,x\n", b'2,"b",x\r\n']), max_size=40
    )
)
def test_whatever_stands_in_lines_they_are_counted(pieces: list[bytes]) -> None:
    """A byte that is no text ended an import that drops such lines, and printed a traceback on the way."""
    text = b"".join(pieces)
    reader = LineReader(Path("some.csv"), TextLayout(NAMES, TYPES), drops=True)

    typed = reader.read(LineBlock(text, 2))

    assert typed.read == len([line for line in re.split(rb"\r\n|\r|\n", text) if line])
    assert typed.dropped.get("unreadable", 0) == typed.read - typed.rows.num_rows


def test_bytes_that_are_no_text_are_named_by_their_line() -> None:
    """Arrow named a column by its number."""
    text = "1,ä,x\n".encode() + b"2,\xe4,x\n"
    reader = LineReader(Path("some.csv"), TextLayout(NAMES, TYPES), drops=False)

    with pytest.raises(DataError, match=r"line 3: has bytes that are no text in UTF-8 \('2,.,x'\)"):
        reader.read(LineBlock(text, 2))
