"""Rows that `recordings.where` leaves out: they are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck, Watcher
from tickstock_cli.sources.plain_numbers import Bools
from tickstock_cli.sources.selection import theirs_of


def _watch(facts: Facts) -> Callable[[], Watcher] | None:
    if not facts.options.where:
        return None
    where = theirs_of(facts.options.where, facts.layout.columns, facts.schema.names)
    return (
        partial(_WhereWatcher, ", ".join(f"{name}={','.join(wanted)}" for name, wanted in where.items()))
        if where
        else None
    )


class _WhereWatcher:
    def __init__(self, told: str) -> None:
        self._told = told
        self._left_out = 0
        self._rows = 0

    def see(self, rows: pa.RecordBatch, chosen: Bools | None, first: int) -> None:  # noqa: ARG002 - the protocol's
        self._rows += rows.num_rows
        if chosen is not None:
            self._left_out += rows.num_rows - int(np.count_nonzero(chosen))

    def oddities(self) -> Iterator[Oddity]:
        if self._rows:
            yield Oddity(
                f"--where {self._told} leaves out " + "{} of {} {row|rows}",
                (self._left_out, self._rows),
                is_asked_for=True,
            )


CHECK = RecordingCheck("where", ("tick", "ohlcv", "fmv"), watch=_watch)
