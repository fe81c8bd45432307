"""A line on stderr as soon as an output fails: the run can go on for hours."""

from __future__ import annotations

import sys

from tickstock_cli.engine.observer import Observer


class FailureNotes(Observer):
    """Prints a warning when an output fails."""

    def output_failed(self, name: str, reason: str) -> None:  # noqa: ARG002 - the reason names it
        print(f"warning: {reason}; the other outputs go on", file=sys.stderr)
