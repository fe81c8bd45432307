"""Steps of long work: a line each for a log, one line that goes away for a terminal."""

from __future__ import annotations

import re

import pytest

from tickstock_cli.cli.steps import steps


def test_without_a_terminal_every_step_is_a_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    """What goes on within a step would only fill it."""
    with steps() as tell:
        tell("warming up", "head")
        tell("round 1 of 2", "decode")
        tell("round 1 of 2", "replay")
        tell("round 2 of 2", "decode")

    told = capsys.readouterr().err
    assert re.sub(r"^00:0\d ", "", told, flags=re.MULTILINE) == "warming up\nround 1 of 2\nround 2 of 2\n"


def test_a_terminal_shows_the_current_step_and_is_cleared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line takes the place of the one before, and the last one goes away."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with steps() as tell:
        tell("round 1 of 2", "decode")
        tell("looks worse", "")

    assert capsys.readouterr().err == "\r\x1b[2Kround 1 of 2: decode\r\x1b[2Klooks worse\r\x1b[2K"
