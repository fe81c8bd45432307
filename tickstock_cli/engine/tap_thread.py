"""A tap that takes its steps in a thread of its own, so that the core computes the next step meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from numpy.typing import NDArray

from tickstock_cli.engine.taps import Tap, TapContext, TapStep

STEPS_AHEAD = 1
"""Steps that wait for the tap, beside the one that it takes: memory holds their rows."""


class TapThread(Tap):
    """Passes a run's steps to a tap, in their order, in one thread; the run waits when the tap is too far behind.

    Everything else happens on the run's thread when the tap has taken all steps so far. An error of a step is raised
    there by the next call, and the tap gets no later step.

    Parameters
    ----------
    tap
        Nobody else calls it between ``begin`` and ``finish`` or ``abort``.
    """

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._thread = ThreadPoolExecutor(1, "tickstock-tap")
        self._steps: deque[Future[None]] = deque()
        self._failed = False

    @property
    def needs_whole_run(self) -> bool:  # type: ignore[override]  # as the other tap's class says
        """Whether the other tap must see every row of a run."""
        return self._tap.needs_whole_run

    @property
    def needs_rows(self) -> bool:  # type: ignore[override]
        """Whether the other tap looks at the rows of steps."""
        return self._tap.needs_rows

    def begin(self, context: TapContext) -> None:
        self._tap.begin(context)

    def observe(self, step: TapStep) -> None:
        while self._steps and (self._steps[0].done() or len(self._steps) > STEPS_AHEAD):
            self._steps.popleft().result()
        self._steps.append(self._thread.submit(self._take, step))

    def settle(self) -> None:
        while self._steps:
            self._steps.popleft().result()
        self._tap.settle()

    def state(self) -> Mapping[str, NDArray[Any]]:
        self.settle()
        return self._tap.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.settle()
        self._tap.restore(state)

    def finish(self) -> None:
        self.settle()
        self._thread.shutdown()
        self._tap.finish()

    def commit(self) -> None:
        self._tap.commit()

    def abort(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._tap.abort()

    def _take(self, step: TapStep) -> None:
        if self._failed:
            return
        try:
            self._tap.observe(step)
        except BaseException:
            self._failed = True
            raise
