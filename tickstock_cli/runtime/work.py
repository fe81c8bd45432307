"""Processes the parts that an instance took in one call of its channel, in any thread. No queue, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from tickstock_cli.channels.base import BatchOutcome
from tickstock_cli.channels.isolation import Failure
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, TickBatch
from tickstock_cli.core.whole_rows import put_rows, take_rows
from tickstock_cli.engine.channels import Answers, Channels
from tickstock_cli.runtime.chunks import ShardChunk, joined


def process(
    channels: Channels,
    parts: Sequence[ShardChunk],
    tickers: int,
    workspace: Workspace,
    left_out: Sequence[int] = (),
) -> BatchOutcome:
    """Process parts of one record type; no other thread processes their tickers.

    Parameters
    ----------
    tickers
        Upper bound of ticker codes; all state has room for them.
    left_out
        Codes of tickers whose rows are skipped: they are counted nowhere.

    Returns
    -------
    BatchOutcome
        Events in no particular order, rejected rows, counts. Answers are written into the parts' chunks.
    """
    record = parts[0].record
    rows = joined([part.rows for part in parts])
    mine = np.ones(tickers, dtype=np.bool_)
    mine[list(left_out)] = False
    if record == "tick":
        return _process_ticks(channels, parts, cast(TickBatch, rows), mine, workspace)
    judged = _unjudged(parts, rows)
    context = channels.context(True, channels.sessions(rows), isolates=True, judged=judged)
    answers = _answers_by_row(parts, rows)
    if record == "ohlcv":
        bars = cast(BarBatch, rows)
        channels.process_bars(bars, channels.group_bars(bars, mine, workspace), answers, workspace, context)
    else:
        fmvs = cast(FmvBatch, rows)
        channels.process_fmvs(fmvs, channels.group_fmvs(fmvs, mine, workspace), answers, workspace, context)
    _hand_back(parts, judged)
    return context.outcome


def process_or_undo(
    channels: Channels, parts: Sequence[ShardChunk], tickers: int, workspace: Workspace
) -> BatchOutcome:
    """Process parts as ``process`` does, without the tickers on which a detector raises.

    The state of these tickers is then that before the batch, so that another path can process their rows.

    Returns
    -------
    BatchOutcome
        The outcome of the other tickers, with the failures of those left out.
    """
    channel = channels.by_name()[parts[0].record]
    if all(detector.compiled for detector in channel.detectors.values()):  # they cannot raise halfway
        return process(channels, parts, tickers, workspace)
    codes = np.unique(np.concatenate([part.rows.code for part in parts]))
    codes = codes[codes >= 0]
    saved = [(array, array[codes].copy()) for array in channel.state().values()]
    failures: list[Failure] = []
    while True:
        outcome = process(channels, parts, tickers, workspace, [failure.code for failure in failures])
        if not outcome.failures:
            outcome.failures = failures
            return outcome
        for array, entries in saved:
            array[codes] = entries
        failures += outcome.failures


def _process_ticks(
    channels: Channels, parts: Sequence[ShardChunk], ticks: TickBatch, mine: Any, workspace: Workspace
) -> BatchOutcome:
    code = np.concatenate([part.asked_code for part in parts])
    order = np.concatenate([part.asked_order for part in parts])
    by_order = np.argsort(order, kind="stable")
    asking = [rows for part in parts for rows in (part.chunk.batch.bars, part.chunk.batch.fmvs)]
    judged = _unjudged(parts, ticks)
    context = channels.context(True, channels.sessions(ticks, *asking), isolates=True, judged=judged)
    grouped = channels.group_ticks(ticks, code[by_order], mine, workspace)
    told = channels.process_ticks(ticks, grouped, order[by_order], workspace, context)
    answers = np.empty_like(told)
    put_rows(answers, told, by_order)
    start = 0
    for part in parts:
        stop = start + len(part.slots)
        put_rows(part.chunk.answers, answers[start:stop], part.slots)
        start = stop
    _hand_back(parts, judged)
    return context.outcome


def _unjudged(parts: Sequence[ShardChunk], rows: Batch) -> JudgedRows | None:
    """Return arrays for the judgement of the parts' rows; None if no tap needs it."""
    return None if parts[0].chunk.judged is None else JudgedRows.only(rows)


def _hand_back(parts: Sequence[ShardChunk], judged: JudgedRows | None) -> None:
    """Write the judgement of the parts' rows into their chunks; instances write disjoint rows."""
    if judged is None:
        return
    rows = judged.by_record()[parts[0].record]
    for part in parts:
        assert part.chunk.judged is not None  # all chunks of a run are alike
        part.chunk.judged.by_record()[part.record].adopt(rows.among(part.rows.order))


def _answers_by_row(parts: Sequence[ShardChunk], rows: Batch) -> Answers:
    answers = np.concatenate([part.answers() for part in parts])
    orders = np.concatenate([part.rows.order for part in parts])
    return (
        answers
        if orders is rows.order or bool((orders == rows.order).all())
        else take_rows(answers, np.argsort(orders))
    )
