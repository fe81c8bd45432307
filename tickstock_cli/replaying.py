"""Replay as a function of recordings and settings that writes files and returns figures.

Examples
--------
>>> from tickstock_cli.replaying import Request, replay
>>> result = replay(Request(paths=["sample_data"], outs=["events.parquet"]))  # doctest: +SKIP
>>> result.tally.events, result.digest  # doctest: +SKIP
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from tickstock_cli import __version__
from tickstock_cli.assembly import RunPlan, ShadowPlan, assemble
from tickstock_cli.build import settings_model
from tickstock_cli.config.same_rows import check_same_rows
from tickstock_cli.config.settings import Settings, deciding_settings
from tickstock_cli.core.calendar import market_zone
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.registry import Plugin
from tickstock_cli.core.stages import LiveSource, NamedSink, NamedSource, Sink
from tickstock_cli.core.time_input import TimeInput
from tickstock_cli.core.times import format_time
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.run import CHECKPOINT_EVERY_NS, InitialState, RunOptions
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.engine.taps import TAPS, Tap, open_taps, tap_name
from tickstock_cli.errors import FailedOutputsError, UsageError
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.sinks import SINKS
from tickstock_cli.sinks.opening import open_all, shadow_target, sink_name
from tickstock_cli.sources import SOURCES
from tickstock_cli.sources.interpretation import DEFAULT_ZONE
from tickstock_cli.sources.opening import open_repeatable, open_source, source_name
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.zones import in_utc
from tickstock_cli.storage.fetching import original_name
from tickstock_cli.storage.names import is_object, object_name

if TYPE_CHECKING:
    from tickstock_cli.engine.live import LiveDriver
    from tickstock_cli.engine.rejection import RowSink
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline

BATCH_ROWS = 262_144
FOOTER_BYTES = 65_536

OpenSinks = Callable[[Sequence[str], pa.Schema], Sequence[Sink | NamedSink]]
"""Opens the outputs of a run by their targets, for events of a schema."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to replay and how.

    Parameters
    ----------
    settings
        An instance of ``build.settings_model()``; None is all defaults.
    start, end
        ns UTC, or times that a user wrote; rows available in [start, end) are replayed.
    outs, rejects
        Targets of events (by suffix; ``-`` is stdout) and of rejected rows (Parquet).
    taps
        Plugins' taps, ``NAME`` or ``NAME:TARGET`` each.
    speed
        Times recorded time, above 0; None is flat out.
    pipeline
        How rows get to the core; None: direct when flat out, multi when paced.
    provenance
        Whether events have the columns of their provenance; needs a running system (multi).
    checkpoint, resume
        Folder of checkpoints, and whether to go on from the newest one there, if there is one.
    keep_partial
        Whether the outputs of a run that is stopped early get the suffix ``.partial``. They do anyway where an earlier
        file has their name.
    shadow, shadow_name
        The settings of a second configuration that gets the same rows, and its name. Its events go to files beside
        ``outs``, such as ``events.shadow.jsonl``. Its settings of recordings, sources and calendar are the run's.
    """

    paths: Sequence[str | Path]
    settings: Settings | None = None
    start: int | TimeInput | None = None
    end: int | TimeInput | None = None
    symbols: frozenset[str] | None = None
    unsorted: Unsorted = Unsorted.FAIL
    outs: Sequence[str] = ()
    rejects: str | None = None
    taps: Sequence[str] = ()
    speed: float | None = None
    workers: int = 1
    batch_rows: int = BATCH_ROWS
    strict: bool = False
    pipeline: PipelineName | None = None
    provenance: bool = False
    checkpoint: Path | None = None
    resume: bool = False
    checkpoint_every_ns: int = CHECKPOINT_EVERY_NS
    keep_partial: bool = False
    shadow: Settings | None = None
    shadow_name: str = "shadow"

    @property
    def shadow_outs(self) -> Sequence[str]:
        """Targets of the shadow's events; none without a shadow."""
        if self.shadow is None:
            return ()
        return [target for target in map(shadow_target, self.outs) if target is not None]

    @property
    def effective_settings(self) -> Settings:
        """The settings; all defaults if none were given."""
        return self.settings if self.settings is not None else settings_model()()

    @property
    def pipeline_name(self) -> PipelineName:
        """How rows get to the core."""
        return self.pipeline or (PipelineName.DIRECT if self.speed is None else PipelineName.MULTI)


def replay(
    request: Request,
    control: Control | None = None,
    observe: Callable[[NamedSource], Observer] | None = None,
    clock: Clock | None = None,
    attach: Callable[[MultiChannelPipeline], None] | None = None,
    open_sinks: OpenSinks = open_all,
    snapshots: Snapshots | None = None,
    taps: Mapping[str, Tap] | None = None,
    initial: InitialState | None = None,
) -> RunResult:
    """Replay recordings from their first row to their last, or until ``control`` stops it.

    Parameters
    ----------
    observe
        Called once with the opened source; returns the observer of the run.
    attach
        Called once with the pipeline of a running system, if there is one, before it gets its first row.
    open_sinks
        Opens the outputs of events, all or none of them.
    snapshots
        Snapshots that a paced run keeps to seek back; not with None, or a source that can be read only once.
    taps
        Observe judged rows and released events, by name; see `engine.taps`. Those of the request come after them.
    initial
        State of an earlier run to go on from; None: the run begins without any.

    Raises
    ------
    UsageError
        The request contradicts itself.
    DataError
        A recording is missing, unreadable, of wrong columns or unsorted; or a row was rejected under ``strict``.
    FailedOutputsError
        Some outputs could not be written; the others are whole, and the error has the result.
    OutputError
        No output could be written; earlier files of their names stay unchanged.
    CheckpointError
        The checkpoint does not match.
    """
    _check_options(request)
    settings = request.effective_settings
    control = control or Control(request.speed)
    reading = read_options(request, settings)
    request = replace(request, start=reading.start, end=reading.end)
    with ExitStack() as stack:
        source = stack.enter_context(closing(_open_source(request, reading)))
        taps = {**(taps or {}), **stack.enter_context(_named_taps(request))}
        store = None
        if request.checkpoint is not None:
            from tickstock_cli.engine.checkpoint import CheckpointStore

            store = CheckpointStore(request.checkpoint, fingerprint(request, settings, source, taps))
            stack.enter_context(store.locked())
        watcher = observe(source) if observe is not None else Observer()
        _check_targets(request, source)
        plan = RunPlan(
            source,
            settings,
            control,
            watcher,
            request.pipeline_name,
            request.workers,
            RunOptions(
                request.batch_rows,
                request.strict,
                request.resume,
                request.checkpoint_every_ns,
                {str(ours): theirs for ours, theirs in settings.recordings.columns.items()},
                request.keep_partial,
            ),
            open_sinks=partial(open_sinks, request.outs),
            open_rejects=None if request.rejects is None else partial(_open_rejects, request.rejects),
            rejects_target=request.rejects or "",
            provenance=request.provenance,
            store=store,
            clock=clock or SystemClock(),
            snapshots=snapshots if source.repeatable else None,
            taps=taps,
            tap_targets={tap_name(text): Path(text.partition(":")[2]) for text in request.taps if ":" in text},
            driver=_driver(source, control, clock or SystemClock()),
            initial=initial,
            shadow=_shadow(request),
        )
        parts = assemble(plan if attach is None else replace(plan, attach=attach), stack)
        try:
            result, failed = execute(parts), None
        except FailedOutputsError as error:
            result, failed = cast(RunResult, error.result), error
        is_rollout = request.pipeline_name is PipelineName.ROLLOUT
        rollout = cast("MultiChannelPipeline", parts.pipeline).rollout() if is_rollout else None
        result = replace(result, plugins=plugins_of(request, settings), rollout=rollout)
        if failed is not None:
            failed.result = result
            raise failed
        return result


def _driver(source: NamedSource, control: Control, clock: Clock) -> LiveDriver | None:
    """Return the live driver for a live source; None for a driver by the requested speed."""
    if control.speed is not None or not source.is_live:
        return None
    import psutil

    from tickstock_cli.engine.live import LiveDriver
    from tickstock_cli.engine.market_clock import market_clock

    live = cast(LiveSource, source)
    options = live.arrival
    age = time.time_ns() - round(psutil.Process().create_time() * 1e9)
    market = market_clock(options, clock, time.time_ns, clock.now() - age)
    return LiveDriver(
        clock,
        control,
        market,
        queue_rows=options.queue_rows,
        stamps=options.stamps,
        health=live.health,
        tickers=options.tickers,
    )


def _open_rejects(target: str, schema: pa.Schema) -> RowSink:
    from tickstock_cli.sinks.rejects import RejectsSink

    return RejectsSink(target, schema)


def _shadow(request: Request) -> ShadowPlan | None:
    if request.shadow is None:
        return None
    return ShadowPlan(request.shadow_name, request.shadow, partial(open_all, request.shadow_outs))


def check(request: Request) -> None:
    """Raise the errors that stop a replay before its first row: contradictory options, unreadable recordings."""
    _check_options(request)
    settings = request.effective_settings
    _open_source(request, read_options(request, settings)).close()


@contextmanager
def _named_taps(request: Request) -> Iterator[dict[str, Tap]]:
    """Open the taps of the request; a failure before the run aborts them."""
    opened = open_taps(request.taps)
    try:
        yield opened
    except BaseException:
        for tap in opened.values():
            tap.abort()
        raise


def _open_source(request: Request, options: ReadOptions) -> NamedSource:
    """Open the source of a request; a run that resumes must be able to read it again."""
    options = replace(options, keep_originals=request.strict or request.rejects is not None)
    if request.checkpoint is not None:
        return open_repeatable(request.paths, options, "a checkpoint is of no use without it")
    return open_source(request.paths, options)


def _check_options(request: Request) -> None:
    if request.resume and request.checkpoint is None:
        raise UsageError("--resume needs --checkpoint DIR: the folder of the run to go on with")
    if request.speed is not None and not 0 < request.speed < float("inf"):
        raise UsageError(f"--speed must be max or a number above 0, was {request.speed:g}")
    if request.shadow is not None:
        if request.checkpoint is not None:
            raise UsageError("--checkpoint does not keep the state of a shadow: leave --shadow or --checkpoint out")
        check_same_rows(request.shadow_name, request.shadow, request.effective_settings)
    if request.provenance and not request.pipeline_name.is_running_system:
        raise UsageError("--provenance needs the running system: add --speed N or --pipeline multi")


def read_options(request: Request, settings: Settings) -> ReadOptions:
    """Return the options for reading the recordings.

    Raises
    ------
    UsageError
        The start is not before the end, or one of them is a time of day and the recording has more than one date.
    DataError
        One of them is a time of day, and the recording that has its date cannot be read.
    """
    whole = ReadOptions(
        columns={str(ours): theirs for ours, theirs in settings.recordings.columns.items()},
        timestamp_unit=settings.recordings.timestamp_unit,
        timezone=settings.recordings.timezone,
        time_format=settings.recordings.time_format,
        interval_seconds=settings.recordings.interval_seconds,
        interval_unit=settings.recordings.interval_unit,
        bar_label=settings.recordings.bar_label,
        flags=settings.recordings.flags,
        scale={str(ours): factor for ours, factor in settings.recordings.scale.items()},
        where=settings.recordings.where,
        copies=settings.recordings.copies,
        ticker_from=settings.recordings.ticker_from,
        symbols=request.symbols,
        unsorted=request.unsorted,
        calendar=settings.session.market_calendar,
        sections={"live": settings.live, **{name: getattr(settings, name) for name in type(settings).source_names}},
    )
    zone = market_zone(settings.session.market_calendar)
    start, end = (
        None if moment is None else resolved(moment, request.paths, whole, zone)
        for moment in (request.start, request.end)
    )
    if start is not None and end is not None and start >= end:
        raise UsageError(
            f"--start {format_time(start)} is not before --end {format_time(end)}: no row can lie between them"
        )
    return replace(whole, start=start, end=end)


def _in_zone(moment: TimeInput, zone: str) -> int:
    """Return a time without a zone as one of the zone of recorded times without one."""
    if zone == DEFAULT_ZONE or moment.ns <= 0:
        return moment.ns
    found = int(in_utc(np.array([moment.ns]), ZoneInfo(zone))[0])
    if not found:
        raise UsageError(f"{moment.text} does not exist on the clocks of {zone}, which were set forward then")
    return found


def resolved(moment: int | TimeInput, paths: Sequence[str | Path], options: ReadOptions, zone: tzinfo) -> int:
    """Return a moment in ns UTC: a time of day on the only date of the recordings, which are opened for it."""
    if isinstance(moment, int):
        return moment
    if not moment.of_day:
        return _in_zone(moment, options.timezone) if moment.has_no_zone else moment.ns
    with closing(open_source(paths, options)) as source:
        return moment.resolved(source.span, zone)


def fingerprint(request: Request, settings: Settings, source: NamedSource, taps: Mapping[str, Tap]) -> dict[str, str]:
    """Return digests of all that decides the outputs of a run, by names that a user knows."""
    facts = {
        "the version of tickstock": __version__,
        "the settings": deciding_settings(settings),
        "--start": request.start,
        "--end": request.end,
        "--symbols": sorted(request.symbols) if request.symbols is not None else None,
        "--sort or --late": request.unsorted.value,
        "--rejects": request.rejects is not None,
        "--provenance": request.provenance,
        "the taps": sorted(name for name, tap in taps.items() if tap.needs_whole_run),
        "the plugins": [plugin.as_dict() for plugin in plugins_of(request, settings)],
        "the recordings": [_identity(path) for path in source.paths],
    }
    return {name: sha256(json.dumps(fact, sort_keys=True).encode()).hexdigest() for name, fact in facts.items()}


def plugins_of(request: Request, settings: Settings) -> tuple[Plugin, ...]:
    """Return the plugins that a run uses: detectors, source, sinks, taps."""
    detectors = [name for part in (settings, request.shadow) if part is not None for name in part.detectors.enabled]
    return (
        *DETECTORS.plugins_among(dict.fromkeys(detectors)),
        *SOURCES.plugins_among([source_name(request.paths)]),
        *SINKS.plugins_among(dict.fromkeys(map(sink_name, request.outs))),
        *TAPS.plugins_among(map(tap_name, request.taps)),
    )


def _identity(path: Path) -> tuple[str, int, str]:
    """Return the identity of a recording: name, size and end of each file, whose footer describes every column."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - FOOTER_BYTES))
        return path.name, size, sha256(stream.read()).hexdigest()


def _identified(target: str) -> str:
    """Return the one name of a target that can be written in several ways."""
    return str(object_name(target) if is_object(target) else Path(target).resolve())


def _check_targets(request: Request, source: NamedSource) -> None:
    targets = [*request.outs, *request.shadow_outs, *([request.rejects] if request.rejects is not None else [])]
    names = [target if target == "-" else _identified(target) for target in targets]
    read = {str(original_name(path) or path.resolve()) for path in source.paths} if targets else set()
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UsageError(f"{targets[place]} is named as an output twice; give each output a name of its own")
        if name in read:
            raise UsageError(f"{targets[place]} is a recording to be read and would be replaced; name another output")
