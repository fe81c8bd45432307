"""The words of a check that ended a rule."""

from __future__ import annotations

from tickstock_cli.cli.render_explanation import because
from tickstock_cli.core.rule_verdict import Check, Ending, Relation
from tickstock_cli.detectors.base import holds


def test_a_condition_says_in_a_sentence_why_it_ends_the_rule() -> None:
    """A plugin need not give one; "was on the other side: no" reads like a fault."""
    assert because(holds("was below", False, Ending.NOTHING_NEW, "it was not below")) == "it was not below"
    assert because(holds("was below", False, Ending.NOTHING_NEW)) == '"was below" does not hold'


def test_a_threshold_says_what_is_needed() -> None:
    """Value, relation and unit."""
    check = Check("distance", 0.25, "%", Relation.AT_LEAST, 0.5, False, Ending.BELOW)

    assert because(check) == "distance 0.25 %, ≥ 0.5 % is needed"
