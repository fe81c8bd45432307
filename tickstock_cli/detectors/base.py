"""What detectors share: the base of their settings, and the codes of their kinds.

The contract they keep is `core.stages.Detector`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from pydantic import BaseModel, ConfigDict

from tickstock_cli.core.events import Kind
from tickstock_cli.core.reading import Check, Cooldown, Ending, Relation, Value
from tickstock_cli.kernels.compare import NEVER, reaches, within_cooldown


class Params(BaseModel):
    """Base of every detector's settings: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def kind_codes(kinds: Mapping[str, int], names: Sequence[Kind]) -> tuple[int, ...]:
    """Give the run-wide codes of a detector's kinds, in its own order."""
    return tuple(kinds[kind.name] for kind in names)


def figure(name: str, value: float | str, unit: str = "") -> Check:
    """Give a figure to be seen; NaN is none."""
    return Check(name, _known(value), unit)


def at_least(name: str, value: float, least: float, unit: str = "", otherwise: Ending | None = None) -> Check:
    """Hold a figure against the least it must reach, as the kernels do; NaN reaches nothing."""
    return Check(name, _known(value), unit, Relation.AT_LEAST, least, bool(reaches(value, least)), otherwise)


def cooldown_at(time: int, last: int, length: int) -> Cooldown:
    """Give how a cooldown stands at ``time``, as the kernels see it; all int64 ns."""
    cooling = within_cooldown(time, last, length)
    return Cooldown(length, None if last == NEVER else int(last), int(last + length - time) if cooling else 0)


def _known(value: Value) -> Value:
    return None if isinstance(value, float) and isnan(value) else value
