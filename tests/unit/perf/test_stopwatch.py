"""The stopwatch of stages: own times, and functions that are themselves again afterwards."""

from __future__ import annotations

from tickstock_cli.perf.stopwatch import Stopwatch


class Part:
    """Something that a stage calls."""

    def work(self) -> int:
        """Work."""
        return 7


def test_a_stage_is_not_charged_for_what_it_calls() -> None:
    """Own times add up to the whole, and the watched function is itself again afterwards."""
    watch = Stopwatch()
    before = Part.work
    with watch.watching([(Part, "work", "inner")]), watch.running("outer"):
        assert Part().work() == 7
        inside = dict(watch.seconds)

    assert Part.work is before
    assert set(inside) == {"inner"}
    assert watch.seconds["inner"] == inside["inner"]
    assert watch.seconds["outer"] > 0
    assert list(watch.iterate([1, 2], "items")) == [1, 2]
