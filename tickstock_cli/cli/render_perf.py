"""Results of `tickstock perf` on a terminal: every verdict, then the overall one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from tickstock_cli.cli.render_result import TargetsView
from tickstock_cli.measurement.verdict import TargetVerdict


def answer(title: str, verdicts: Sequence[TargetVerdict], failed: bool) -> Group:
    """Draw the title, the verdicts, and whether the measurement passed."""
    word = Text("failed", style="bold red") if failed else Text("passed", style="bold green")
    return Group(Text(title, style="bold"), TargetsView(verdicts), word)
