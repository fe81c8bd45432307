"""Gaps of a feed before a moment that is explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.review.feed_gaps import FeedGap, gaps_before
from tickstock_cli.testing import new_york

AT = new_york("2024-06-12", "10:00:00")


def recorded(folder: Path, *lines: dict[str, Any]) -> Path:
    """Write the gaps of a recording, the last line cut off as a killed process leaves it."""
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "gaps.jsonl").write_text(text + '{"begin": 17', encoding="utf-8")
    return folder


def line(begin: str, end: str | None, reason: str) -> dict[str, Any]:
    """Return a gap of trades on that morning."""
    until = None if end is None else new_york("2024-06-12", end)
    return {"begin": new_york("2024-06-12", begin), "end": until, "channels": ["T"], "reason": reason}


def test_gaps_of_the_day_before_the_moment_are_named(tmp_path: Path) -> None:
    """Extremes of regular hours go on after them; a gap that came later decided nothing."""
    folder = recorded(
        tmp_path,
        {
            **line("09:10:00", "09:12:00", "yesterday"),
            "begin": 1_718_100_000_000_000_000,
            "end": 1_718_100_001_000_000_000,
        },
        line("09:29:00", "09:31:00", "over the open"),
        line("09:45:00", None, "closed with 1000"),
        line("09:45:00", "09:45:08", "closed with 1000"),
        line("10:00:00", "10:00:05", "after it"),
    )
    found = gaps_before([folder], Calendar("XNYS"), AT)
    assert [gap.reason for gap in found] == ["over the open", "closed with 1000"]
    assert found[1] == FeedGap(
        new_york("2024-06-12", "09:45:00"), new_york("2024-06-12", "09:45:08"), ("T",), "closed with 1000"
    )


def test_other_recordings_have_no_gaps(tmp_path: Path) -> None:
    """A file, or a folder without `gaps.jsonl`, is read as before."""
    assert gaps_before([tmp_path, tmp_path / "ticks.parquet"], Calendar("XNYS"), AT) == ()
