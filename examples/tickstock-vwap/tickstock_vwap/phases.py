"""A tap: how many accepted rows and events each market phase has, as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import PHASES
from tickstock_cli.engine.taps import Tap, TapStep
from tickstock_cli.sinks.outputs import open_output, writing


class PhaseCounts(Tap):
    """Writes ``{"rows": {"pre": 1, ...}, "events": {...}}`` to its target."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._output = open_output(target)
        self._counts = np.zeros((2, len(PHASES)), dtype=np.int64)

    def observe(self, step: TapStep) -> None:
        for part in (step.rows.ticks, step.rows.bars, step.rows.fmvs):
            self._counts[0] += np.bincount(part.phase[part.accepted], minlength=len(PHASES))
        self._counts[1] += np.bincount(step.events["phase"], minlength=len(PHASES))

    def state(self) -> Mapping[str, NDArray[Any]]:
        return {"counts": self._counts}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._counts[:] = state.get("counts", 0)

    def finish(self) -> None:
        rows, events = (dict(zip(PHASES, counts.tolist(), strict=True)) for counts in self._counts)
        with writing(self._target):
            self._output.stream.write(json.dumps({"rows": rows, "events": events}).encode() + b"\n")
        self._output.finish()

    def commit(self) -> None:
        self._output.commit()

    def abort(self) -> None:
        self._output.abort()
