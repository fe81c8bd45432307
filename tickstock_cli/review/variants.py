"""The variants of a verification: modes of replay that must give the same result as the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tickstock_cli.replaying import BATCH_ROWS
from tickstock_cli.runtime.opening import PipelineName

SLICE_ROWS = 10_000
"""Rows of the slice for small steps and paced replays: a step of one row takes nearly half a millisecond."""
PACED_SECONDS = 1.5
"""Planned wall time of each paced variant."""
ROLLOUT_PERCENT = 50.0
"""Share of the tickers that take the multi-channel path of the rollout."""
SLOWEST = 1e-3


class Scope(StrEnum):
    """The part of the recording that a variant replays."""

    WHOLE = "whole"
    SLICE = "slice"


@dataclass(frozen=True, slots=True)
class Variant:
    """One mode of replay.

    Parameters
    ----------
    speed
        Times recorded time; None is flat out.
    pipeline
        Pipeline from source to core.
    stop_after
        Share of the rows after which the run is stopped and resumed from its checkpoint; None = no stop.
    resumed
        The variant for the resumed part, if it differs; its own ``stop_after`` is ignored.
    """

    name: str
    scope: Scope = Scope.WHOLE
    batch_rows: int = BATCH_ROWS
    workers: int = 1
    speed: float | None = None
    pipeline: PipelineName = PipelineName.DIRECT
    stop_after: float | None = None
    resumed: Variant | None = None


def plan(rows: int, slice_rows: int, slice_span: int) -> list[Variant]:
    """Return the variants, each scope's reference first.

    Parameters
    ----------
    rows
        Rows of the whole recording.
    slice_rows
        Rows of the slice; ``rows`` if the slice is the whole recording.
    slice_span
        Market time of the slice, ns.
    """
    # At least four batches, so that a run can stop between them.
    quarter = max(1, min(65_536, rows // 4))
    whole = [
        Variant("flat out, largest batches"),
        Variant("batches of 65,536", batch_rows=65_536),
        Variant("batches of 1,000", batch_rows=1_000),
        Variant("2 workers", workers=2, batch_rows=quarter),
        Variant("3 workers", workers=3, batch_rows=quarter),
        Variant("stopped in the middle, resumed", batch_rows=quarter, stop_after=0.5),
        Variant(
            "stopped early, resumed otherwise",
            batch_rows=quarter,
            stop_after=0.25,
            resumed=Variant("", batch_rows=max(1, quarter // 3), workers=2),
        ),
    ]
    fast = paced_speed(slice_span, PACED_SECONDS)
    slow = paced_speed(slice_span, 2 * PACED_SECONDS)
    small = [
        Variant("batches of 7", batch_rows=7),
        Variant("row by row, linear pipeline", pipeline=PipelineName.LINEAR),
        Variant("flat out, multi-channel pipeline", pipeline=PipelineName.MULTI),
        Variant(f"flat out, rollout at {ROLLOUT_PERCENT:g} %", pipeline=PipelineName.ROLLOUT),
        Variant(f"paced at {fast:,.6g}x", speed=fast, pipeline=PipelineName.MULTI),
        Variant(
            f"paced at {slow:,.6g}x, 2 workers, direct pipeline",
            speed=slow,
            workers=2,
            batch_rows=max(1, slice_rows // 4),
        ),
        Variant(
            f"paced at {fast:,.6g}x, stopped, resumed flat out",
            speed=fast,
            pipeline=PipelineName.MULTI,
            stop_after=0.5,
            batch_rows=max(1, slice_rows // 3),
            resumed=Variant(""),
        ),
    ]
    if slice_rows == rows:
        return [*whole, *small]
    return [
        *whole,
        *(replace(variant, scope=Scope.SLICE) for variant in (Variant("flat out, largest batches"), *small)),
    ]


def paced_speed(span: int, seconds: float) -> float:
    """Return the speed, to three digits, at which ``span`` ns of market time take ``seconds``."""
    return max(SLOWEST, float(f"{span / 1e9 / seconds:.3g}"))
