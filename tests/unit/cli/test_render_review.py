"""How verifications and differences look on a narrow terminal and on a wide one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from tests.unit.review.conftest import SECOND, at
from tickstock_cli.cli.render_review import comparison_view, difference_line, verification_view
from tickstock_cli.review.diff import Difference, DifferenceCounts, EventComparison
from tickstock_cli.review.variants import Scope, plan
from tickstock_cli.review.verify import VariantResult, Verification

DIGEST = "aa3631101022bd4ecdb80c442669a3469a484a4546018a40e83f4a7348396e42"
DAY = 86_400 * SECOND
SLICE = "the 10 tickers with most events, up to 2026-03-02T14:46:20.396721053Z"


def drawn(view: RenderableType, width: int) -> list[str]:
    """Draw without color and give the lines."""
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(view)
    return [line.rstrip() for line in capture.get().splitlines()]


def verification(*differs: str) -> Verification:
    """Return a verification of twenty million rows, whose last variant differs in some ways."""
    variants = plan(20_000_000, 10_000, 600 * SECOND)
    rows = {Scope.WHOLE: 20_000_000, Scope.SLICE: 10_000}
    results = [
        VariantResult(
            variant, rows[variant.scope], 1_234_567, DIGEST, 1234.5, 9_999_999 if variant.stop_after else None
        )
        for variant in variants
    ]
    last = results[-1]
    results[-1] = VariantResult(last.variant, last.rows, 3, DIGEST, 2.0, 5_000, differs)
    return Verification(tuple(results), SLICE)


@pytest.mark.parametrize("width", [80, 140])
def test_every_variant_shows_digest_seconds_and_verdict(width: int) -> None:
    """At 80 columns, too, and with large numbers: only the variant's name gives way."""
    lines = drawn(verification_view(verification()), width)
    variants = [line.split() for line in lines if line.endswith("same")]

    assert max(map(len, lines)) <= width
    assert len(variants) == len(verification().variants)
    assert {tuple(variant[-4:]) for variant in variants[:-1]} == {("1,234,567", DIGEST[:12], "1234.50", "same")}
    assert "The whole recording: 20,000,000 rows" in lines
    assert any("stopped early, resumed otherwise" in line for line in lines)


def test_a_variant_that_differs_names_the_difference() -> None:
    """Below its line; and the last line counts."""
    lines = drawn(verification_view(verification("events", "tick.read 3, not 5")), 80)

    assert [line.split()[-1] for line in lines if "DIFFERS" in line] == ["DIFFERS"]
    assert "   events" in lines
    assert f"1 of {len(verification().variants)} variants differ." in lines


def event(**columns: Any) -> dict[str, Any]:
    """Return the columns of an event that are drawn."""
    return {
        "timestamp": at("10:00:00"),
        "ticker": "ABC",
        "kind": "high",
        "price": 1234567.25,
        "source": "tick",
        **columns,
    }


def comparison(*differences: Difference) -> EventComparison:
    """Return a comparison of five differences that shows some of them."""
    return EventComparison(
        9, 8, {"high": DifferenceCounts(3, 1, 1, 4)}, {"cooldown": 4, "missing_data": 1}, True, list(differences)
    )


def test_a_reason_has_a_line_of_its_own() -> None:
    """So that it is read at any width; no more is shown than there is to say."""
    shown = [
        Difference(
            "only_a", "cooldown", "B had told one 2 s before, " + "and that is a long story " * 3, event(), None, {}
        ),
        Difference("only_b", "unknown", "", None, event(ticker="A"), {}),
    ]
    lines = drawn(comparison_view(comparison(*shown), Path("a.parquet"), Path("b.csv")), 80)
    first = lines.index("only A   14:00:00.000  ABC  high 1234567.25  tick  cooldown")

    assert max(map(len, lines)) <= 80
    assert lines[first + 1].startswith("         B had told one 2 s before, and that")
    assert lines[first + 2].startswith("         story and that")
    assert lines[first + 3] == "only B   14:00:00.000  A    high 1234567.25  tick  unknown"
    assert lines[first + 4] == "… and 3 more; see --limit"
    assert "reasons: cooldown 4, missing data 1" in lines


def test_times_of_several_days_have_their_dates() -> None:
    """And those of one have none."""
    shown = [
        Difference("only_a", "unknown", "", event(timestamp=at("10:00:00") + day * DAY), None, {}) for day in (0, 1)
    ]
    lines = drawn(comparison_view(comparison(*shown), Path("a.parquet"), Path("b.csv")), 80)

    assert [line.split()[2:4] for line in lines if line.startswith("only A")] == [
        ["2024-06-12", "14:00:00.000"],
        ["2024-06-13", "14:00:00.000"],
    ]


def test_a_difference_in_one_line_names_the_event_and_the_file() -> None:
    """For errors: which event, and what became of it."""
    alone = Difference("only_b", "unknown", "", None, event(), {})
    changed = Difference("changed", "value", "price 1 → 2", event(), event(), {"price": (1, 2)})

    assert difference_line(alone, "the reference", "this variant") == (
        "high of ABC at 2024-06-12T14:00:00Z (tick) is only in this variant"
    )
    assert difference_line(changed, "a", "b").endswith("(tick) changed: price 1 → 2")
