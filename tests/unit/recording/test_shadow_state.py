"""A second start in a recorded folder goes on for the shadow, too."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.unit.recording.running import BEGIN, Feed, Life, live, market
from tickstock_cli.assembly import RunPlan, ShadowPlan, assemble
from tickstock_cli.engine.execution import execute
from tickstock_cli.recording.warm_state import warm_state
from tickstock_cli.testing import MINUTE, ListSink, settings_of

OTHER = settings_of({"highlow.cooldown_seconds": 0, "trend.cooldown_seconds": 0})


def test_a_shadow_goes_on_from_the_recorded_rows(tmp_path: Path) -> None:
    """It tells what a run with its settings tells after the same rows: a high is not one because it is the first."""
    main = settings_of({})
    live(tmp_path, Life(market(3)))
    later = market(4, BEGIN + 10 * MINUTE)

    def told(plan: dict[str, Any], sink: ListSink) -> list[dict[str, Any]]:
        with ExitStack() as stack:
            execute(assemble(RunPlan(Feed(later), **plan), stack))
        return sink.events

    alone, beside, cold = ListSink(), ListSink(), ListSink()
    warm = warm_state(tmp_path, OTHER).initial
    both = warm_state(tmp_path, main, shadow=OTHER).initial
    expected = told({"settings": OTHER, "initial": warm, "open_sinks": lambda _: [alone]}, alone)
    shadow = ShadowPlan("other.toml", OTHER, lambda _: [beside])

    assert told({"settings": main, "initial": both, "shadow": shadow}, beside) == expected
    assert told({"settings": OTHER, "open_sinks": lambda _: [cold]}, cold) != expected
