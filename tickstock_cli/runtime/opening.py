"""From a pipeline's name to the pipeline, and back to nothing when its user is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum

from tickstock_cli.config.settings import Settings
from tickstock_cli.engine.core import Core
from tickstock_cli.engine.pipeline import DirectPipeline, LinearPipeline, Pipeline
from tickstock_cli.monitoring.handlers import Handler
from tickstock_cli.runtime.observer import RuntimeObserver
from tickstock_cli.runtime.pipeline import LoopThread, MultiChannelPipeline, Publish
from tickstock_cli.runtime.switching import quick_switches
from tickstock_cli.runtime.system import MultiChannelSystem


class PipelineName(StrEnum):
    """Ways from a source to the core. All give the same events.

    ``direct`` steps the core in large batches, ``multi`` is the running system with its queues and channels, and
    ``linear`` the old path: one queue, record by record.
    """

    DIRECT = "direct"
    MULTI = "multi"
    LINEAR = "linear"


def open_pipeline(
    name: PipelineName,
    settings: Settings,
    core: Core,
    stack: ExitStack,
    handlers: tuple[Handler, ...] = (),
    stopped: Callable[[], bool] = lambda: False,
    runtime_observer: RuntimeObserver | None = None,
) -> Pipeline:
    """Build and start a pipeline; ``stack`` ends it.

    Parameters
    ----------
    handlers
        Told of a running system's alerts.
    stopped
        Returns whether the run has been stopped; see `MultiChannelPipeline`.
    runtime_observer
        Measures a running system from within.
    """
    if name is PipelineName.DIRECT:
        return DirectPipeline(core)
    if name is PipelineName.LINEAR:
        return LinearPipeline(core)
    stack.enter_context(quick_switches())
    thread = stack.enter_context(LoopThread())

    def build(publish: Publish) -> MultiChannelSystem:
        return MultiChannelSystem(settings, core, publish=publish, handlers=handlers, observer=runtime_observer)

    return stack.enter_context(MultiChannelPipeline(thread, build, stopped))
