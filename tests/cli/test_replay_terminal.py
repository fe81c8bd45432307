"""A paced replay on a terminal: what it shows, and the keys that steer it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pyarrow.parquet as pq
import pytest

from tests.cli.market import write_recording
from tests.cli.prepared import COMMAND, start_process
from tests.unit.engine.events import TEN
from tickstock_cli.cli.meter import Extent, ProgressMeter
from tickstock_cli.cli.progress import ProgressBar
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.testing import MINUTE, SECOND, Tick

pytestmark = pytest.mark.usefixtures("compiled")

LONGEST_WAIT = 60
"""Seconds after which a terminal that does not show what it should fails a test; usually it takes a few."""
MOST_FRAMES = 100
"""Redrawings of a live view that give it time to react."""
CONTROLLED = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""How a program makes its terminal the controlling one: code run between fork and exec of many threads may hang."""
BACKGROUND = (
    "from tests.cli.prepared import fork\n"
    "if child := fork(): sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    "os.setpgid(0, 0)\n"
)
"""How a program becomes a background job, as a shell starts it: in a group of its own, beside that of the terminal."""
DRAWING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


FRAMES = 100
"""Frames within which a window's new size shows."""
HOME = "\x1b[H"
"""Begins a frame."""
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""To the alternate screen, and back to the normal one."""
ERASE_LINE = "\x1b[2K"
SHOW_CURSOR = "\x1b[?25h"


class Terminal:
    """The side of a pseudo terminal where a user sits."""

    def __init__(self, user: int, side: int) -> None:
        self._user = user
        self._side = side
        self._lines = termios.tcgetattr(side)
        self.is_closed = False
        self.shown = ""
        self.drawn = ""
        """All that came, with what moves the cursor and changes the screen."""

    def wait_for(self, text: str) -> None:
        """Look at the screen until a text has appeared behind what was waited for before."""
        before = len(self.shown)
        deadline = monotonic() + LONGEST_WAIT
        while text not in self.shown[before:]:
            assert monotonic() < deadline, f"never showed {text!r} behind {self.shown[before - 500 :][-4000:]!r}"
            self._read()

    def close(self) -> None:
        """Close the window. Idempotent."""
        if not self.is_closed:
            self.is_closed = True
            os.close(self._user)

    def as_behind_a_killed_job(self) -> None:
        """Set the terminal to whole lines, as a shell does when its job was killed."""
        termios.tcsetattr(self._side, termios.TCSANOW, self._lines)

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._user, key.encode())

    def edit_lines(self) -> None:
        """Set the terminal to whole lines, as a shell does, and wait until somebody has set it to single keys again."""
        termios.tcsetattr(self._side, termios.TCSANOW, self._lines)
        for _ in range(MOST_FRAMES):
            if not termios.tcgetattr(self._side)[3] & termios.ICANON:
                return
            self._read()
        raise AssertionError("nobody set the terminal to single keys again")

    def _read(self) -> None:
        ready, _, _ = select.select([self._user], [], [], LONGEST_WAIT)
        assert ready, f"nothing new behind {self.shown[-2000:]!r}"
        new = os.read(self._user, 65_536).decode(errors="replace")
        self.drawn += new
        self.shown += DRAWING.sub("", new)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size."""
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def see(self, sequence: str) -> None:
        """Look at the screen until it has got a sequence that changes it."""
        deadline = monotonic() + LONGEST_WAIT
        while sequence not in self.drawn:
            assert monotonic() < deadline, f"never got {sequence!r}: {self.drawn[-2000:]!r}"
            self._read()

    def frame(self) -> list[str]:
        """Return the lines of the next whole frame."""
        before = len(self.drawn)
        deadline = monotonic() + LONGEST_WAIT
        while len(frames := self.drawn[before:].split(HOME)) < 3:
            assert monotonic() < deadline, f"no frame in {self.drawn[before:][-2000:]!r}"
            self._read()
        return DRAWING.sub("", frames[1]).split("\r\n")


@contextmanager
def on_a_terminal(
    *command: str, folder: Path, stdout: int | None = None, background: bool = False
) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """Run ``tickstock`` on a terminal of 100 columns, and see that the terminal is left as it was.

    Parameters
    ----------
    stdout
        As for ``subprocess.Popen``; None is the terminal.
    background
        Whether it is a background job of the terminal, with a process in the foreground that waits for it.
    """
    user, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    before = termios.tcgetattr(side)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TICKSTOCK_", "COLUMNS", "LINES"))
    }
    with start_process(
        *command,
        program=CONTROLLED + BACKGROUND * background + COMMAND,
        cwd=folder,
        env={**environment, "TERM": "xterm"},
        stdin=side,
        stdout=side if stdout is None else stdout,
        stderr=side,
    ) as process:
        terminal = Terminal(user, side)
        try:
            yield terminal, process
            assert terminal.is_closed or termios.tcgetattr(side) == before
        finally:
            process.kill()
            os.close(side)
            terminal.close()


def test_keys_pause_step_change_the_speed_and_stop(tmp_path: Path) -> None:
    """Each shows at once; after q the terminal is as it was and the outputs are whole."""
    rows = [Tick("IBM", TEN + second * SECOND, 100.0 * 1.003**second) for second in range(20)]
    rows += [Tick("IBM", TEN + (60 + minute) * MINUTE, 110.0 * 1.003**minute) for minute in range(20)]
    write_recording(rows, tmp_path / "recorded")

    replay = ("replay", "recorded", "--speed", "16", "--out", "e.parquet")
    with on_a_terminal(*replay, folder=tmp_path) as (terminal, process):
        terminal.wait_for("▲ high")
        terminal.wait_for("space pause/go on   s one row   + faster   - slower   q stop")
        terminal.press("+")
        terminal.wait_for("speed 32x")
        terminal.press("-")
        terminal.press("-")
        terminal.wait_for("speed 8x")
        terminal.press(" ")
        terminal.wait_for("speed paused")
        terminal.press("s")
        terminal.press(" ")
        terminal.wait_for("speed 8x")
        terminal.press("q")
        terminal.wait_for("stopped after ")
        process.wait(LONGEST_WAIT)

    assert process.returncode == 130
    assert 0 < pq.read_table(tmp_path / "e.parquet").num_rows < 40
    assert "Traceback" not in terminal.shown


def endless(folder: Path) -> tuple[str, ...]:
    """Write a recording that takes hours at its own speed; return the command that replays it."""
    rows = [Tick("IBM", TEN + second * SECOND // 10, 100.0 + second % 7) for second in range(20_000)]
    write_recording(rows, folder / "recorded")
    return "replay", "recorded", "--speed", "1"


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGQUIT]])
def test_the_normal_screen_is_back_whatever_ends_the_run(tmp_path: Path, signals: list[signal.Signals]) -> None:
    """Frames are drawn on the alternate screen, over each other: nothing is erased line by line."""
    with on_a_terminal(*endless(tmp_path), folder=tmp_path) as (terminal, process):
        terminal.wait_for("market 2024-06-12 10:00:00")
        for number in signals:
            process.send_signal(number)
        terminal.see(LEAVE)
        process.wait(LONGEST_WAIT)

    assert terminal.drawn.count(ENTER) == terminal.drawn.count(LEAVE) == 1
    assert ERASE_LINE not in terminal.drawn
    assert "space pause" not in terminal.drawn.partition(LEAVE)[2]


def test_the_normal_screen_is_back_behind_a_run_that_is_killed(tmp_path: Path) -> None:
    """With kill -9 the run itself cannot leave the alternate screen, and the next prompt would stand on it."""
    with on_a_terminal(*endless(tmp_path), folder=tmp_path) as (terminal, process):
        terminal.wait_for("market 2024-06-12 10:00:00")
        process.kill()
        terminal.see(LEAVE)
        terminal.see(SHOW_CURSOR)
        process.wait(LONGEST_WAIT)
        terminal.as_behind_a_killed_job()

    assert terminal.drawn.count(ENTER) == terminal.drawn.count(LEAVE) == 1


def test_a_frame_is_as_high_as_the_window_also_after_it_was_resized(tmp_path: Path) -> None:
    """The last line has the keys, at the size that the window has now."""
    with on_a_terminal(*endless(tmp_path), folder=tmp_path) as (terminal, process):
        terminal.wait_for("market 2024-06-12 10:00:00")
        for rows, columns in ((24, 80), (50, 200)):
            terminal.resize(rows, columns)
            lines = next(lines for _ in range(FRAMES) if len(lines := terminal.frame()) == rows)
            assert lines[-1].rstrip() == "space pause/go on   s one row   + faster   - slower   q stop"
        terminal.press("q")
        terminal.wait_for("stopped after")
        process.wait(LONGEST_WAIT)


def test_a_comparison_says_which_path_it_is_on(tmp_path: Path) -> None:
    """The linear path takes minutes where the running system takes seconds; nobody should think that it hangs."""
    write_recording([Tick("IBM", TEN + row * SECOND // 10, 100.0) for row in range(6_000)], tmp_path / "recorded")

    compare = ("replay", "recorded", "--pipeline", "compare")
    with on_a_terminal(*compare, folder=tmp_path) as (terminal, process):
        terminal.wait_for("multi: ")
        terminal.wait_for("linear: ")
        terminal.wait_for("k/6.00k rows")
        terminal.wait_for("Same events, same ledger.")
        process.wait(LONGEST_WAIT)

    assert process.returncode == 0


def test_a_replay_in_the_background_leaves_the_keyboard_alone(tmp_path: Path) -> None:
    """The system stops a background process that reaches for its terminal; without keys it runs to its end."""
    write_recording([Tick("IBM", TEN + second * SECOND, 100.0 + second) for second in range(20)], tmp_path / "recorded")

    replay = ("replay", "recorded", "--speed", "100")
    with on_a_terminal(*replay, folder=tmp_path, background=True) as (terminal, waiting):
        terminal.wait_for("ledger: every row")
        waiting.wait(LONGEST_WAIT)

    assert waiting.returncode == 0


def test_the_row_of_a_step_is_shown_and_a_pause_shows_the_speed(tmp_path: Path) -> None:
    """Stepping through a market is for looking at its rows; a speed chosen in a pause is seen before it ends."""
    rows = [Tick("IBM", TEN + minute * MINUTE, 100.25 + minute, size=300) for minute in range(20)]
    write_recording(rows, tmp_path / "recorded")

    replay = ("replay", "recorded", "--speed", "1")
    with on_a_terminal(*replay, folder=tmp_path) as (terminal, process):
        terminal.wait_for("market 2024-06-12 10:00:00.000")
        terminal.press(" ")
        terminal.wait_for("speed paused (1x)")
        terminal.press("+")
        terminal.wait_for("speed paused (2x)")
        terminal.press("s")
        terminal.wait_for("row 10:01:00.000  IBM  tick 101.25 x 300")
        terminal.press("s")
        terminal.wait_for("row 10:02:00.000  IBM  tick 102.25 x 300")
        terminal.press("q")
        terminal.wait_for("stopped after 3 rows;")
        process.wait(LONGEST_WAIT)

    assert process.returncode == 130
    assert "1x then 2x" in terminal.shown


def test_keys_work_after_the_job_was_stopped_and_continued(tmp_path: Path) -> None:
    """Ctrl-Z and fg: the shell sets the terminal to whole lines meanwhile, and nobody wants to press Enter."""
    rows = [Tick("IBM", TEN + minute * MINUTE, 100.0 + minute) for minute in range(20)]
    write_recording(rows, tmp_path / "recorded")

    with on_a_terminal("replay", "recorded", "--speed", "1", folder=tmp_path) as (terminal, process):
        terminal.wait_for("market 2024-06-12 10:00:00.000")
        terminal.edit_lines()
        terminal.press("+")
        terminal.wait_for("speed 2x")
        terminal.press("q")
        terminal.wait_for("stopped after 1 row;")
        process.wait(LONGEST_WAIT)


@pytest.mark.parametrize("speed", [(), ("--speed", "1000")])
def test_lines_for_a_pipe_are_not_mixed_with_progress(tmp_path: Path, speed: tuple[str, ...]) -> None:
    """Whatever reads the pipe may well print to the same terminal, which gets the summary alone."""
    write_recording([Tick("IBM", TEN + second * SECOND, 100.0 + second) for second in range(20)], tmp_path / "recorded")

    replay = ("replay", "recorded", "--out", "-", *speed)
    with on_a_terminal(*replay, folder=tmp_path, stdout=subprocess.PIPE) as (terminal, process):
        assert process.stdout is not None
        lines = process.stdout.read()
        terminal.wait_for("ledger: every row")
        process.wait(LONGEST_WAIT)

    assert lines.startswith(b'{"event_id"')
    assert "%" not in terminal.shown


@pytest.mark.parametrize("rows", [0, 200])
def test_a_flat_out_run_on_a_terminal_shows_a_bar(capsys: pytest.CaptureFixture[str], rows: int) -> None:
    """Share, rows, and market time; also for a recording without rows. It goes away at the end."""
    bar = ProgressBar(ProgressMeter(Extent(rows, None, whole=True), zone=exchange_zone("XNYS")))
    if rows:
        bar._bar.mininterval = 0
        bar.advanced(50, TEN)
    bar.close()

    told = capsys.readouterr().err
    assert (" 25% |" in told) == bool(rows)
    assert ("| 50/200 rows  2024-06-12 10:00:00" in told) == bool(rows)
    assert "events" not in told
    assert told.endswith("\r")
