"""Opens a pipeline by its name, and closes it at the end of a context."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING

from tickstock_cli.config.settings import Settings
from tickstock_cli.engine.core import Core
from tickstock_cli.engine.pipeline import DirectPipeline, LinearPipeline, Pipeline
from tickstock_cli.runtime.switching import quick_switches

if TYPE_CHECKING:
    from tickstock_cli.monitoring.handlers import Handler
    from tickstock_cli.runtime.observer import RuntimeObserver
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline, Publish
    from tickstock_cli.runtime.system import MultiChannelSystem


class PipelineName(StrEnum):
    """Names of the pipelines, which all give the same events.

    ``direct`` steps the core in large batches, ``multi`` is the running system with queues and channels, ``linear`` is
    the older path: one queue, record by record; ``rollout`` is ``multi`` for a share of the tickers, and a linear path
    beside it for the others.
    """

    DIRECT = "direct"
    MULTI = "multi"
    LINEAR = "linear"
    ROLLOUT = "rollout"

    @property
    def is_running_system(self) -> bool:
        """Whether rows take queues and channels, all of them or a share."""
        return self in (PipelineName.MULTI, PipelineName.ROLLOUT)


def open_pipeline(
    name: PipelineName,
    settings: Settings,
    core: Core,
    stack: ExitStack,
    handlers: tuple[Handler, ...] = (),
    stopped: Callable[[], bool] = lambda: False,
    runtime_observer: RuntimeObserver | None = None,
    keeps_time: bool = True,
    attach: Callable[[MultiChannelPipeline], None] = lambda pipeline: None,  # noqa: ARG005
) -> Pipeline:
    """Build and start a pipeline; ``stack`` ends it.

    Parameters
    ----------
    handlers
        Called with a running system's alerts.
    stopped
        Returns whether the run has been stopped; see `MultiChannelPipeline`.
    runtime_observer
        Observes batches and events inside a running system.
    keeps_time
        Whether rows are due at some wall time; see `MultiChannelPipeline`.
    attach
        Called with the pipeline of a running system before it gets its first row.
    """
    if name is PipelineName.DIRECT:
        if keeps_time:
            stack.enter_context(quick_switches())
        return DirectPipeline(core)
    if name is PipelineName.LINEAR:
        return LinearPipeline(core)
    # A replay flat out needs none of the running system, which takes a twentieth of the time of a short one to import.
    from tickstock_cli.runtime.pipeline import LoopThread, MultiChannelPipeline
    from tickstock_cli.runtime.system import MultiChannelSystem

    stack.enter_context(quick_switches())
    thread = stack.enter_context(LoopThread())

    def build(publish: Publish) -> MultiChannelSystem:
        return MultiChannelSystem(
            settings,
            core,
            publish=publish,
            handlers=handlers,
            observer=runtime_observer,
            rollout=name is PipelineName.ROLLOUT,
        )

    pipeline = stack.enter_context(MultiChannelPipeline(thread, build, stopped, keeps_time))
    attach(pipeline)
    return pipeline
