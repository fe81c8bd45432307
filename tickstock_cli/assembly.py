"""Assembly: builds the parts of a run from a source, settings and options.

`replay`, `serve`, load tests and the project's own tests all build their runs here, so that a load test measures what
users run, and a part that is added once is there for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tickstock_cli.build import build_core, build_encoder, build_event_schema
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.clock import Clock, SystemClock, wall_minus_monotonic
from tickstock_cli.core.events import Provenance
from tickstock_cli.core.garbage import collected_seldom
from tickstock_cli.core.stages import NamedSink, Sink, Source
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.drivers import Driver
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.output_states import OutputStates
from tickstock_cli.engine.outputs import READ_AHEAD, Outputs
from tickstock_cli.engine.run import InitialState, RunOptions, RunParts
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.engine.taps import Tap, Taps
from tickstock_cli.runtime.opening import PipelineName, open_pipeline
from tickstock_cli.warmup import warm_up, warm_up_reading

if TYPE_CHECKING:
    from tickstock_cli.engine.checkpoint import CheckpointStore
    from tickstock_cli.engine.live import LiveDriver
    from tickstock_cli.engine.rejection import RejectedRows, RowSink
    from tickstock_cli.engine.shadow import Shadow
    from tickstock_cli.runtime.observer import RuntimeObserver
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline

OpenSinks = Callable[[pa.Schema], Sequence[Sink | NamedSink]]
"""Opens the outputs of events of a schema, all or none of them."""
OpenRejects = Callable[[pa.Schema], "RowSink"]
"""Opens the output of rejected rows of a schema."""


LIVE_READ_AHEAD = 4_096
"""Limit of the released batches that wait for the outputs of a shadow of a live run."""


def no_sinks(schema: pa.Schema) -> Sequence[Sink | NamedSink]:  # noqa: ARG001 - as `OpenSinks`
    """Return no output: events are counted and hashed only."""
    return ()


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """The plan of a shadow: a second configuration on the rows of a run.

    Parameters
    ----------
    name
        Name of the configuration, such as its file.
    open_sinks
        Opens the outputs of its events.
    """

    name: str
    settings: Settings
    open_sinks: OpenSinks = no_sinks


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The plan of a run: its source, settings and parts.

    Parameters
    ----------
    source
        Read by the run; the caller closes it.
    control
        Its speed decides whether the run is paced, if no driver is given.
    pipeline
        How rows get to the core.
    workers
        Threads that share the tickers of a direct pipeline.
    open_sinks, open_rejects
        Open the outputs; ``open_rejects`` of None only counts rejected rows.
    provenance
        Whether events have the columns of their provenance; needs the running system.
    store
        Takes checkpoints.
    driver
        Feeds the run; None: flat out or paced, by the speed of ``control``.
    snapshots
        Snapshots to seek from.
    rejects_target
        The file that ``open_rejects`` opens.
    taps
        Observe judged rows and released events, by name.
    tap_targets
        The files that taps write, by name.
    runtime_observer
        Observes batches and events inside a running system.
    initial
        State of an earlier run to go on from; without ``store``. The shadow has none.
    attach
        Called with the pipeline of a running system before it gets its first row.
    shadow
        A second configuration that gets the same rows; not together with ``store``.
    """

    source: Source
    settings: Settings
    control: Control = field(default_factory=Control)
    observer: Observer = field(default_factory=Observer)
    pipeline: PipelineName = PipelineName.DIRECT
    workers: int = 1
    options: RunOptions = field(default_factory=RunOptions)
    open_sinks: OpenSinks = no_sinks
    open_rejects: OpenRejects | None = None
    rejects_target: str = "rejected rows"
    provenance: bool = False
    store: CheckpointStore | None = None
    clock: Clock = field(default_factory=SystemClock)
    driver: Driver | None = None
    snapshots: Snapshots | None = None
    taps: Mapping[str, Tap] = field(default_factory=dict)
    tap_targets: Mapping[str, Path] = field(default_factory=dict)
    runtime_observer: RuntimeObserver | None = None
    attach: Callable[[MultiChannelPipeline], None] = lambda pipeline: None  # noqa: ARG005
    shadow: ShadowPlan | None = None
    initial: InitialState | None = None

    @property
    def keeps_time(self) -> bool:
        """Whether rows are due at a wall time, so that no kernel may be compiled during the run."""
        return self.driver is not None or self.control.speed is not None


def assemble(plan: RunPlan, stack: ExitStack) -> RunParts:
    """Build and start the parts of a run; ``stack`` ends them.

    Raises
    ------
    OutputError
        An output cannot be opened; none is left open.
    """
    settings, source, control = plan.settings, plan.source, plan.control
    executor = stack.enter_context(ThreadPoolExecutor(plan.workers, "tickstock-worker")) if plan.workers > 1 else None
    core = build_core(settings, source.symbols, plan.workers, executor)
    if plan.keeps_time:
        warm_up(settings)  # loading kernels takes a second, in which rows would become late
        if plan.shadow is not None:
            warm_up(plan.shadow.settings)
    live = _live_driver(plan)
    if live is not None:
        core.reserve(live.tickers)
        warm_up_reading()  # or the first row would wait for the kernels that read it, and market time with it

    def attach(running: MultiChannelPipeline) -> None:
        if live is not None:
            running.system.reporter.watch_arrivals(live.arrivals)
        plan.attach(running)

    pipeline = open_pipeline(
        plan.pipeline,
        settings,
        core,
        stack,
        stopped=lambda: control.stopped,
        runtime_observer=plan.runtime_observer,
        keeps_time=plan.keeps_time,
        attach=attach,
    )
    outputs, rejects = _open_outputs(plan)
    try:
        shadow = None if plan.shadow is None else _shadow(plan, plan.shadow, outputs, executor, live)
    except BaseException:
        outputs.abort()
        if rejects is not None:
            rejects.abort()
        raise
    if live is not None:
        stack.enter_context(collected_seldom())  # before the first row: later it would be a pause of the market
    return RunParts(
        source,
        core,
        outputs,
        control,
        plan.observer,
        plan.options,
        rejects,
        plan.store,
        plan.clock,
        pipeline,
        plan.driver,
        plan.snapshots,
        Taps(plan.taps, outputs.states, plan.tap_targets),
        shadow,
        plan.initial,
    )


def _live_driver(plan: RunPlan) -> LiveDriver | None:
    """Return the driver of a live run; None for any other."""
    if plan.driver is None:
        return None
    from tickstock_cli.engine.live import LiveDriver  # a replay needs none of it

    return plan.driver if isinstance(plan.driver, LiveDriver) else None


def _shadow(
    plan: RunPlan, planned: ShadowPlan, main: Outputs, executor: Executor | None, live: LiveDriver | None
) -> Shadow:
    """Build a shadow with its outputs; its events are counted side by side with those of ``main``."""
    from tickstock_cli.engine.shadow import Shadow

    states = OutputStates(plan.observer.output_failed)
    own = states.add(f"shadow {planned.name}", "rows")
    outputs = Outputs(
        build_encoder(planned.settings, plan.source.symbols),
        planned.open_sinks(build_event_schema(planned.settings)),
        states=states,
        read_ahead=READ_AHEAD if live is None else LIVE_READ_AHEAD,
    )
    core = build_core(planned.settings, plan.source.symbols, plan.workers, executor)
    if live is not None:
        core.reserve(live.tickers)
    shadow = Shadow(planned.name, core, outputs, own, plan.observer.output_failed, live is not None)
    shadow.compare(main)
    return shadow


def _open_outputs(plan: RunPlan) -> tuple[Outputs, RejectedRows | None]:
    """Open every output, or none."""
    encoder = build_encoder(plan.settings, plan.source.symbols, _provenance(plan) if plan.provenance else None)
    sinks = plan.open_sinks(build_event_schema(plan.settings, provenance=plan.provenance))
    states = OutputStates(plan.observer.output_failed)
    try:
        rejects = _open_rejects(plan, states)
    except BaseException:
        for sink in sinks:
            (sink.sink if isinstance(sink, NamedSink) else sink).abort()
        raise
    return Outputs(encoder, sinks, plan.observer.released, states), rejects


def _provenance(plan: RunPlan) -> Provenance:
    from tickstock_cli.runtime.building import instance_names  # a run without a running system has no instances

    return Provenance(instance_names(plan.settings), wall_minus_monotonic())


def _open_rejects(plan: RunPlan, states: OutputStates) -> RejectedRows | None:
    """Return the output of rejected rows; None if they are only counted."""
    if plan.open_rejects is None and not plan.options.strict:
        return None
    from tickstock_cli.engine.rejection import RejectedRows

    sink = None if plan.open_rejects is None else plan.open_rejects(plan.source.origins().schema)
    keep = {} if plan.store is None else {"keep": plan.store.keep_rejects}
    return RejectedRows(
        plan.source, sink, plan.options.strict, plan.options.columns, plan.rejects_target, states, **keep
    )
