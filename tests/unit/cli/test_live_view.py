"""The live view of a paced run: what is left on the normal screen behind it."""

from __future__ import annotations

import errno
import io
import sys

import pytest
from rich.console import Console
from rich.text import Text

from tests.unit.cli.test_render_events import ZONE
from tickstock_cli.cli.live_view import LiveView
from tickstock_cli.cli.meter import Extent, ProgressMeter
from tickstock_cli.cli.status_lines import PacedLines
from tickstock_cli.engine.control import Control
from tickstock_cli.errors import DataError
from tickstock_cli.testing import new_york

TEN = new_york("2024-06-12", "10:00:00")
LEAVE = "\x1b[?1049l"


def view(screen: io.StringIO) -> LiveView:
    """Return a live view on a terminal that keeps what it gets."""
    meter = ProgressMeter(Extent(100, None, whole=True), zone=ZONE)
    console = Console(file=screen, force_terminal=True, width=80, height=24, color_system=None)
    return LiveView(PacedLines(meter, Control(1.0), [], ZONE), console, ZONE)


def test_an_error_leaves_the_last_state_on_the_normal_screen() -> None:
    """Nothing else says how far the run was; without an error a summary follows."""
    screen = io.StringIO()
    live = view(screen)
    live.advanced(50, TEN)
    with pytest.raises(DataError), live:
        raise DataError("the second file is damaged")

    _, left, behind = screen.getvalue().partition(LEAVE)
    assert left
    assert "market 2024-06-12 10:00:00.000   speed 1x   events 0" in behind
    assert "50/100 rows" in behind


def test_lines_of_the_run_are_printed_when_the_screen_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """On the alternate screen the next frame would draw over them, and the end would take them away."""
    with view(io.StringIO()):
        print("warning: an output is behind", file=sys.stderr)
        assert capsys.readouterr().err == ""

    assert capsys.readouterr().err == "warning: an output is behind\n"


def test_a_frame_that_cannot_be_drawn_says_so_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that stands still looks like a market that does; the next frame can be drawn again."""
    screen = io.StringIO()
    live = view(screen)
    lines = live._status.lines

    def broken(width: int, events: int) -> list[Text]:
        raise ValueError(f"no line of {width} for {events}")

    with live:
        monkeypatch.setattr(live._status, "lines", broken)
        live._live.refresh()
        assert "this view cannot be drawn (ValueError: no line of 80 for 0)" in screen.getvalue()
        monkeypatch.setattr(live._status, "lines", lines)
        begun = len(screen.getvalue())
        live.advanced(50, TEN)
        live._live.refresh()
        assert "market 2024-06-12 10:00:00.000" in screen.getvalue()[begun:]

    assert "note: the view could not be drawn: ValueError: no line of 80 for 0" in screen.getvalue().partition(LEAVE)[2]


def test_a_terminal_that_is_gone_is_no_error_of_the_run() -> None:
    """Its window was closed: outputs are written all the same."""

    class Gone(io.StringIO):
        closed_window = False

        def write(self, text: str) -> int:
            if self.closed_window:
                raise OSError(errno.EIO, "Input/output error")
            return super().write(text)

    screen = Gone()
    with view(screen):
        screen.closed_window = True
