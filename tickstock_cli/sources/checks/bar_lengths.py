"""Bars of several lengths of one ticker in one file: those that begin earlier are rejected."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import numpy as np

from tickstock_cli.core.times import format_duration
from tickstock_cli.sources.checks.bar_spacing import ticker_codes
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.plain_values import plain_values

_MOST_TOLD = 3


def _look(facts: Facts) -> Iterator[Oddity]:
    theirs = facts.layout.columns.get("interval")
    if theirs is None or facts.first.is_empty:
        return
    lengths = facts.reader.times(facts.head, 0).interval
    assert lengths is not None  # of bars
    codes = ticker_codes(facts.reader.array(facts.head, "ticker"))
    chosen = facts.reader.selected(facts.head)
    if chosen is not None:
        codes, lengths = codes[chosen], lengths[chosen]
    pairs = np.unique(np.stack([codes, lengths]), axis=1)
    if pairs.shape[1] == len(np.unique(codes)):
        return
    told = [format_duration(length) for length in np.unique(lengths)[:_MOST_TOLD].tolist()]
    column = facts.column("interval")
    assert column is not None  # it is in the file
    value = plain_values(column.slice(int(lengths.argmin()), 1))[0]  # there is no choice yet, or it keeps several
    yield Oddity(
        f"bars of one ticker are of several lengths ({', '.join(told)}), and those that begin before another are "
        f"rejected as late or duplicate: read those of one, as with --where {shlex.quote(f'{theirs}={value}')}"
    )


CHECK = RecordingCheck("bar_lengths", ("ohlcv",), _look)
