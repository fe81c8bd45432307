"""Readings: what a rule saw at one row and what it made of it, as plain values that a person can check.

Detectors give them on request (``explain``); nothing that computes events uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """How a rule ends at a row."""

    FIRED = "fired"
    COOLDOWN = "cooldown"
    """All conditions hold, but the last event of this kind is too recent."""
    BELOW = "below"
    """A threshold is not reached."""
    NOTHING_NEW = "nothing_new"
    """The row tells nothing that was not so before."""
    FILTERED = "filtered"
    WAITING = "waiting"
    """There is not enough data yet, or the moment to judge has not come."""
    HIDDEN = "hidden"
    """The row's flags, or the guard's suspicion, keep it from this rule."""


class Relation(StrEnum):
    """How a value must stand to its threshold."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"
    IS = "="


Value = float | int | str | None
"""A figure or a word; None = there is none."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure and, where it is held against something, the outcome.

    Parameters
    ----------
    value, threshold
        In ``unit``. A threshold of None: the figure is there to be seen, or there is nothing to hold it against.
    passes
        As the rule itself decided, with its tolerance. None = not asked.
    otherwise
        The rule's ending if this does not pass. None: the figure alone does not decide.
    """

    name: str
    value: Value
    unit: str = ""
    relation: Relation | None = None
    threshold: Value = None
    passes: bool | None = None
    otherwise: Ending | None = None


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A quiet time, int ns: its length, when the last event was (None = none yet), and how much of it is left."""

    length: int
    last: int | None
    left: int


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What a rule says of one row about one kind of event.

    ``decisive`` is the check that ended the rule before it could fire, if one did.
    """

    kind: str
    ending: Ending
    checks: tuple[Check, ...]
    cooldown: Cooldown | None = None
    decisive: Check | None = None


def judge(kind: str, checks: Sequence[Check], cooldown: Cooldown | None = None) -> RuleVerdict:
    """Return the verdict that checks lead to: the first that decides and does not pass ends the rule.

    Parameters
    ----------
    cooldown
        Asked last; None where the rule has none.
    """
    for check in checks:
        if check.otherwise is not None and not check.passes:
            return RuleVerdict(kind, check.otherwise, tuple(checks), cooldown, check)
    ending = Ending.COOLDOWN if cooldown is not None and cooldown.left else Ending.FIRED
    return RuleVerdict(kind, ending, tuple(checks), cooldown)
