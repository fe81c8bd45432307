"""The base of detectors' settings, kind codes, and the checks of their explanations.

The contract of a detector is `core.stages.Detector`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from tickstock_cli.core.kinds import Kind
from tickstock_cli.core.rule_verdict import Check, Cooldown, Ending, Relation, Value
from tickstock_cli.kernels.compare import NEVER, reaches, within_cooldown

HIDDEN_LAST = "its flags keep the price from being a last price"
"""Why a rule on last prices leaves out a tick that its own flags, or those of the guard, hide."""


class Params(BaseModel):
    """Base of every detector's settings: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def kind_codes(kinds: Mapping[str, int], names: Sequence[Kind]) -> tuple[int, ...]:
    """Return the run-wide codes of a detector's kinds, in its own order."""
    return tuple(kinds[kind.name] for kind in names)


def figure(name: str, value: Any, unit: str = "") -> Check:
    """Return a value that decides nothing by itself; NaN is none."""
    return Check(name, plain(value), unit)


def at_least(name: str, value: Any, least: Any, unit: str = "", otherwise: Ending | None = None) -> Check:
    """Compare a value with the least it must reach, as the kernels do; NaN reaches nothing."""
    passes = bool(reaches(float(value), float(least)))
    return Check(name, plain(value), unit, Relation.AT_LEAST, plain(least), passes, otherwise)


def holds(name: str, true: Any, otherwise: Ending, unmet: str = "") -> Check:
    """Return a check of a condition; if it does not hold, the rule ends, and ``unmet`` says why in plain words.

    Without ``unmet``, a reader is shown that ``name`` does not hold.
    """
    return Check(name, "yes" if true else "no", "", Relation.IS, "yes", bool(true), otherwise, unmet)


def cooldown_at(time: Any, last: Any, length: int) -> Cooldown:
    """Return the state of a cooldown at ``time``, as the kernels compute it; all int64 ns."""
    cooling = within_cooldown(int(time), int(last), length)
    return Cooldown(length, None if last == NEVER else int(last), int(last + length - time) if cooling else 0)


def plain(value: Any) -> Value:
    """Return a kernel's number as Python's own; NaN is None."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value  # NaN alone differs from itself
