"""Verifies that a recording gives the same events in every mode of replay.

1. Replay the whole recording flat out: the reference.
2. For a large recording, replay a slice flat out, too: a few busy tickers, few enough rows for steps of one row.
3. Replay recording or slice in every other variant: other batches, more workers, another pipeline, paced, stopped and
   resumed.
4. Digest, ledger and Parquet file of each variant must equal those of the reference, byte for byte; so must the digest
   of the backtest, if the verification covers one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from time import perf_counter

import numpy as np

from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.build import settings_model
from tickstock_cli.core.ledger import RECORD_TYPES
from tickstock_cli.core.registry import Plugin
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.core.times import format_time
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.errors import DataError, TickstockError
from tickstock_cli.replaying import BATCH_ROWS, Request, read_options
from tickstock_cli.review.diff import Difference, compare_files
from tickstock_cli.review.judged_variants import VariantRunner
from tickstock_cli.review.variants import ROLLOUT_PERCENT, SLICE_ROWS, Scope, Variant, plan
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.sources.opening import open_repeatable

SLICE_TICKERS = 10
LEDGER_SHOWN = 3
READ_AGAIN = "verifying replays it many times"


@dataclass(frozen=True, slots=True)
class VariantResult:
    """The result of a variant.

    Parameters
    ----------
    seconds
        Wall time, including stops and resumes.
    stopped_at
        Rows after which the run was stopped; None without a stop.
    differs
        Differences from the reference in words; empty if there are none.
    difference
        The first differing event, if an event differs.
    backtest
        Digest of the backtest; None if the verification covers none.
    """

    variant: Variant
    rows: int
    events: int
    digest: str
    seconds: float
    stopped_at: int | None = None
    differs: tuple[str, ...] = ()
    difference: Difference | None = None
    backtest: str | None = None

    @property
    def same(self) -> bool:
        """Whether the result equals that of the reference."""
        return not self.differs


@dataclass(frozen=True, slots=True)
class Verification:
    """The results of all variants, in the order of the runs.

    ``slice_words`` describes the slice; empty if it is the whole recording. ``plugins`` took part in every variant.
    """

    variants: tuple[VariantResult, ...]
    slice_words: str
    plugins: tuple[Plugin, ...] = ()

    @property
    def failed(self) -> tuple[VariantResult, ...]:
        """The variants that differ from their reference."""
        return tuple(variant for variant in self.variants if not variant.same)

    @property
    def same(self) -> bool:
        """Whether all variants agree."""
        return not self.failed


@dataclass(frozen=True, slots=True)
class ReplayedPart:
    """The input of one scope's variants, and its reference result."""

    request: Request
    rows: int
    events: Path
    result: RunResult
    backtest: str | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of the recording that is small enough for slow variants: its rows and its market time (ns)."""

    request: Request
    rows: int
    span: int
    words: str


def verify(
    request: Request,
    report: Callable[[VariantResult, int], None],
    strategies: tuple[NamedStrategy, ...] | None = None,
    read: Callable[[NamedSource, RunResult], None] | None = None,
) -> Verification:
    """Replay a recording in all variants.

    Parameters
    ----------
    request
        Recordings, settings, selection and order; this function sets the mode of replay.
    report
        Called after each variant with its result and the number of all variants.
    strategies
        Each variant judges its events, too, and trades them by these; None: it does neither.
    read
        Called with the source of the first variant, which has read every row, and its result.

    Raises
    ------
    DataError
        A recording is missing, unreadable or unsorted, has wrong columns, has no row in the selection, or has no prices
        for a backtest.
    OutputError
        The folder for temporary files cannot be written.
    """
    settings = request.settings if request.settings is not None else settings_model()()
    request = replace(request, settings=settings)
    open_repeatable(request.paths, read_options(request, settings), READ_AGAIN).close()
    with tempfile.TemporaryDirectory(prefix="tickstock-verify-") as name:
        folder = Path(name)
        runner = VariantRunner.of(request, folder, strategies)
        opened: list[NamedSource] = []
        whole, first = _reference(
            runner, request, folder / "whole.parquet", Variant("flat out, largest batches"), opened
        )
        if not whole.rows:
            raise DataError("there is no row to verify; choose other paths, symbols or times")
        if read is not None:
            read(opened[0], whole.result)
        part = _narrow(whole)
        variants = plan(whole.rows, part.rows, part.span)
        report(first, len(variants))
        done = [first]
        parts = {Scope.WHOLE: whole}
        for variant in variants[1:]:
            if variant.scope not in parts:
                parts[variant.scope], result = _reference(
                    runner, part.request, folder / "slice.parquet", variant, opened
                )
            else:
                result = _run_variant(runner, variant, parts[variant.scope], folder)
            done.append(result)
            report(result, len(variants))
    return Verification(tuple(done), part.words, whole.result.plugins)


def _reference(
    runner: VariantRunner, request: Request, events: Path, variant: Variant, opened: list[NamedSource]
) -> tuple[ReplayedPart, VariantResult]:
    """Run a variant that others are compared with; its source is added to ``opened``."""

    def observe(source: NamedSource) -> Observer:
        opened.append(source)
        return Observer()

    begun = perf_counter()
    result, backtest = runner.run(replace(request, outs=[str(events)]), observe=observe)
    seconds, rows = perf_counter() - begun, _rows_of(result)
    return ReplayedPart(request, rows, events, result, backtest), VariantResult(
        variant, rows, result.tally.events, result.digest, seconds, backtest=backtest
    )


def _rows_of(result: RunResult) -> int:
    """Return the number of all rows of a run, including those before a restart."""
    return sum(result.ledger[f"{record}.read"] for record in RECORD_TYPES)


def _narrow(whole: ReplayedPart) -> Excerpt:
    """Return the first rows of the tickers with most events; the whole recording if it is small."""
    if whole.rows <= SLICE_ROWS:
        return Excerpt(whole.request, whole.rows, int(whole.result.market_seconds * 1e9), "")
    tickers = sorted(whole.result.tally.by_ticker.items(), key=lambda item: (-item[1], item[0]))[:SLICE_TICKERS]
    chosen = replace(whole.request, symbols=frozenset(name for name, _ in tickers)) if tickers else whole.request
    rows, first, last, end = _measure(chosen)
    who = f"the {len(tickers)} tickers with most events" if tickers else "all tickers"
    until = f", up to {format_time(end)}" if end is not None else ""
    limited = replace(chosen, end=end) if end is not None else chosen
    return Excerpt(limited, rows, last - first, f"{who}{until}")


def _measure(request: Request) -> tuple[int, int, int, int | None]:
    """Return the extent of the first ``SLICE_ROWS`` rows.

    Returns
    -------
    tuple
        Number of rows, first and last available time, and the time that separates them from later rows; None without
        later rows. Rows of one time stay together.
    """
    taken = np.empty(0, dtype=np.int64)
    with closing(
        open_repeatable(request.paths, read_options(request, request.effective_settings), READ_AGAIN)
    ) as source:
        for batch in source.batches(BATCH_ROWS):
            taken = np.concatenate([taken, batch.available_at()])
            if len(taken) > SLICE_ROWS and taken[-1] > taken[0]:
                end = max(int(taken[SLICE_ROWS]), int(taken[0]) + 1)
                rows = int(np.searchsorted(taken, end))
                return rows, int(taken[0]), int(taken[rows - 1]), end
    return len(taken), int(taken[0]), int(taken[-1]), None


def _run_variant(runner: VariantRunner, variant: Variant, part: ReplayedPart, folder: Path) -> VariantResult:
    events = folder / "variant.parquet"
    begun = perf_counter()
    stopped_at = None
    mode = replace(_with_mode(part.request, variant), outs=[str(events)])
    if variant.stop_after is None:
        result, backtest = runner.run(mode)
    else:
        checkpoint = folder / "checkpoint"
        control = Control(variant.speed)
        stopper = _StopAfter(control, max(1, int(part.rows * variant.stop_after)))
        stopped_at = runner.run(replace(mode, checkpoint=checkpoint), control, lambda _: stopper)[0].rows
        resumed = replace(_with_mode(mode, variant.resumed or variant), checkpoint=checkpoint, resume=True)
        result, backtest = runner.run(resumed)
    seconds = perf_counter() - begun
    differs, difference = _compare_with_reference(part, result, events)
    if backtest != part.backtest:
        differs = (*differs, "backtest")
    return VariantResult(
        variant,
        _rows_of(result),
        result.tally.events,
        result.digest,
        seconds,
        stopped_at,
        differs,
        difference,
        backtest,
    )


def _with_mode(request: Request, variant: Variant) -> Request:
    """Return the request with the mode of a variant."""
    mode = replace(
        request, batch_rows=variant.batch_rows, workers=variant.workers, speed=variant.speed, pipeline=variant.pipeline
    )
    if variant.pipeline is not PipelineName.ROLLOUT:
        return mode
    settings = request.effective_settings
    share = settings.pipeline.model_copy(update={"rollout_percent": ROLLOUT_PERCENT})
    return replace(mode, settings=settings.model_copy(update={"pipeline": share}))


class _StopAfter(Observer):
    """Stops a run after ``rows`` rows."""

    def __init__(self, control: Control, rows: int) -> None:
        self._control = control
        self._rows = rows

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's signature
        if rows >= self._rows:
            self._control.stop()


def _compare_with_reference(
    part: ReplayedPart, result: RunResult, events: Path
) -> tuple[tuple[str, ...], Difference | None]:
    """Return the differences of a variant from its reference, in words, and the first differing event."""
    differs = []
    difference = None
    same_bytes = _hash(events) == _hash(part.events)
    if result.digest != part.result.digest or not same_bytes:
        comparison = compare_files(part.events, events, part.request.settings, part.request.settings, 1)
        difference = comparison.differences[0] if comparison.differences else None
    if result.digest != part.result.digest:
        differs.append("events")
    elif not same_bytes:
        differs.append("bytes of the Parquet file")
    ours, theirs = result.ledger.as_dict(), part.result.ledger.as_dict()
    unequal = [name for name in sorted({*ours, *theirs}) if ours.get(name, 0) != theirs.get(name, 0)]
    differs += [f"{name} {ours.get(name, 0):,}, not {theirs.get(name, 0):,}" for name in unequal[:LEDGER_SHOWN]]
    return tuple(differs), difference


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise TickstockError(f"cannot read {path} back: {error.strerror or error}") from error
