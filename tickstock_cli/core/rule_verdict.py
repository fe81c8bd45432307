"""Verdicts of rules on single rows: the inputs of a rule and its decision, as plain values that a person can check.

Detectors return them on request (``explain``). Nothing that computes events uses them.
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
    """The row changes nothing that was reported before."""
    FILTERED = "filtered"
    WAITING = "waiting"
    """There is not enough data yet, or the rule is not evaluated at this row."""
    HIDDEN = "hidden"
    """The row's flags, or those of the guard, exclude it from this rule."""


class Relation(StrEnum):
    """The relation of a value to its threshold that a rule requires."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"
    IS = "="


Value = float | int | str | None
"""A number or a word; None = none."""


@dataclass(frozen=True, slots=True)
class Check:
    """One value and, where it is compared with a threshold, the result.

    Parameters
    ----------
    value, threshold
        In ``unit``. A threshold of None: the value is for information, or there is nothing to compare it with.
    passes
        As the rule itself decided, with its tolerance. None = not compared.
    otherwise
        The rule's ending if this does not pass. None: the value alone does not decide.
    unmet
        Why the rule ends here if this does not pass, as a sentence for people. Empty: name, value and threshold say it.
    """

    name: str
    value: Value
    unit: str = ""
    relation: Relation | None = None
    threshold: Value = None
    passes: bool | None = None
    otherwise: Ending | None = None
    unmet: str = ""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A quiet time in int ns: its length, the time of the last event (None = none yet), and the remaining time."""

    length: int
    last: int | None
    left: int


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """The decision of a rule on one row, for one kind of event.

    ``decisive`` is the check that ended the rule before it could fire, if one did.
    """

    kind: str
    ending: Ending
    checks: tuple[Check, ...]
    cooldown: Cooldown | None = None
    decisive: Check | None = None


def judge(kind: str, checks: Sequence[Check], cooldown: Cooldown | None = None) -> RuleVerdict:
    """Return the verdict of checks: the first that decides and does not pass ends the rule.

    Parameters
    ----------
    cooldown
        Compared last; None where the rule has none.
    """
    for check in checks:
        if check.otherwise is not None and not check.passes:
            return RuleVerdict(kind, check.otherwise, tuple(checks), cooldown, check)
    ending = Ending.COOLDOWN if cooldown is not None and cooldown.left else Ending.FIRED
    return RuleVerdict(kind, ending, tuple(checks), cooldown)
