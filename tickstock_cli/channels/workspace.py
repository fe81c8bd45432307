"""The memory in which a channel works."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.admission import Rejects
from tickstock_cli.kernels.rows import ROW_DTYPES, BarRows, FmvRows, Groups, TickRows

RowsT = TypeVar("RowsT", TickRows, BarRows, FmvRows)


class Workspace:
    """A worker's arrays of one channel, reused for every batch: new memory would cost more time than the rules."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def array(self, name: str, length: int, dtype: Any) -> NDArray[Any]:
        """Return ``length`` entries of an array that is reused in every call; their contents are undefined."""
        held = self._arrays.get(name)
        if held is None or len(held) < length:
            held = np.empty(max(length, 2 * len(held) if held is not None else 64), dtype=dtype)
            self._arrays[name] = held
        return held[:length]

    def rows(self, kind: type[RowsT], groups: Groups, length: int, **given: NDArray[Any]) -> RowsT:
        """Return arrays for ``length`` admitted rows, grouped as ``groups``; ``given`` columns are not copied."""
        kept = Groups(
            self.array("kept_code", len(groups.code), np.int32),
            self.array("kept_start", len(groups.start), np.int64),
            self.array("kept_lookup_start", len(groups.lookup_start), np.int64),
        )
        columns = (
            given[name] if name in given else self.array(name, length, ROW_DTYPES[name]) for name in kind._fields[1:]
        )
        return kind(kept, *columns)

    def rejects(self, length: int) -> Rejects:
        """Return arrays for the rejects of ``length`` rows."""
        return Rejects(self.array("reject_row", length, np.int32), self.array("reject_reason", length, np.int8))


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view: batches are immutable, and kernels are compiled for read-only arrays."""
    view = array.view()
    view.flags.writeable = False
    return view
