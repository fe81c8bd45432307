"""Arrow arrays made of plain values, and numpy arrays of what Arrow arrays hold.

``pyarrow.array`` and ``Array.to_numpy`` import pandas if it is installed, which takes a quarter of a second: a short
run does without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def text_array(words: Sequence[str | None]) -> pa.Array[Any]:
    """Return strings as an Arrow array of text, below 2 GiB together; None is null."""
    encoded = [b"" if word is None else word.encode() for word in words]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(word) for word in encoded], out=offsets[1:])
    known = np.array([word is not None for word in words], dtype=np.bool_)
    return pa.StringArray.from_buffers(
        len(encoded), pa.py_buffer(offsets.data), pa.py_buffer(b"".join(encoded)), _bitmap(known)
    )


def number_array(numbers: NDArray[Any], type_: pa.DataType, known: Bools | None = None) -> pa.Array[Any]:
    """Return numbers as an Arrow array of a type of numbers; null where ``known`` is False."""
    content = pa.py_buffer(np.ascontiguousarray(numbers, dtype=type_.to_pandas_dtype()).data)
    return pa.Array.from_buffers(type_, len(numbers), [None if known is None else _bitmap(known), content])


def _bitmap(known: Bools) -> pa.Buffer | None:
    """Return Arrow's bits of what is not null; None if all is known."""
    return None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little").data)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Make a new array read-only, and return it."""
    array.flags.writeable = False
    return array


def valid(array: pa.Array[Any]) -> Bools:
    """Return where an array is not null."""
    bitmap = array.buffers()[0]
    if bitmap is None or not array.null_count:
        return frozen(np.full(len(array), not array.null_count))
    return frozen(_bits(array, bitmap))


def values(array: pa.Array[Any], dtype: Any, null: float) -> NDArray[Any]:
    """Return the numbers of an Arrow array: a view, or with nulls a copy that holds ``null`` for them."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return frozen(np.full(len(array), null, dtype=dtype))
    view = frozen(np.frombuffer(memoryview(buffer), dtype=dtype)[array.offset : array.offset + len(array)])
    return frozen(np.where(valid(array), view, dtype(null))) if array.null_count else view


def truths(array: pa.Array[Any]) -> Bools:
    """Return the truth values of an Arrow array; False for null."""
    buffer = array.buffers()[1]
    if buffer is None:
        return frozen(np.zeros(len(array), dtype=np.bool_))
    return frozen(_bits(array, buffer) & valid(array))


def _bits(array: pa.Array[Any], buffer: pa.Buffer) -> Bools:
    bits = np.frombuffer(memoryview(buffer), dtype=np.uint8)
    unpacked = np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :]
    return unpacked.view(np.bool_)
